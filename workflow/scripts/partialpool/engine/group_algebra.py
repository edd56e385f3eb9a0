"""Linear algebra of a few columns for many groups at once, in NumPy or PyTensor.

`xp` is `numpy` or `pytensor.tensor`. Small matrices are lists or dicts of entries, each an array
over draws or groups, so that the same code computes with numbers and builds graphs.
"""

import numpy as np

LEAST = 1e-12  # smallest pivot of a Cholesky factor, relative to the diagonal


def orthogonalise(columns, xp):
    """Modified Gram-Schmidt of A's columns, for all groups at once.

    Parameters
    ----------
    columns : list of array
        Each of shape `(row, ...)`.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    directions : list of array
        Orthonormal columns, `(row, ...)`.
    triangle : dict of (int, int) to array
        T[i, k], i <= k, each of shape `(...)`.
    """
    columns, directions, triangle = list(columns), [], {}
    for i, column in enumerate(columns):
        triangle[i, i] = xp.sqrt((column**2).sum(axis=0))
        directions.append(column / triangle[i, i])
        for k in range(i + 1, len(columns)):
            triangle[i, k] = (directions[i] * columns[k]).sum(axis=0)
            columns[k] = columns[k] - directions[i] * triangle[i, k]
    return directions, triangle


def remove(directions, b):
    """Residual of `b`, `(row, ...)`, after projection on orthonormal directions, and components."""
    along = []
    for direction in directions:
        along.append((direction * b).sum(axis=0))
        b = b - direction * along[-1]
    return b, along


def stacked(design, scale, sigma, xp):
    """Columns of A = [S L; sigma I].

    Parameters
    ----------
    design : array
        S, shape `(varying, varying, ...)`: row, column.
    scale : sequence of sequence of array
        L, lower triangular, `scale[row][column]`, each broadcasting against `(...)`.
    sigma : array
        Broadcasting against `(...)`.

    Returns
    -------
    list of array
        As many columns as varying coefficients, each `(2 varying, ...)`.
    """
    size = len(scale)
    columns = []
    for k in range(size):
        upper = sum(design[:, i] * scale[i][k] for i in range(k, size))
        blank = xp.zeros_like(upper[0])
        lower = [blank + sigma if i == k else blank for i in range(size)]
        columns.append(xp.concatenate([upper, xp.stack(lower)], axis=0))
    return columns


def cholesky(partial, size: int, xp):
    """Cholesky factor of a correlation matrix from its canonical partial correlations.

    Under LKJ(eta) these are independent and symmetric Betas on (-1, 1), which
    needs no matrix algebra (Lewandowski, Kurowicka & Joe 2009,
    https://doi.org/10.1016/j.jmva.2009.04.008; Stan reference manual,
    "Cholesky factors of correlation matrices").

    Parameters
    ----------
    partial : dict of (int, int) to array
        Partial correlations by (row, column), row > column; the others are zero.
    size : int
        Rows of the matrix.

    Returns
    -------
    list of list of array
        The lower triangle, `[row][column]`.
    """
    factor = []
    for row in range(size):
        root, entries = 1.0, []
        for column in range(row):
            one = partial.get((row, column), 0.0)
            entries.append(one * root)
            if (row, column) in partial:
                root = root * xp.sqrt(1 - one**2)
        factor.append([*entries, root])
    return factor


def effects_scale(sd, partial, size: int, xp):
    """Cholesky factor L of the covariance L L' of group effects.

    Parameters
    ----------
    sd : array
        Between-group standard deviations, shape `(varying, ...)`.
    partial : dict of (int, int) to array
        Canonical partial correlations: see :func:`cholesky`.
    size : int
        Number of varying coefficients.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    list of list of array
        The lower triangle, `[row][column]`.
    """
    correlation = cholesky(partial, size, xp)
    return [[sd[i] * entry for entry in row] for i, row in enumerate(correlation)]


def partial_correlations(blocks, eta: float = 1.0) -> dict[tuple[int, int], float]:
    """Beta shapes of the non-zero partial correlations of independent LKJ(eta) blocks.

    Parameters
    ----------
    blocks : sequence of sequence
        Varying columns; those of one block are correlated, blocks are independent.
    eta : float

    Returns
    -------
    dict of (int, int) to float
        By (row, column) among the columns of all blocks, in the order they are stored.
    """
    found, first = {}, 0
    for block in blocks:
        size = len(block)
        for row in range(1, size):
            for column in range(row):
                found[first + row, first + column] = eta + (size - 2 - column) / 2
        first += size
    return found


def pairs(size: int) -> np.ndarray:
    """Directions d whose quadratic forms d' P d determine a symmetric matrix P (polarisation).

    Returns
    -------
    numpy.ndarray
        Shape `(size, pair)`: each coordinate, then the sum of each two.
    """
    one = np.eye(size)
    sums = [one[:, i] + one[:, k] for i in range(size) for k in range(i + 1, size)]
    return np.column_stack([one, *sums])


def triangle_of(squares, size: int, xp) -> dict:
    """Cholesky factor R, P = R'R, from the quadratic forms of P in the directions of :func:`pairs`.

    Parameters
    ----------
    squares : array
        Shape `(pair,)`: d' P d in each direction d.
    size : int
        Number of rows of R. P has one more row, which gives the last column of R.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    dict of (int, int) to array
        By (row, column), row <= column.
    """
    found, width = {}, size + 1
    at, entries = width, {(i, i): squares[i] for i in range(width)}
    for i in range(width):
        for k in range(i + 1, width):
            entries[i, k] = (squares[at] - squares[i] - squares[k]) / 2
            at += 1
    for i in range(size):
        pivot = entries[i, i] - sum(found[m, i] ** 2 for m in range(i))
        # Rounding may leave a pivot below zero.
        found[i, i] = xp.sqrt(xp.maximum(pivot, LEAST * entries[i, i]))
        for k in range(i + 1, width):
            entry = entries[i, k] - sum(found[m, i] * found[m, k] for m in range(i))
            found[i, k] = entry / found[i, i]
    return found
