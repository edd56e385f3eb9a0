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
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from partialpool.base import group_qr
from partialpool.base.errors import UserError
from partialpool.compress.merged_rows import Rows
from partialpool.design.design import Design
from partialpool.design.transforms import Learned
from partialpool.model import families
from partialpool.model.description import Described
from partialpool.study.study import Outcome
from partialpool.table import complete_rows

AT_ONCE = 16  # parts that wait to be merged


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
    def from_dataset(cls, stored) -> "Compressed":
        """The inverse of :meth:`to_dataset`."""
        arrays = {name: stored[name].values for name in ("triangle", "rows", "log_jacobian")}
        return cls(**arrays, **cls.described(json.loads(stored.attrs["model"])))


def read(stored) -> Compressed | Rows:
    """What a fit reads, from the xarray Dataset it was stored as."""
    return (Compressed if "triangle" in stored else Rows).from_dataset(stored)


def describe(path) -> Described:
    """What compressed data says of its model, from the netCDF file it was stored in."""
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        model = json.loads(stored.getncattr("model"))
    return Described(**Described.described(model))


def compress(design: Design, outcome: Outcome, values: dict[str, np.ndarray]) -> Compressed | Rows:
    """Compress the rows of a design.

    Parameters
    ----------
    design : Design
        Response, columns and groups of every row.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        Its columns, from `families.columns`, each of shape `(row,)`. By standard errors, in
        the response's units, rows are divided, and by the root of precision weights they are
        multiplied; weights say how many rows a row counts for.

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
    relative = families.relative_sd(values)
    if relative is not None:
        augmented = augmented / relative[:, None]
        log_jacobian = -np.bincount(group, weights=weights * np.log(relative), minlength=groups)
    if outcome.weights:
        augmented = augmented * np.sqrt(weights)[:, None]
    return Compressed(
        triangle=group_qr.of_groups(augmented, group, groups),
        rows=np.bincount(group, weights=weights, minlength=groups),
        log_jacobian=log_jacobian,
        **Described.of(design, outcome, values),
    )


def table(
    path, learned: Learned, outcome: Outcome, part: int = 0, parts: int = 1
) -> Compressed | Rows:
    """Compress a table that has been ingested, or a part of it, some rows at a time.

    Parameters
    ----------
    path : path-like
        The Parquet file.
    learned : Learned
        Of the whole table.
    outcome : Outcome
    part, parts : int
        Which of how many parts.

    Returns
    -------
    Compressed or Rows

    Raises
    ------
    UserError
        If the part would have no rows.
    """
    first, last = (
        part * complete_rows.size(path) // parts,
        (part + 1) * complete_rows.size(path) // parts,
    )
    if first == last:
        raise UserError(f"{path}: has fewer rows than the config has `parts`, {parts}")

    def batches():
        for batch in complete_rows.batches(path, first, last):
            rows = learned.design.at(batch, response=True)
            yield compress(rows, outcome, families.columns(batch, outcome))

    found = merge(batches())
    if families.FAMILIES[outcome.family].robust:
        location, scale = learned.location_scale
        return replace(found, response_mean=location, response_sd=scale)
    return found


def merge(parts: Iterable[Compressed | Rows]) -> Compressed | Rows:
    """Compress parts of a table into one, as if its rows had come together.

    Parameters
    ----------
    parts : iterable of Compressed or Rows
        At least one; all of one kind, with the same columns and levels. Few are held at a time.

    Returns
    -------
    Compressed or Rows
    """
    found = []
    for part in parts:
        found.append(part)
        if len(found) == AT_ONCE:
            found = [_merged(found)]
    return _merged(found) if len(found) > 1 else found[0]


def _merged(parts: list[Compressed | Rows]) -> Compressed | Rows:
    if isinstance(parts[0], Rows):
        return Rows.merged(parts)
    stacked = np.concatenate([part.triangle for part in parts], axis=1)
    return replace(
        parts[0],
        triangle=group_qr.upright(np.linalg.qr(stacked, mode="r")),
        rows=sum(part.rows for part in parts),
        log_jacobian=sum(part.log_jacobian for part in parts),
        **Described.pooled(parts),
    )
