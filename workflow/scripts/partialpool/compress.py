"""Compress: replace the rows by fewer that have the same likelihood.

Rows of other families than the Gaussian, or with several grouping factors, are merged
where they are alike: see `rows`. For group j of a Gaussian model with one factor, with
design rows X_j and response y_j, the likelihood is a function of the residual norms
||y_j - X_j b||, and these are a function of R_j, the triangular factor of the QR
decomposition of [X_j, y_j], alone: the posterior given the triangles is the posterior
given the rows.
Factors of two chunks of rows merge by a QR of their stack, so rows can come in
any number of parts (TSQR: Demmel, Grigori, Hoemmen & Langou 2012,
https://doi.org/10.1137/080731992). QR rather than cross-products keeps the
digits of a predictor whose mean is large against its spread.
"""

import json
from dataclasses import dataclass, replace

import numpy as np

from partialpool import families
from partialpool.described import Described
from partialpool.formula import Design
from partialpool.rows import Rows
from partialpool.study import Outcome


@dataclass(frozen=True)
class Compressed(Described):
    """What a fit of a Gaussian model with at most one factor reads: a triangle a group.

    Attributes
    ----------
    triangle : numpy.ndarray
        Shape `(group, column + 1, column + 1)`: R of the QR of [columns, response].
    rows : numpy.ndarray
        Shape `(group,)`: the number of rows of each group, or the sum of their weights.
    log_jacobian : numpy.ndarray
        Shape `(group,)`: minus the sum of the log standard errors its rows were
        divided by; 0 otherwise.
    """

    triangle: np.ndarray
    rows: np.ndarray
    log_jacobian: np.ndarray

    @property
    def factor(self) -> str | None:
        """Name of the grouping factor."""
        return self.factors[0].name if self.factors else None

    @property
    def varying(self) -> tuple[str, ...]:
        """Columns with group deviations; empty without a factor."""
        return self.factors[0].varying if self.factors else ()

    @property
    def levels(self) -> tuple[str, ...]:
        """Group labels; a single "all" where there is no factor."""
        return self.factors[0].levels if self.factors else ("all",)

    def to_dataset(self):
        """As an xarray Dataset: `triangle`, `rows`, column scales; the rest in attributes."""
        import xarray as xr

        return xr.Dataset(
            {
                "triangle": (("group", "triangle_row", "column"), self.triangle),
                "rows": ("group", self.rows),
                "log_jacobian": ("group", self.log_jacobian),
            },
            coords={"group": list(self.levels), "column": [*self.columns, self.response]},
            attrs={"model": json.dumps(self.description())},
        )

    @classmethod
    def from_dataset(cls, stored) -> "Compressed":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in ("triangle", "rows", "log_jacobian")}
        return cls(**arrays, **cls.described(json.loads(stored.attrs["model"])))


def read(stored) -> Compressed | Rows:
    """What a fit reads, from the xarray Dataset it was stored as."""
    return (Compressed if "triangle" in stored else Rows).from_dataset(stored)


def compress(design: Design, outcome: Outcome, values: dict[str, np.ndarray]) -> Compressed | Rows:
    """Compress the rows of a design.

    Parameters
    ----------
    design : Design
        Response, columns and groups of every row.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        Its columns, from `families.columns`, each of shape `(row,)`. By standard errors, in
        the response's units, rows are divided; weights say how many rows a row counts for.

    Returns
    -------
    Compressed or Rows
    """
    if outcome.family != "gaussian" or len(design.factors) > 1:
        return Rows.of(design, outcome, values)
    weights = values.get("weights", np.ones(len(design.y)))
    response = design.y - families.offset(values, len(design.y))
    augmented = np.column_stack([design.matrix, response])
    group = design.factors[0].index if design.factors else np.zeros(len(augmented), dtype=int)
    groups = len(design.factors[0].levels) if design.factors else 1
    log_jacobian = np.zeros(groups)
    if outcome.errors:
        errors = values["standard errors"]
        augmented = augmented / errors[:, None]
        np.subtract.at(log_jacobian, group, weights * np.log(errors))
    if outcome.weights:
        augmented = augmented * np.sqrt(weights)[:, None]

    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group, minlength=groups)
    chunks = np.split(augmented[order], np.cumsum(sizes)[:-1])
    return Compressed(
        triangle=np.stack([triangle(chunk) for chunk in chunks]),
        rows=np.bincount(group, weights=weights, minlength=groups),
        log_jacobian=log_jacobian,
        **Described.of(design, outcome, values),
    )


def merge(first: Compressed, second: Compressed) -> Compressed:
    """Compress two sets of rows into one, exactly as if they had come together.

    Both must have the same columns; groups are matched by label, and the
    result's are sorted.
    """
    levels = tuple(sorted({*first.levels, *second.levels}))
    width = len(first.columns) + 1
    stacked = np.zeros((len(levels), 2 * width, width))
    rows = np.zeros(len(levels))
    position = {level: index for index, level in enumerate(levels)}
    log_jacobian = np.zeros(len(levels))
    for part, top in ((first, 0), (second, width)):
        at = [position[level] for level in part.levels]
        stacked[at, top : top + width] = part.triangle
        rows[at] += part.rows
        log_jacobian[at] += part.log_jacobian
    mean, sd = _pooled_moments(first, second)
    return replace(
        first,
        triangle=np.linalg.qr(stacked, mode="r"),
        rows=rows,
        factors=tuple(replace(factor, levels=levels) for factor in first.factors),
        log_jacobian=log_jacobian,
        mean=dict(zip(first.columns, mean[:-1].tolist(), strict=True)),
        sd=dict(zip(first.columns, sd[:-1].tolist(), strict=True)),
        response_mean=float(mean[-1]),
        response_sd=float(sd[-1]),
    )


def triangle(rows: np.ndarray) -> np.ndarray:
    """R of the QR of `rows`, with rows of zeros where there are fewer rows than columns."""
    width = rows.shape[1]
    factor = np.linalg.qr(rows, mode="r")
    return np.concatenate([factor, np.zeros((width - len(factor), width))])


def _pooled_moments(first: Compressed, second: Compressed):
    """Mean and sd of the columns of two sets of rows together (Chan, Golub & LeVeque 1983)."""
    counts = np.array([first.rows.sum(), second.rows.sum()])[:, None]
    means = np.array([[*part.mean.values(), part.response_mean] for part in (first, second)])
    sds = np.array([[*part.sd.values(), part.response_sd] for part in (first, second)])
    mean = (counts * means).sum(axis=0) / counts.sum()
    variance = (counts * (sds**2 + (means - mean) ** 2)).sum(axis=0) / counts.sum()
    return mean, np.sqrt(variance)
