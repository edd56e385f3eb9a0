"""QR decomposition of the rows of many groups at once: the triangular factors R."""

import numpy as np

BATCH = 4_000_000  # numbers factored at once


def factor_groups(rows: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Factor each group's rows; R has rows of zeros for a group with fewer rows than columns.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape `(row, column)`.
    group : numpy.ndarray
        Shape `(row,)`: index of each row's group.
    groups : int
        Number of groups; a group may have no rows.

    Returns
    -------
    numpy.ndarray
        Shape `(group, column, column)`; diagonals are not negative, so R is unique.
    """
    width = rows.shape[1]
    found = np.zeros((groups, width, width))
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group, minlength=groups)
    starts = np.cumsum(sizes) - sizes
    padded = np.vstack([rows, np.zeros(width)])
    # Groups of about one size are factored together, with rows of zeros below the shorter ones.
    heights = 1 << np.ceil(np.log2(np.maximum(sizes, 1))).astype(int)
    for height in np.unique(heights[sizes > 0]):
        members = np.flatnonzero((heights == height) & (sizes > 0))
        step = max(1, BATCH // (height * width))
        for part in (members[at : at + step] for at in range(0, len(members), step)):
            within = np.arange(height)
            position = np.minimum(starts[part, None] + within, len(rows) - 1)
            chosen = np.where(within < sizes[part, None], order[position], len(rows))
            factor = np.linalg.qr(padded[chosen], mode="r")
            found[part, : factor.shape[1]] = factor
    return upright(found)


def upright(factors: np.ndarray) -> np.ndarray:
    """Flip signs of rows of triangular factors so that no diagonal is negative."""
    signs = np.where(np.diagonal(factors, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return factors * signs[..., None]
