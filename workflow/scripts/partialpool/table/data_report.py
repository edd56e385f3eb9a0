"""What the gate read, in plain values, and what of it is allowed but worth knowing."""

import numpy as np
import pandas as pd

from partialpool.base.errors import listed
from partialpool.design.design import Design, TableFactor
from partialpool.model import families
from partialpool.study.study import COUNTS, Outcome
from partialpool.table import column_notes
from partialpool.table.table_summary import ColumnSummary, GroupSummary, TableSummary

FEW_GROUPS = 5  # fewer say little about how groups differ
FAR = 10  # times its sd: a varying slope on such a predictor is tied to the varying intercept
CLEARLY = 4  # standard errors beyond what chance does
MANY_ZEROS = 0.1  # of all counts, beyond those that are expected
ENOUGH = 10  # degrees of freedom to judge a variance by
TOLD = 100  # coefficients at most, and
TOLD_BY = 10_000  # rows, by which it is judged whether they are those of groups
LOG_BOUND = 50  # of a linear predictor on its way to the estimate


def report(
    tally: TableSummary,
    design: Design,
    counted: Design,
    values: dict,
    gaps: dict,
    read: int,
    padded: dict,
    source: str,
) -> dict:
    """Describe a table that has passed.

    Parameters
    ----------
    tally : TableSummary
        Of the rows that are used.
    design : Design
        With their levels.
    counted : Design
        Of rows to look at more closely: a part of a large table.
    values : dict of str to numpy.ndarray
        The outcome's columns of those rows, from `families.columns`.
    gaps : dict of str to int
        Missing values by column, of all rows; columns without have none.
    read : int
        Rows of the file.
    padded : dict of str to str
        By column, a number with zeros before it.
    source : str

    Returns
    -------
    dict
        `source`, `rows_read`, `rows_used`, `dropped`, `columns` (per column `type`, `missing`,
        and `min`, `max`, `mean`, `sd` or `levels` with their rows), `factors` (list of `factor`,
        `count`, `smallest`, `largest`, `single_row`, `varying`: coefficients of a group, and
        `saturated`: groups with no more rows than these), `pairs` (list of two `factors` and the
        `count` of pairs of their groups that have rows), `warnings`.
    """
    outcome = tally.outcome
    columns = {
        name: _described(column, gaps.get(name, 0)) for name, column in tally.columns.items()
    }
    factors = [_sizes(factor, tally.factors[factor.name]) for factor in design.factors]
    dropped = {"total": read - tally.rows, "by_column": gaps}
    warnings = [
        *_left_out(dropped, read),
        *_columns(columns, tally, design, padded),
        *_groups(factors, outcome, tally.rows),
        *_same_groups(tally),
        *_told_apart(counted),
        *_copies(tally),
        *_ties(counted, outcome),
        *_far_from_zero(tally, design),
        *column_notes.constant_within_groups(counted),
    ]
    if tally.discrete:
        warnings += _one_sided(tally, outcome)
        if outcome.family in COUNTS:
            warnings += _counts(counted, outcome, values)
    return {
        "source": source,
        "rows_read": read,
        "rows_used": tally.rows,
        "dropped": dropped,
        "columns": columns,
        "factors": factors,
        "pairs": [
            {"factors": list(two), "count": count} for two, count in tally.pairs_of_groups.items()
        ],
        "warnings": warnings,
    }


def of_new(design: Design, source: str) -> dict:
    """What rows to predict have that the fitted table has not.

    Parameters
    ----------
    design : Design
        Of those rows, with the levels of the fitted table.
    source : str
        Their file.

    Returns
    -------
    dict
        `source`, `rows`, `new_groups`: by factor, the labels that were never seen, and
        `warnings`: those of them that look like a group that was.
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


def _described(column: ColumnSummary, missing: int) -> dict:
    if not column.number:
        levels = {str(level): column.levels[level] for level in sorted(column.levels)}
        return {"type": "text", "missing": missing, "levels": levels}
    moments = column.moments
    return {
        "type": "number",
        "missing": missing,
        "min": column.least,
        "max": column.greatest,
        "mean": float(moments.mean),
        "sd": float(np.sqrt(moments.squares / max(moments.weight - 1, 1))),
    }


def _sizes(factor: TableFactor, groups: GroupSummary) -> dict:
    return {
        "factor": factor.name,
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


def _columns(columns: dict, tally: TableSummary, design: Design, padded: dict) -> list[str]:
    """Columns that may be something else than they are taken for."""
    said, formula = [], design.formula
    for name, described in columns.items():
        grouping, as_labels = name in formula.group_columns, name in formula.labels
        if "levels" in described:
            said += column_notes.of_labels(name, described["levels"], grouping, as_labels)
            if not grouping and len(described["levels"]) > tally.rows / 2:
                count = len(described["levels"])
                said.append(f"Column {name!r} has {count} labels in {tally.rows} rows.")
        else:
            column = tally.columns[name]
            zeros = None if as_labels else padded.get(name)
            said += column_notes.of_numbers(name, column, tally.rows, zeros)
    return said


def _groups(factors: list[dict], outcome: Outcome, rows: int) -> list[str]:
    """Groups that are few, or have few rows for their coefficients."""
    said = []
    # Noise whose size is not known, and that one row cannot tell from its group's difference.
    noise = outcome.sigma_estimated or outcome.family == "bernoulli"
    # Rows of different precision tell the two apart.
    tied = noise and not outcome.precision_weights
    apart = "differences between groups and noise within them cannot be told apart."
    for factor in factors:
        name, count, few = factor["factor"], factor["count"], factor["saturated"]
        if count < FEW_GROUPS:
            said.append(
                f"{name!r} has only {count} groups, so how much they differ rests largely on "
                "its prior."
            )
        if not few:
            continue
        several = factor["varying"] > 1
        have = f"no more rows than varying coefficients ({factor['varying']})"
        have = have if several else "one row"
        if outcome.sigma == "by_group":
            said.append(
                f"{few} of {count} groups of {name!r} have {have}: their sigma rests on its prior."
            )
        elif few == count and tied:
            said.append(f"Every group of {name!r} has {have}, so {apart}")
        elif noise:
            said.append(f"{few} of {count} groups of {name!r} have {have}.")
    together = sum(factor["count"] * factor["varying"] for factor in factors)
    if tied and together >= rows and all(one["saturated"] < one["count"] for one in factors):
        said.append(
            f"There are {together} varying coefficients of all factors together, and {rows} rows, "
            f"so {apart}"
        )
    return said


def _same_groups(tally: TableSummary) -> list[str]:
    """Factors that divide the rows alike."""
    groups = {name: len(of.rows) for name, of in tally.factors.items()}
    return [
        f"{first!r} and {second!r} divide the rows into the same groups, so what differs by which "
        "of them rests on their priors."
        for (first, second), pairs in tally.pairs_of_groups.items()
        if pairs == groups[first] == groups[second]
    ]


def _told_apart(design: Design) -> list[str]:
    """Coefficients that vary by a factor and are those of each of its groups' own already."""
    rows = np.linspace(0, len(design.matrix) - 1, min(len(design.matrix), TOLD_BY)).astype(int)
    fitted = design.of(design.coefficients)[rows]
    fitted = fitted / np.linalg.norm(fitted, axis=0).clip(min=1e-300)
    products = fitted.T @ fitted
    said = []
    for factor in design.factors:
        # A coefficient for each group at least, as in y ~ g + (1 | g).
        if not len(factor.levels) <= fitted.shape[1] < min(len(rows), TOLD + 1):
            continue
        groups = np.eye(len(factor.levels))[factor.index[rows]]
        own = []
        for name, column in zip(factor.varying, design.of(factor.varying)[rows].T, strict=True):
            by_group = column[:, None] * groups
            left = by_group - fitted @ np.linalg.lstsq(products, fitted.T @ by_group)[0]
            if np.abs(left).max() < 1e-6 * np.abs(column).max():
                own.append(name)
        if own:
            said.append(
                f"The predictors give each group of {factor.name!r} its own {listed(own)}, so what "
                "the group term adds rests on its prior alone: leave out one of the two."
            )
    return said


def _copies(tally: TableSummary) -> list[str]:
    """Rows that are there more than once, where a response is hardly ever the same twice."""
    if not tally.copies:
        return []
    return [f"{tally.copies} of {tally.rows} rows are exact copies of others, in all columns used."]


def _ties(design: Design, outcome: Outcome) -> list[str]:
    """A response that is mostly one number, around which a Student-t density has no bound."""
    values, counts = np.unique(design.y, return_counts=True)
    if (
        outcome.family != "student_t"
        or not outcome.sigma_estimated
        or 2 * counts.max() < len(design.y)
    ):
        return []
    return [
        f"{counts.max()} of {len(design.y)} responses are {values[counts.argmax()]:g}: family "
        "student_t can make sigma as small as it likes around them, so its fit may fail, or say "
        "little of the other rows."
    ]


def _far_from_zero(tally: TableSummary, design: Design) -> list[str]:
    """Slopes that vary together with an intercept far outside the data."""
    said = []
    moments = zip(design.columns, tally.design.mean, tally.design.sd, strict=True)
    far = {name: abs(mean) / sd for name, mean, sd in moments if sd > 0}
    terms = [term for part in design.parts for term in part.terms.values()]
    numbers = {term.name for term in terms if term.kind == "numeric"}
    for factor in design.factors:
        if "Intercept" not in factor.varying:
            continue
        for name in factor.varying:
            # A label's indicators, and products, are not centred by center() around their name.
            if name in numbers and far.get(name, 0) > FAR:
                said.append(
                    f"The slope of {name!r} varies by {factor.name!r}, and its mean is "
                    f"{far[name]:.0f} times its sd from zero, where intercepts are: they say "
                    f"nearly the same as the slopes. Write center({name}) in the formula."
                )
    return said


def _one_sided(tally: TableSummary, outcome: Outcome) -> list[str]:
    """Labels, groups and predictors whose coefficients the data give no bound: separation."""
    none, every = "every response is 0", "every response is 1"
    if outcome.family == "binomial":
        none, every = "no trial is a success", "every trial is a success"
    if not (tally.failures and tally.successes):
        always = none if tally.failures else every
        return [f"In all rows {always}: the priors decide how sure that is."]
    unbounded = "the data set no bound to its coefficient, and its prior decides it."
    said = []
    for name, sides in tally.labelled.items():
        for what, labels in zip((none, every), sides.one_sided(), strict=True):
            said += [f"Where {name!r} is {listed(labels)}, {what}: {unbounded}"] * bool(labels)
    for name, sides in tally.numeric.items():
        failure, success = sides.ranges
        for below, above, order in (
            (failure, success, (none, every)),
            (success, failure, (every, none)),
        ):
            if below[1] <= above[0]:
                said.append(
                    f"{name!r} separates the responses at {below[1]:g}, below which "
                    f"{order[0]} and above which {order[1]}: {unbounded}"
                )
                break
    for name, sides in tally.sides.items():
        found = sides.one_sided()
        if alike := sorted({*found[0], *found[1]}):
            what = f"{none}, or {every}" if found[0] and found[1] else none if found[0] else every
            said.append(
                f"In {len(alike)} of {len(sides.labels)} groups of {name!r} {what} "
                f"({listed(alike[:3])}{', ...' if len(alike) > 3 else ''}): such a group's own "
                "rows set no bound to its coefficients; the prior does, or the other groups."
            )
    return said


def _counts(design: Design, outcome: Outcome, values: dict) -> list[str]:
    """Counts that vary more, or are zero more often, than the family says."""
    y = design.y
    cells = pd.DataFrame({f.name: f.index for f in design.factors}, index=range(len(y)))
    cell = cells.groupby(list(cells)).ngroup().to_numpy() if len(cells.columns) else 0 * y
    cell = cell.astype(int)
    mean = _poisson_means(design.of(design.coefficients), families.offset(values, len(y)), y)
    scale = np.bincount(cell, weights=y) / np.bincount(cell, weights=mean)
    mean = mean * scale[cell]
    told = mean > 0  # a group without a count says nothing of how counts vary
    freedom = told.sum() - len(np.unique(cell[told])) - len(design.coefficients) + 1
    if freedom < ENOUGH or not np.isfinite(mean).all():
        return []
    excess = (y - mean)[told] ** 2 / mean[told]
    ratio = excess.sum() / freedom
    beyond = 1 + max(0.5, CLEARLY * np.sqrt(2 / freedom))
    if outcome.family == "poisson" and ratio > beyond:
        where = "within groups" if design.factors else "given the predictors"
        return [
            f"The variance of the counts {where} is about {ratio:.1f} times their mean, where "
            "family poisson takes them to be equal: its intervals will be too short. "
            "Consider family negative_binomial."
        ]
    spread = 0.0
    if outcome.family == "negative_binomial":
        spread = max(0.0, ((y - mean) ** 2 - mean).sum() / (mean**2).sum())
    zero = np.exp(-mean) if spread == 0 else (1 + spread * mean) ** (-1 / spread)
    expected, seen = zero.sum(), (y == 0).sum()
    chance = np.sqrt((zero * (1 - zero)).sum())
    if seen - expected > max(CLEARLY * chance, MANY_ZEROS * len(y)):
        return [
            f"{seen} of {len(y)} counts are 0, where family {outcome.family} with these means "
            f"would give about {expected:.0f}: some zeros may come about in another way."
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
