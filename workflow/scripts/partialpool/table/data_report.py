"""Describe a table that was read in plain values, with warnings about what may go wrong."""

import numpy as np
import pandas as pd

from partialpool.base.errors import quoted_list
from partialpool.design.design import Design, TableFactor
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.arrays import NUMPY
from partialpool.study.outcome import Outcome
from partialpool.table import column_notes, group_notes
from partialpool.table.table_summary import GroupSummary, TableSummary

FEW_GROUPS = 5  # fewer hardly inform the sd between groups
CLEARLY = 4  # standard errors that are more than chance
MANY_ZEROS = 0.1  # share of all counts, in excess of expected zeros
ENOUGH = 10  # degrees of freedom needed to estimate a variance
LOG_BOUND = 50  # of the linear predictor during iterations


def report(
    summary: TableSummary,
    design: Design,
    counted: Design,
    values: dict,
    gaps: dict,
    read: int,
    padded: dict,
    source: str,
) -> dict:
    """Describe a table that has passed all checks.

    Parameters
    ----------
    summary : TableSummary
        Summary of the rows that are used.
    design : Design
        With the levels of all rows.
    counted : Design
        Design of all rows that are used, or of a sample of a large table.
    values : dict of str to numpy.ndarray
        The outcome's columns of the same rows, from `families.columns`.
    gaps : dict of str to int
        Missing values in the whole file, by column; columns without any are left out.
    read : int
        Rows of the file.
    padded : dict of str to str
        A number with leading zeros, by column.
    source : str
        Name of the file.

    Returns
    -------
    dict
        `source`, `rows_read`, `rows_used`, `dropped`, `columns` (per column `role`, `type`,
        `missing`, and `min`, `max`, `mean`, `sd` or `levels` with their rows), `factors` (list of
        `factor`, `columns`, `count`, `smallest`, `largest`, `single_row`, `varying`: coefficients
        of a group, and `saturated`: groups with no more rows than these), `pairs` (list of two
        `factors` and the `count` of pairs of their groups that have rows), `warnings` (list of
        sentences).
    """
    outcome = summary.outcome
    formula = design.formula
    columns = {
        name: {"role": _role(name, formula, outcome)} | column.description(gaps.get(name, 0))
        for name, column in summary.columns.items()
    }
    factors = [
        _sizes(factor, formula.factors[factor.name], summary.factors[factor.name])
        for factor in design.factors
    ]
    dropped = {"total": read - summary.rows, "by_column": gaps}
    warnings = [
        *_left_out(dropped, read),
        *_columns(columns, summary, design, padded),
        *_groups(factors, outcome, summary.rows),
        *group_notes.same_groups(summary),
        *group_notes.redundant_terms(counted),
        *_copies(summary),
        *_ties(counted, outcome),
        *group_notes.far_from_zero(summary, design),
        *column_notes.constant_within_groups(counted),
    ]
    if summary.discrete:
        warnings += _one_sided(summary, outcome)
        if families.family_of(outcome).zero_probability:
            warnings += _counts(counted, outcome, values)
    return {
        "source": source,
        "rows_read": read,
        "rows_used": summary.rows,
        "dropped": dropped,
        "columns": columns,
        "factors": factors,
        "pairs": [
            {"factors": list(two), "count": count} for two, count in summary.pairs_of_groups.items()
        ],
        "warnings": warnings,
    }


def report_new_rows(design: Design, source: str) -> dict:
    """Describe rows to predict: their new groups.

    Parameters
    ----------
    design : Design
        Design of the rows to predict, with the levels of the fitted table.
    source : str
        Their file.

    Returns
    -------
    dict
        `source`, `rows`, `new_groups` (by factor, the labels that are not in the fitted table),
        and `warnings` about new groups that look like a known one.
    """
    new = {factor.name: sorted({*factor.groups} - {*factor.levels}) for factor in design.factors}
    return {
        "source": source,
        "rows": len(design.matrix),
        "new_groups": new,
        "warnings": [
            warning
            for factor in design.factors
            for warning in column_notes.new_groups(factor.name, factor.levels, new[factor.name])
        ],
    }


def _role(column: str, formula: Formula, outcome: Outcome) -> str:
    """Role of a column in the model, such as `predictor` or `groups`."""
    if column in formula.group_columns:
        return "predictor, groups" if column in formula.grouping_predictors else "groups"
    for role, name in outcome.columns.items():
        if name == column:
            return "standard error" if role == "standard errors" else role
    return "response" if column in formula.response_columns else "predictor"


def _sizes(factor: TableFactor, columns: tuple[str, ...], groups: GroupSummary) -> dict:
    return {
        "factor": factor.name,
        "columns": list(columns),
        "count": len(groups.rows),
        "smallest": int(groups.rows.min()),
        "largest": int(groups.rows.max()),
        "single_row": int((groups.rows == 1).sum()),
        "varying": len(factor.varying),
        "saturated": int((groups.rows <= len(factor.varying)).sum()),
    }


def _left_out(dropped: dict, rows: int) -> list[str]:
    if not dropped["total"]:
        return []
    where = ", ".join(f"{name!r} ({count})" for name, count in dropped["by_column"].items())
    return [f"{dropped['total']} of {rows} rows are left out, for missing values in {where}."]


def _columns(columns: dict, summary: TableSummary, design: Design, padded: dict) -> list[str]:
    """Warnings about columns, see `column_notes`."""
    notes, formula = [], design.formula
    for name, described in columns.items():
        grouping, as_labels = name in formula.group_columns, name in formula.labels
        if "levels" in described:
            notes += column_notes.label_notes(name, described["levels"], grouping, as_labels)
            if not grouping and len(described["levels"]) > summary.rows / 2:
                count = len(described["levels"])
                notes.append(f"Column {name!r} has {count} labels in {summary.rows} rows.")
        else:
            column = summary.columns[name]
            zeros = None if as_labels else padded.get(name)
            notes += column_notes.number_notes(name, column, summary.rows, zeros)
    return notes


def _groups(factors: list[dict], outcome: Outcome, rows: int) -> list[str]:
    """Warnings about few groups, and about groups with few rows for their coefficients."""
    notes = []
    family = families.family_of(outcome)
    known = family.has_sigma and not family.estimates_sigma(outcome)
    noise = family.confounded_in_single_rows and not known
    # Rows of different precision tell the two apart.
    tied = noise and not outcome.precision_weights
    apart = "differences between groups and noise within them cannot be told apart."
    for factor in factors:
        name, count, few = factor["factor"], factor["count"], factor["saturated"]
        if count < FEW_GROUPS:
            notes.append(
                f"{name!r} has only {count} groups, so how much they differ depends largely on "
                "its prior."
            )
        if not few:
            continue
        several = factor["varying"] > 1
        have = f"no more rows than varying coefficients ({factor['varying']})"
        have = have if several else "one row"
        if outcome.sigma == "by_group":
            notes.append(
                f"{few} of {count} groups of {name!r} have {have}: their sigma depends on "
                "its prior."
            )
        elif few == count and tied:
            notes.append(f"Every group of {name!r} has {have}, so {apart}")
        elif noise:
            notes.append(f"{few} of {count} groups of {name!r} have {have}.")
    together = sum(factor["count"] * factor["varying"] for factor in factors)
    if tied and together >= rows and all(one["saturated"] < one["count"] for one in factors):
        notes.append(
            f"There are {together} varying coefficients of all factors together, and {rows} rows, "
            f"so {apart}"
        )
    return notes


def _copies(summary: TableSummary) -> list[str]:
    """A warning about duplicate rows of a continuous response."""
    if not summary.copies:
        return []
    return [
        f"{summary.copies} of {summary.rows} rows are exact copies of others, in all columns used."
    ]


def _ties(design: Design, outcome: Outcome) -> list[str]:
    """A response that is mostly one number, around which the density of the family has no bound."""
    values, counts = np.unique(design.y, return_counts=True)
    family = families.family_of(outcome)
    unbounded = family.unbounded_at_ties and family.estimates_sigma(outcome)
    if not unbounded or 2 * counts.max() < len(design.y):
        return []
    return [
        f"{counts.max()} of {len(design.y)} responses are {values[counts.argmax()]:g}: family "
        f"{family.name} can make sigma as small as it likes around them, so its fit may fail, or "
        "say little of the other rows."
    ]


def _one_sided(summary: TableSummary, outcome: Outcome) -> list[str]:
    """Labels, groups and predictors whose coefficients the data give no bound: separation."""
    none, every = "every response is 0", "every response is 1"
    if outcome.trials:
        none, every = "no trial is a success", "every trial is a success"
    if not (summary.failures and summary.successes):
        always = none if summary.failures else every
        return [f"In all rows {always}: the priors decide how sure that is."]
    unbounded = "the data set no bound to its coefficient, and its prior decides it."
    notes = []
    for name, sides in summary.labelled.items():
        for what, labels in zip((none, every), sides.one_sided(), strict=True):
            if labels:
                notes.append(f"Where {name!r} is {quoted_list(labels)}, {what}: {unbounded}")
    for name, sides in summary.numeric.items():
        failure, success = sides.ranges
        for below, above, order in (
            (failure, success, (none, every)),
            (success, failure, (every, none)),
        ):
            if below[1] <= above[0]:
                notes.append(
                    f"{name!r} separates the responses at {below[1]:g}, below which "
                    f"{order[0]} and above which {order[1]}: {unbounded}"
                )
                break
    for name, sides in summary.sides.items():
        found = sides.one_sided()
        if alike := sorted({*found[0], *found[1]}):
            what = f"{none}, or {every}" if found[0] and found[1] else none if found[0] else every
            notes.append(
                f"In {len(alike)} of {len(sides.labels)} groups of {name!r} {what} "
                f"({quoted_list(alike[:3])}{', ...' if len(alike) > 3 else ''}): such a group's "
                "own rows set no bound to its coefficients; the prior does, or the other groups."
            )
    return notes


def _counts(design: Design, outcome: Outcome, values: dict) -> list[str]:
    """Counts that vary more, or are zero more often, than the family allows."""
    y = design.y
    cells = pd.DataFrame({f.name: f.index for f in design.factors}, index=range(len(y)))
    cell = cells.groupby(list(cells)).ngroup().to_numpy() if len(cells.columns) else 0 * y
    cell = cell.astype(int)
    mean = _poisson_means(
        design.select_columns(design.coefficients), families.offset(values, len(y)), y
    )
    scale = np.bincount(cell, weights=y) / np.bincount(cell, weights=mean)
    mean = mean * scale[cell]
    family = families.family_of(outcome)
    informative = mean > 0  # a group without a count has no information about variance
    freedom = informative.sum() - len(np.unique(cell[informative])) - len(design.coefficients) + 1
    if freedom < ENOUGH or not np.isfinite(mean).all():
        return []
    excess = (y - mean)[informative] ** 2 / mean[informative]
    ratio = excess.sum() / freedom
    beyond = 1 + max(0.5, CLEARLY * np.sqrt(2 / freedom))
    if family.wider and ratio > beyond:
        where = "within groups" if design.factors else "given the predictors"
        return [
            f"The variance of the counts {where} is about {ratio:.1f} times their mean, where "
            f"family {family.name} takes them to be equal: its intervals will be too short. "
            f"Consider family {family.wider}."
        ]
    zero = family.zero_probability(y, mean, NUMPY)
    expected, seen = zero.sum(), (y == 0).sum()
    chance = np.sqrt((zero * (1 - zero)).sum())
    if seen - expected > max(CLEARLY * chance, MANY_ZEROS * len(y)):
        return [
            f"{seen} of {len(y)} counts are 0, where family {family.name} with these means "
            f"would give about {expected:.0f}: some zeros may come about in another way. Consider "
            f"family zero_inflated_{family.name} or hurdle_{family.name}."
        ]
    return []


def _poisson_means(matrix: np.ndarray, offset: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Expected counts of a Poisson regression without groups, by iterated least squares."""
    mean = y + 0.5
    for _ in range(50):
        working = np.log(mean) - offset + (y - mean) / mean
        weighted = matrix * mean[:, None]
        beta = np.linalg.lstsq(weighted.T @ matrix, weighted.T @ working)[0]
        before, mean = mean, np.exp(np.clip(matrix @ beta + offset, -LOG_BOUND, LOG_BOUND))
        if np.allclose(mean, before, rtol=1e-6):
            break
    return mean
