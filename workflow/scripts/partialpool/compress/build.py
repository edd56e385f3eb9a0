"""Compress the rows of a design to sufficient statistics, or fewer rows of the same likelihood.

Gaussian rows with at most one grouping factor become triangles (`group_triangles`); rows of other
families, or with several grouping factors, are merged if they are identical (`merged_rows`).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from partialpool.base import group_qr
from partialpool.base.errors import UserError
from partialpool.base.moments import Moments
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merge_rules import RULES
from partialpool.compress.merged_rows import MergedRows, first_factor
from partialpool.design.design import Design
from partialpool.design.transforms import FittedTransforms
from partialpool.model import families
from partialpool.model.description import GroupingFactor, scales
from partialpool.study.outcome import Outcome
from partialpool.table import complete_rows

AT_ONCE = 16  # parts in memory before they are merged


def compress(
    design: Design, outcome: Outcome, values: dict[str, np.ndarray]
) -> GroupTriangles | MergedRows:
    """Compress the rows of a design.

    Parameters
    ----------
    design : Design
        Response, columns and groups of every row.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        Columns of the outcome, from `families.columns`, each of shape `(row,)`. Rows are divided
        by standard errors, in the response's units, and multiplied by the root of precision
        weights; weights are the numbers of rows that each row counts for.

    Returns
    -------
    GroupTriangles or MergedRows
    """
    if not families.family_of(outcome).normal or len(design.factors) > 1:
        return merged_rows(design, outcome, values)
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
    return GroupTriangles(
        triangle=group_qr.factor_groups(augmented, group, groups),
        rows=np.bincount(group, weights=weights, minlength=groups),
        log_jacobian=log_jacobian,
        **model_description(design, outcome, values),
    )


def merged_rows(design: Design, outcome: Outcome, values: dict[str, np.ndarray]) -> MergedRows:
    """Merge the rows of a design; arguments as for :func:`compress`."""
    size = len(design.y)
    weights = values.get("weights", np.ones(size))
    shift = families.offset(values, size)
    index = np.array([f.index for f in design.factors], dtype=int).reshape(-1, size)
    groups = len(design.factors[0].levels) if design.factors else 1
    matrix, y, trials = design.matrix, design.y, values.get("trials", np.ones(size))
    constant, cells = np.zeros(size), np.zeros(0)
    relative = families.relative_sd(values)
    if relative is not None:
        # Student-t or Gaussian: the same density with everything in units of its sd.
        matrix, y, shift = matrix / relative[:, None], y / relative, shift / relative
        constant -= weights * np.log(relative)

    family = families.family_of(outcome)
    constant += weights * family.log_constant(y, trials)
    own = {"y": y, "trials": np.zeros(size), "offset": shift, "count": np.ones(size)}
    own |= RULES[family.merging].weighted(y, trials, shift, weights)
    constant += own.pop("constant", 0.0)
    if family.normal:
        cells = np.bincount(first_factor(index, size), weights=weights, minlength=groups)
        matrix = np.sqrt(weights)[:, None] * matrix
    rows = MergedRows(
        matrix=matrix,
        index=index,
        **own,
        cells=cells,
        constants=np.bincount(first_factor(index, size), weights=constant, minlength=groups),
        **model_description(design, outcome, values),
    )
    return rows.together()


def model_description(design: Design, outcome: Outcome, values: dict[str, np.ndarray]) -> dict:
    """Arguments of :class:`ModelDescription` from a design and its outcome.

    Parameters
    ----------
    design, outcome, values
        As for :func:`compress`.
    """
    weights = values.get("weights")
    columns = Moments.of(design.matrix, weights)
    response = Moments.of(design.y - families.offset(values, len(design.y)), weights)
    return {
        "columns": tuple(design.columns),
        "coefficients": tuple(design.coefficients),
        "terms": {name: list(columns) for name, columns in design.terms.items()},
        "factors": tuple(GroupingFactor(f.name, f.blocks, f.levels) for f in design.factors),
        "outcome": outcome,
        "response": design.formula.response,
        "total": len(design.y),
        "mean_precision": float(
            np.average(values.get("precision weights", np.ones(len(design.y))), weights=weights)
        ),
        **scales(design.columns, columns, response),
    }


def compress_table(
    path, learned: FittedTransforms, outcome: Outcome, part: int = 0, parts: int = 1
) -> GroupTriangles | MergedRows:
    """Compress an ingested table, or a part of it, in batches of rows.

    Parameters
    ----------
    path : path-like
        The Parquet file.
    learned : FittedTransforms
        Transforms fitted on the whole table.
    outcome : Outcome
    part, parts : int
        Index of the part, and number of parts.

    Returns
    -------
    GroupTriangles or MergedRows

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
            rows = learned.design.for_rows(batch, response=True)
            yield compress(rows, outcome, families.columns(batch, outcome))

    found = merge(batches())
    if families.family_of(outcome).robust:
        location, scale = learned.location_scale
        return replace(found, response_mean=location, response_sd=scale)
    return found


def merge(parts: Iterable[GroupTriangles | MergedRows]) -> GroupTriangles | MergedRows:
    """Merge the compressed parts of a table into the compressed table.

    Parameters
    ----------
    parts : iterable of GroupTriangles or MergedRows
        At least one, all of the same class, columns and levels; at most `AT_ONCE` are in memory.

    Returns
    -------
    GroupTriangles or MergedRows
    """
    found = []
    for part in parts:
        found.append(part)
        if len(found) == AT_ONCE:
            found = [type(part).merged(found)]
    return type(part).merged(found) if len(found) > 1 else found[0]
