"""Rows merged where they are alike, for models whose group effects stay in the model.

Rows with the same design, groups and offset differ in their response alone. Then

- Bernoulli and binomial rows add up: successes and trials of one binomial row;
- Poisson rows add up also where exposures differ: their counts, and their exposures;
- negative binomial and Student-t rows with the same response are one row that counts
  several times;
- Gaussian rows of one cell (the same group of every factor) become the triangle of their
  QR decomposition, at most a row for each column and one: see `compress`.

What no parameter changes is kept as a constant, so the log likelihood is that of the rows.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from partialpool import families
from partialpool.described import Described
from partialpool.formula import Design
from partialpool.study import Outcome


@dataclass(frozen=True)
class Rows(Described):
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
    constant : float
        Of the log likelihood.
    total : int
        Rows before they were merged.
    """

    matrix: np.ndarray
    index: np.ndarray
    y: np.ndarray
    trials: np.ndarray
    offset: np.ndarray
    count: np.ndarray
    cells: np.ndarray
    constant: float
    total: int

    @classmethod
    def of(cls, design: Design, outcome: Outcome, values: dict[str, np.ndarray]) -> "Rows":
        """Merge the rows of a design; arguments as for `compress.compress`."""
        size = len(design.y)
        weights = values.get("weights", np.ones(size))
        shift = families.offset(values, size)
        index = np.stack([f.index for f in design.factors]) if design.factors else _none(size)
        matrix, y, trials = design.matrix, design.y, values.get("trials", np.zeros(size))
        constant = 0.0
        cells = np.zeros(0)
        if outcome.errors:
            # Student-t or Gaussian: the same density with everything in standard errors.
            errors = values["standard errors"]
            matrix, y, shift = matrix / errors[:, None], y / errors, shift / errors
            constant -= (weights * np.log(errors)).sum()

        count = weights
        family = families.FAMILIES[outcome.family]
        if outcome.family == "gaussian":
            constant -= 0.5 * families.LOG_2PI * weights.sum()
            first = index[0] if len(index) else np.zeros(size, dtype=int)
            cells = np.bincount(first, weights=weights)
            root = np.sqrt(weights)[:, None]
            matrix, y, index = _triangles(root * matrix, root[:, 0] * (y - shift), index)
            trials, shift, count = (np.zeros(len(y)) for _ in range(3))
        elif outcome.family in ("bernoulli", "binomial"):
            trials = values.get("trials", np.ones(size))
            constant += (weights * family.constant(y, trials)).sum()
            merged, (y, trials) = _merge([matrix, shift, index], [weights * y, weights * trials])
            matrix, shift, index = _split(merged, matrix, index)
            count = np.ones(len(y))
        elif outcome.family == "poisson":
            constant += (weights * (family.constant(y, trials) + y * shift)).sum()
            zero = np.zeros(size)
            merged, (y, exposed) = _merge(
                [matrix, zero, index], [weights * y, weights * np.exp(shift)]
            )
            matrix, _, index = _split(merged, matrix, index)
            shift, trials, count = np.log(exposed), np.zeros(len(y)), np.ones(len(y))
            constant -= special.xlogy(y, exposed).sum()
        else:
            constant += (weights * family.constant(y, trials)).sum()
            merged, (count,) = _merge([matrix, np.column_stack([shift, y]), index], [weights])
            matrix, both, index = _split(merged, matrix, index, 2)
            shift, y = both.T
            trials = np.zeros(len(y))
        return cls(
            matrix=matrix,
            index=index,
            y=y,
            trials=trials,
            offset=shift,
            count=count,
            cells=cells,
            constant=float(constant),
            total=size,
            **Described.of(design, outcome, values),
        )

    def of_columns(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def to_dataset(self):
        """As an xarray Dataset: the rows; the rest in attributes."""
        import xarray as xr

        by_row = {n: ("row", getattr(self, n)) for n in ("y", "trials", "offset", "count")}
        return xr.Dataset(
            {
                "matrix": (("row", "column"), self.matrix),
                "index": (("factor", "row"), self.index),
                "cells": ("group", self.cells),
                **by_row,
            },
            coords={"column": list(self.columns), "factor": [f.name for f in self.factors]},
            attrs={
                "model": json.dumps(self.description()),
                "constant": self.constant,
                "total": self.total,
            },
        )

    @classmethod
    def from_dataset(cls, stored) -> "Rows":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in stored.data_vars}
        return cls(
            **arrays,
            constant=float(stored.attrs["constant"]),
            total=int(stored.attrs["total"]),
            **cls.described(json.loads(stored.attrs["model"])),
        )


def _none(size: int) -> np.ndarray:
    return np.zeros((0, size), dtype=int)


def _merge(alike: list[np.ndarray], summed: list[np.ndarray]):
    """Distinct rows of `alike`, as one array, and the sums of `summed` over each."""
    matrix, others, index = alike
    keys = pd.DataFrame(np.column_stack([matrix, others, index.T]))
    groups = keys.groupby(list(keys.columns), sort=True)
    number = groups.ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    return keys.to_numpy()[first], [np.bincount(number, weights=values) for values in summed]


def _split(merged: np.ndarray, matrix: np.ndarray, index: np.ndarray, others: int = 1):
    """Design columns, other columns and group positions of distinct rows."""
    width = matrix.shape[1]
    between = merged[:, width : width + others]
    labels = merged[:, width + others :].T.astype(int)
    return merged[:, :width], between if others > 1 else between[:, 0], labels


def _triangles(matrix: np.ndarray, y: np.ndarray, index: np.ndarray):
    """Rows of the triangles of every cell, and the groups they are of."""
    augmented = np.column_stack([matrix, y])
    if not len(index):
        factor = np.linalg.qr(augmented, mode="r")
        return factor[:, :-1], factor[:, -1], _none(len(factor))
    cells = pd.DataFrame(index.T).groupby(list(range(len(index))), sort=True).ngroup().to_numpy()
    order = np.argsort(cells, kind="stable")
    sizes = np.bincount(cells)
    width = augmented.shape[1]
    found, labels = [], []
    for chunk, where in zip(
        np.split(augmented[order], np.cumsum(sizes)[:-1]),
        np.split(index.T[order], np.cumsum(sizes)[:-1]),
        strict=True,
    ):
        rows = np.linalg.qr(chunk, mode="r") if len(chunk) > width else chunk
        found.append(rows)
        labels.append(where[: len(rows)])
    rows = np.concatenate(found)
    return rows[:, :-1], rows[:, -1], np.concatenate(labels).T
