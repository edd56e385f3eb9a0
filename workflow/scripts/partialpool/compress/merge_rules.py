"""How rows with the same design and groups are merged, for each kind of response family."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from partialpool.model.family import COPIES, EXPOSURES, MEANS, TRIALS, TRIANGLES


@dataclass(frozen=True)
class MergeRule:
    """How rows of a family are weighted and merged.

    Attributes
    ----------
    weighted : callable
        `(y, trials, offset, weights)`, each of shape `(row,)`, to those of the fields `y, trials,
        offset, count` of merged rows that a row's weight changes, and to `constant`, the terms of
        the log likelihood without parameters, where it changes them.
    size : callable
        Merged rows to the weight of each in a mean of the predictors, `(row,)`.
    equal : tuple of str
        Fields that are equal in rows that are merged, besides design and groups.
    added : tuple of str
        Fields that add up.
    added_as_exp : tuple of str
        Fields whose exponentials add up.
    averaged : tuple of str
        Fields of which the mean is taken, weighted by `count`.
    constant : callable, optional
        Merged rows to terms of the log likelihood without parameters that merging changes,
        `(row,)`.
    """

    weighted: Callable
    size: Callable
    equal: tuple[str, ...] = ("offset",)
    added: tuple[str, ...] = ()
    added_as_exp: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    constant: Callable | None = None

    def totals(self, rows, number: np.ndarray) -> dict[str, np.ndarray]:
        """Fields of merged rows that are sums or means over rows of the same `number`."""
        found = {name: np.bincount(number, weights=getattr(rows, name)) for name in self.added}
        for name in self.added_as_exp:
            found[name] = np.log(np.bincount(number, weights=np.exp(getattr(rows, name))))
        for name in self.averaged:
            total = np.bincount(number, weights=rows.count * getattr(rows, name))
            found[name] = total / np.bincount(number, weights=rows.count)
        return found


def _triangles(y, trials, offset, weights) -> dict[str, np.ndarray]:
    zero = np.zeros(len(y))
    return {"y": np.sqrt(weights) * (y - offset), "offset": zero, "count": zero}


def _exposures(y, trials, offset, weights) -> dict[str, np.ndarray]:
    found = {"y": weights * y, "offset": offset + np.log(weights)}
    before, after = weights * y * offset, special.xlogy(found["y"], np.exp(found["offset"]))
    return found | {"constant": before - after}


def _copies(y, trials, offset, weights) -> dict[str, np.ndarray]:
    return {"count": weights, "trials": trials}


# By `merging` of the family. Gaussian rows are merged by QR decomposition.
RULES = {
    TRIANGLES: MergeRule(weighted=_triangles, size=lambda rows: np.ones(len(rows.y))),
    TRIALS: MergeRule(
        weighted=lambda y, trials, offset, weights: {"y": weights * y, "trials": weights * trials},
        size=lambda rows: rows.trials,
        added=("y", "trials"),
    ),
    EXPOSURES: MergeRule(
        weighted=_exposures,
        size=lambda rows: np.exp(rows.offset),
        equal=(),
        added=("y",),
        added_as_exp=("offset",),
        constant=lambda rows: special.xlogy(rows.y, np.exp(rows.offset)),
    ),
    MEANS: MergeRule(
        weighted=_copies,
        size=lambda rows: rows.count,
        equal=("offset", "trials"),
        added=("count",),
        averaged=("y",),
    ),
    COPIES: MergeRule(
        weighted=_copies,
        size=lambda rows: rows.count,
        equal=("offset", "y", "trials"),
        added=("count",),
    ),
}
