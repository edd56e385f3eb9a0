"""Triangular QR factors of the groups of a Gaussian model with at most one grouping factor.

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
from typing import ClassVar

import numpy as np

from partialpool.base import group_qr
from partialpool.model.description import ModelDescription


@dataclass(frozen=True)
class GroupTriangles(ModelDescription):
    """Sufficient statistics of a Gaussian model with at most one factor: a triangle a group.

    Attributes
    ----------
    triangle : numpy.ndarray
        Shape `(group, column + 1, column + 1)`: R of the QR of [columns, response].
    rows : numpy.ndarray
        Shape `(group,)`: the number of rows of each group, or the sum of their weights.
    log_jacobian : numpy.ndarray
        Shape `(group,)`: minus the sum of the logs of the standard errors, or of the sds in units
        of sigma, that the group's rows were divided by; 0 otherwise.
    """

    closed_form: ClassVar[bool] = True  # normal group effects integrate out exactly

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

    def group_sizes(self, factor: int) -> np.ndarray:
        """Number of rows, or sum of weights, of each group, `(group,)`."""
        return self.rows

    def design_triangles(self, factor: int, start: int, stop: int) -> np.ndarray:
        """R of the QR of the design rows of groups `start` to `stop`, `(group, column, column)`."""
        size = len(self.columns)
        return self.triangle[start:stop, :size, :size]

    def to_dataset(self):
        """Convert to an xarray Dataset; the model description is its attribute `model`, JSON."""
        import xarray as xr

        return xr.Dataset(
            {
                "triangle": (("group", "triangle_row", "column"), self.triangle),
                "rows": ("group", self.rows),
                "log_jacobian": ("group", self.log_jacobian),
            },
            coords={"group": list(self.levels), "column": [*self.columns, self.response]},
            attrs={"model": json.dumps(self.to_dict())},
        )

    @classmethod
    def from_dataset(cls, stored) -> "GroupTriangles":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in ("triangle", "rows", "log_jacobian")}
        return cls(**arrays, **cls.arguments(json.loads(stored.attrs["model"])))

    @classmethod
    def merged(cls, parts: Sequence["GroupTriangles"]) -> "GroupTriangles":
        """The triangles of the rows of several parts together."""
        stacked = np.concatenate([part.triangle for part in parts], axis=1)
        return replace(
            parts[0],
            triangle=group_qr.upright(np.linalg.qr(stacked, mode="r")),
            rows=sum(part.rows for part in parts),
            log_jacobian=sum(part.log_jacobian for part in parts),
            **ModelDescription.merged_scales(parts),
        )
