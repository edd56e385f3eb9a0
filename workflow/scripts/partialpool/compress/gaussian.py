"""Gaussian rows with at most one factor, as a triangle of the QR decomposition of each group.

For group j, with design rows X_j and response y_j, the likelihood is a function of the
residual norms ||y_j - X_j b||, and these are a function of R_j, the triangular factor of the
QR decomposition of [X_j, y_j], alone: the posterior given the triangles is the posterior
given the rows. Factors of two chunks of rows merge by a QR of their stack, so rows can come in
any number of parts (TSQR: Demmel, Grigori, Hoemmen & Langou 2012,
https://doi.org/10.1137/080731992). QR rather than cross-products keeps the
digits of a predictor whose mean is large against its spread.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from partialpool.base import group_qr
from partialpool.model.description import ModelDescription


@dataclass(frozen=True)
class GroupTriangles(ModelDescription):
    """What a fit of a Gaussian model with at most one factor reads: a triangle a group.

    Attributes
    ----------
    triangle : numpy.ndarray
        Shape `(group, column + 1, column + 1)`: R of the QR of [columns, response].
    rows : numpy.ndarray
        Shape `(group,)`: the number of rows of each group, or the sum of their weights.
    log_jacobian : numpy.ndarray
        Shape `(group,)`: minus the sum of the logs of what its rows were divided by:
        their standard errors, or sds in units of sigma; 0 otherwise.
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
    def from_dataset(cls, stored) -> "GroupTriangles":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in ("triangle", "rows", "log_jacobian")}
        return cls(**arrays, **cls.described(json.loads(stored.attrs["model"])))

    @classmethod
    def merged(cls, parts: Sequence["GroupTriangles"]) -> "GroupTriangles":
        """The triangles of the rows of several parts together."""
        stacked = np.concatenate([part.triangle for part in parts], axis=1)
        return replace(
            parts[0],
            triangle=group_qr.upright(np.linalg.qr(stacked, mode="r")),
            rows=sum(part.rows for part in parts),
            log_jacobian=sum(part.log_jacobian for part in parts),
            **ModelDescription.pooled(parts),
        )
