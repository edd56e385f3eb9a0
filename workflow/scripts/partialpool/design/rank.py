"""Which columns of a design cannot be told apart."""

import numpy as np
from scipy import linalg

# A column is independent of the others while this much of it, relative to its
# length, is left over: well above rounding, well below any real predictor.
LEFT_OVER = 1e-11


def collinear(matrix: np.ndarray) -> list[int]:
    """Positions of columns of which one is a combination of the others.

    Parameters
    ----------
    matrix : numpy.ndarray
        Shape `(row, column)`, at least as many rows as columns, no column of zeros.

    Returns
    -------
    list of int
        Sorted; empty where all columns are independent.
    """
    triangle = np.linalg.qr(matrix, mode="r") / np.linalg.norm(matrix, axis=0)
    _, pivoted, order = linalg.qr(triangle, pivoting=True, mode="economic")
    rank = int((np.abs(np.diag(pivoted)) > LEFT_OVER).sum())
    if rank == matrix.shape[1]:
        return []
    # The first column left over is a combination of some of those before it.
    weights = linalg.solve_triangular(pivoted[:rank, :rank], pivoted[:rank, rank])
    return sorted({order[rank], *order[:rank][np.abs(weights) > 1e-6]})
