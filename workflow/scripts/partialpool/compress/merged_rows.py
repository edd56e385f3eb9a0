"""Rows merged where they are alike, for models whose group effects stay in the model.

Rows with the same design, groups and offset differ in their response alone. Then

- Bernoulli and binomial rows add up: successes and trials of one binomial row;
- Poisson rows add up also where exposures differ: their counts, and their exposures;
- negative binomial and Student-t rows with the same response are one row that counts
  several times;
- Gaussian rows of one cell (the same group of every factor) become the triangle of their
  QR decomposition, at most a row for each column and one: see `gaussian`.

What no parameter changes is kept as a constant, so the log likelihood is that of the rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from partialpool.base import group_qr
from partialpool.model.arrays import NUMPY
from partialpool.model.description import ModelDescription
from partialpool.model.family import COPIES, EXPOSURES, TRIALS, TRIANGLES
from partialpool.model.links import LINKS

BY_ROW = ("y", "trials", "offset", "count")


@dataclass(frozen=True)
class MergedRows(ModelDescription):
    """Merged rows, and what is needed to have the likelihood of the rows they came from.

    Attributes
    ----------
    matrix : numpy.ndarray
        Shape `(row, column)`.
    index : numpy.ndarray
        Shape `(factor, row)`: position of each row's group among the factor's levels.
    y, trials, offset, count : numpy.ndarray
        Shape `(row,)`: response; trials of a binomial row, else 0; what is added to the linear
        predictor; how many rows it stands for. Gaussian rows count in `cells` instead.
    cells : numpy.ndarray
        Shape `(group,)`: Gaussian rows of each group of the first factor, or of all rows
        where there is none; they have density sigma ** -cells besides their squares.
    constants : numpy.ndarray
        Shape `(group,)`: what no parameter changes of the log likelihood of each group of the
        first factor, or of all rows where there is none.
    """

    matrix: np.ndarray
    index: np.ndarray
    y: np.ndarray
    trials: np.ndarray
    offset: np.ndarray
    count: np.ndarray
    cells: np.ndarray
    constants: np.ndarray

    @classmethod
    def merged(cls, parts: Sequence["MergedRows"]) -> "MergedRows":
        """The rows of several parts, merged across them."""
        by_row = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ("matrix", *BY_ROW)}
        whole = replace(
            parts[0],
            index=np.concatenate([part.index for part in parts], axis=1),
            **by_row,
            cells=sum(part.cells for part in parts),
            constants=sum(part.constants for part in parts),
            **ModelDescription.pooled(parts),
        )
        return whole.together()

    def together(self) -> "MergedRows":
        """Those that are alike made one; the likelihood stays as it is."""
        constants, keys, merging = self.constants, [self.offset], self.family.merging
        if merging == TRIANGLES:
            matrix, y, index = _triangles(self.matrix, self.y, self.index)
            zero = np.zeros(len(y))
            return replace(
                self, matrix=matrix, y=y, index=index, trials=zero, offset=zero, count=zero
            )
        if merging == TRIALS:
            summed = {"y": self.y, "trials": self.trials}
        elif merging == EXPOSURES:
            keys, summed = [], {"y": self.y, "offset": np.exp(self.offset)}
            constants = constants + self._of_exposures()
        else:
            keys, summed = [self.offset, self.y], {"count": self.count}
        alike = pd.DataFrame(np.column_stack([self.matrix, *keys, self.index.T]))
        number = alike.groupby(list(alike.columns), sort=True).ngroup().to_numpy()
        _, first = np.unique(number, return_index=True)
        found = {name: np.bincount(number, weights=values) for name, values in summed.items()}
        if merging == EXPOSURES:
            found["offset"] = np.log(found["offset"])
        kept = {name: found.get(name, getattr(self, name)[first]) for name in BY_ROW}
        merged = replace(self, matrix=self.matrix[first], index=self.index[:, first], **kept)
        if merging == EXPOSURES:
            constants = constants - merged._of_exposures()
        return replace(merged, constants=constants, **merged._centre())

    def _of_exposures(self) -> np.ndarray:
        """What exposures add to the log likelihood of Poisson rows, by group of `constants`."""
        return np.bincount(
            first_factor(self.index, len(self.y)),
            weights=special.xlogy(self.y, np.exp(self.offset)),
            minlength=len(self.constants),
        )

    def _centre(self) -> dict:
        """Location and scale of the linear predictor, if it is not on the response's own scale."""
        centre = LINKS[self.family.link].centre
        if centre is None:
            return {}
        found = centre(self.y, self.count, self.trials, self.offset, NUMPY)
        return {"response_mean": float(found), "response_sd": 1.0}

    def rows_in_each(self) -> np.ndarray:
        """How much each merged row weighs in a mean of the predictors, `(row,)`."""
        by_merging = {
            TRIANGLES: np.ones(len(self.y)),
            TRIALS: self.trials,
            EXPOSURES: np.exp(self.offset),
            COPIES: self.count,
        }
        return by_merging[self.family.merging]

    @property
    def constant(self) -> float:
        """Of the log likelihood."""
        return float(self.constants.sum())

    def of_columns(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def to_dataset(self):
        """As an xarray Dataset: the rows; the rest in attributes."""
        import xarray as xr

        by_row = {name: ("row", getattr(self, name)) for name in BY_ROW}
        return xr.Dataset(
            {
                "matrix": (("row", "column"), self.matrix),
                "index": (("factor", "row"), self.index),
                "cells": ("cell", self.cells),
                "constants": ("group", self.constants),
                **by_row,
            },
            coords={"column": list(self.columns), "factor": [f.name for f in self.factors]},
            attrs={
                "model": json.dumps(self.description()),
            },
        )

    @classmethod
    def from_dataset(cls, stored) -> "MergedRows":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in stored.data_vars}
        return cls(
            **arrays,
            **cls.described(json.loads(stored.attrs["model"])),
        )


def first_factor(index: np.ndarray, size: int) -> np.ndarray:
    """Each row's group of the first factor; one for all rows where there is none."""
    return index[0] if len(index) else np.zeros(size, dtype=int)


def _triangles(matrix: np.ndarray, y: np.ndarray, index: np.ndarray):
    """The triangle of every cell that has more rows than that, and the groups rows are of."""
    rows = np.column_stack([matrix, y])
    cell = np.zeros(len(rows), dtype=int)
    if len(index):
        cell = pd.DataFrame(index.T).groupby(list(range(len(index)))).ngroup().to_numpy()
    width, sizes = rows.shape[1], np.bincount(cell)
    _, first = np.unique(cell, return_index=True)
    many = np.flatnonzero(sizes > width)
    few, place = sizes[cell] <= width, np.zeros(len(sizes), dtype=int)
    place[many] = np.arange(len(many))
    factors = group_qr.of_groups(rows[~few], place[cell[~few]], len(many))
    cell = np.concatenate([cell[few], np.repeat(many, width)])
    order = np.argsort(cell, kind="stable")
    rows = np.concatenate([rows[few], factors.reshape(-1, width)])[order]
    return rows[:, :-1], rows[:, -1], index[:, first[cell[order]]]
