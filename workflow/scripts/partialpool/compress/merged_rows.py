"""Merged rows: identical rows of a design combined, for models whose effects are sampled.

Rows with the same design, groups and offset differ in their response alone. Then

- Bernoulli and binomial rows add up: successes and trials of one binomial row;
- Poisson rows add up also where exposures differ: their counts, and their exposures;
- negative binomial and Student-t rows with the same response are one row that counts
  several times;
- Gaussian rows of one cell (the same group of every factor) become the triangle of their
  QR decomposition, at most one row more than columns: see `group_triangles`.

Terms free of parameters are kept as constants, so the log likelihood is that of the rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from partialpool.base import group_qr
from partialpool.compress.merge_rules import RULES
from partialpool.model.arrays import NUMPY
from partialpool.model.description import ModelDescription
from partialpool.model.links import LINKS

BY_ROW = ("y", "trials", "offset", "count")


@dataclass(frozen=True)
class MergedRows(ModelDescription):
    """Merged rows and constants that give the log likelihood of the original rows.

    Attributes
    ----------
    matrix : numpy.ndarray
        Shape `(row, column)`.
    index : numpy.ndarray
        Shape `(factor, row)`: position of each row's group among the factor's levels.
    y, trials, offset, count : numpy.ndarray
        Shape `(row,)`: response; trials of a binomial row, else 0; offset of the linear
        predictor; number of original rows. Gaussian rows are counted in `cells` instead.
    cells : numpy.ndarray
        Shape `(group,)`: number of original Gaussian rows of each group of the first factor, or
        of the table without factors: the exponent of 1 / sigma in their density.
    constants : numpy.ndarray
        Shape `(group,)`: terms of the log likelihood without parameters, of each group of the
        first factor, or of the table without factors.
    """

    closed_form: ClassVar[bool] = False  # of integrals over all group effects

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
        """Merge the rows of several parts."""
        by_row = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ("matrix", *BY_ROW)}
        whole = replace(
            parts[0],
            index=np.concatenate([part.index for part in parts], axis=1),
            **by_row,
            cells=sum(part.cells for part in parts),
            constants=sum(part.constants for part in parts),
            **ModelDescription.merged_scales(parts),
        )
        return whole.together()

    def together(self) -> "MergedRows":
        """Merge identical rows; the likelihood stays as it is."""
        if self.family.normal:
            matrix, y, index = _triangles(self.matrix, self.y, self.index)
            zero = np.zeros(len(y))
            return replace(
                self, matrix=matrix, y=y, index=index, trials=zero, offset=zero, count=zero
            )
        rule = RULES[self.family.merging]
        keys = [getattr(self, name) for name in rule.equal]
        alike = pd.DataFrame(np.column_stack([self.matrix, *keys, self.index.T]))
        number = alike.groupby(list(alike.columns), sort=True).ngroup().to_numpy()
        _, first = np.unique(number, return_index=True)
        found = rule.totals(self, number)
        kept = {name: found.get(name, getattr(self, name)[first]) for name in BY_ROW}
        merged = replace(self, matrix=self.matrix[first], index=self.index[:, first], **kept)
        constants = self.constants
        if rule.constant:
            constants = constants + self._by_group(rule.constant(self))
            constants = constants - merged._by_group(rule.constant(merged))
        return replace(merged, constants=constants, **merged._centre())

    def _by_group(self, terms: np.ndarray) -> np.ndarray:
        """Sums of terms of each row, by group of `constants`."""
        return np.bincount(
            first_factor(self.index, len(self.y)), weights=terms, minlength=len(self.constants)
        )

    def _centre(self) -> dict:
        """Location and scale of the linear predictor, if it is not on the response's own scale."""
        centre = LINKS[self.family.link].centre
        if centre is None:
            return {}
        half = 0.5 if self.family.discrete else 0.0
        found = centre(self.y, self.count, self.trials, self.offset, half, NUMPY)
        return {"response_mean": float(found), "response_sd": 1.0}

    def rows_in_each(self) -> np.ndarray:
        """Weight of each merged row in a mean of the predictors, `(row,)`."""
        return RULES[self.family.merging].size(self)

    @property
    def constant(self) -> float:
        """Constant of the log likelihood."""
        return float(self.constants.sum())

    def group_sizes(self, factor: int) -> np.ndarray:
        """Number of rows of each group of a factor, as far as merged rows have kept it.

        Trials of binomial rows; the rows as merged of Poisson and Gaussian models.
        """
        rows = np.maximum(np.maximum(self.trials, self.count), 1)
        return np.bincount(self.index[factor], weights=rows)

    def design_triangles(self, factor: int, start: int, stop: int) -> np.ndarray:
        """R of the QR of the design rows of groups `start` to `stop`, `(group, column, column)`.

        Merged rows are weighted by :meth:`rows_in_each`.
        """
        stop = min(stop, len(self.factors[factor].levels))
        index = self.index[factor]
        rows = (index >= start) & (index < stop)
        matrix = np.sqrt(self.rows_in_each()[rows])[:, None] * self.matrix[rows]
        return group_qr.factor_groups(matrix, index[rows] - start, stop - start)

    def select_columns(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def to_dataset(self):
        """Convert to an xarray Dataset; the model description is its attribute `model`, JSON."""
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
            attrs={"model": json.dumps(self.to_dict())},
        )

    @classmethod
    def from_dataset(cls, stored) -> "MergedRows":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in stored.data_vars}
        return cls(**arrays, **cls.arguments(json.loads(stored.attrs["model"])))


def first_factor(index: np.ndarray, size: int) -> np.ndarray:
    """Index of each row's group of the first factor; zeros without factors."""
    return index[0] if len(index) else np.zeros(size, dtype=int)


def _triangles(matrix: np.ndarray, y: np.ndarray, index: np.ndarray):
    """Replace the rows of every cell with more rows than columns by their QR factor.

    Returns the new rows of `matrix` and `y`, and the `index` of their groups.
    """
    rows = np.column_stack([matrix, y])
    cell = np.zeros(len(rows), dtype=int)
    if len(index):
        cell = pd.DataFrame(index.T).groupby(list(range(len(index)))).ngroup().to_numpy()
    width, sizes = rows.shape[1], np.bincount(cell)
    _, first = np.unique(cell, return_index=True)
    many = np.flatnonzero(sizes > width)
    few, place = sizes[cell] <= width, np.zeros(len(sizes), dtype=int)
    place[many] = np.arange(len(many))
    factors = group_qr.factor_groups(rows[~few], place[cell[~few]], len(many))
    cell = np.concatenate([cell[few], np.repeat(many, width)])
    order = np.argsort(cell, kind="stable")
    rows = np.concatenate([rows[few], factors.reshape(-1, width)])[order]
    return rows[:, :-1], rows[:, -1], index[:, first[cell[order]]]
