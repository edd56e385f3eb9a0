"""Triangles: R of the QR decomposition of each group's rows, for many groups at once."""

import numpy as np

BATCH = 4_000_000  # numbers factored at once


def of_groups(rows: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """R of the QR of each group's rows, with rows of zeros where there are fewer than columns.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape `(row, column)`.
    group : numpy.ndarray
        Shape `(row,)`: the number of each row's group.
    groups : int
        How many there are; some may have no rows.

    Returns
    -------
    numpy.ndarray
        Shape `(group, column, column)`; no diagonal is below zero, so R is the only one.
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
    """Triangular factors with no diagonal below zero."""
    signs = np.where(np.diagonal(factors, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return factors * signs[..., None]
