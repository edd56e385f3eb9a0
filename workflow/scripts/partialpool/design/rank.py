"""Check that columns of a design are linearly independent."""

import numpy as np
from scipy import linalg

from partialpool.base.errors import quoted_list
from partialpool.design.parsed_formula import ParsedFormula

# A column is independent of the others if its residual, relative to its length, is larger:
# well above rounding, well below any real predictor.
LEFT_OVER = 1e-11


def collinear(matrix: np.ndarray) -> list[int]:
    """Indices of a linearly dependent set of columns.

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
    # The first column beyond the rank is a combination of some of the columns before it.
    weights = linalg.solve_triangular(pivoted[:rank, :rank], pivoted[:rank, rank])
    return sorted({order[rank], *order[:rank][np.abs(weights) > 1e-6]})


def check_rank(formula: ParsedFormula, names: list[str], matrix: np.ndarray, rows: int) -> None:
    """Refuse collinear columns, whose coefficients are not identified.

    Parameters
    ----------
    formula : ParsedFormula
        For the message.
    names : list of str
    matrix : numpy.ndarray
        Shape `(row, name)`: the columns, or the triangular factor of their QR decomposition.
    rows : int
        Rows of the table.

    Raises
    ------
    UserError
    """
    if rows < len(names):
        raise formula.error(
            f"{len(names)} coefficients cannot be estimated from {rows} rows: {quoted_list(names)}"
        )
    for name, size in zip(names, np.linalg.norm(matrix, axis=0), strict=True):
        if size == 0:
            raise formula.error(f"column {name!r} is zero in every row; {_remedy(formula, name)}")
    found = collinear(matrix)
    if found:
        crossed = [formula.crossed_labels(names[index]) for index in found]
        named = (
            f"columns {quoted_list(names[index] for index in found)} are collinear; leave one out"
        )
        for columns in crossed:
            if len({*columns}) > 1:
                named += (
                    f", or make one column of {quoted_list(columns)} if a combination has no row"
                )
                break
        raise formula.error(named)


def _remedy(formula: ParsedFormula, name: str) -> str:
    """What to do about a column of zeros."""
    crossed = formula.crossed_labels(name)
    if len({*crossed}) > 1:
        return (
            f"no row has that combination: make one column of the labels of {quoted_list(crossed)} "
            "in the table, such as 'a & b', and use it instead of both, or leave out their "
            "interaction"
        )
    return "leave it out" if not crossed else "leave out the interaction"
