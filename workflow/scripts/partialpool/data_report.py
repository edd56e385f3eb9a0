"""What the gate read, in plain values, and what of it is allowed but worth knowing."""

import numpy as np
import pandas as pd

from partialpool import families
from partialpool.formula import Design, Factor
from partialpool.grammar import listed
from partialpool.study import COUNTS, SIGMA_FAMILIES, Outcome

FEW_GROUPS = 5  # fewer say little about how groups differ
FAR = 10  # times its sd: a varying slope on such a predictor is tied to the varying intercept
CLEARLY = 4  # standard errors beyond what chance does
MANY_ZEROS = 0.1  # of all counts, beyond those that are expected
ENOUGH = 10  # degrees of freedom to judge a variance by
LOG_BOUND = 50  # of a linear predictor on its way to the estimate


def report(
    table: pd.DataFrame,
    read: pd.DataFrame,
    design: Design,
    outcome: Outcome,
    dropped: dict,
    source: str,
) -> dict:
    """Describe a table that has passed.

    Parameters
    ----------
    table : pandas.DataFrame
        The rows and columns that are used.
    read : pandas.DataFrame
        All rows, with their gaps.
    design : Design
        Of the rows used.
    outcome : Outcome
    dropped : dict
        `total`, and `by_column` the gaps of each column that has any.
    source : str

    Returns
    -------
    dict
        `source`, `rows_read`, `rows_used`, `dropped`, `columns` (per column `type`, `missing`,
        and `min`, `max`, `mean`, `sd` or `levels` with their rows), `factors` (list of `factor`,
        `count`, `smallest`, `largest`, `single_row`), `warnings`.
    """
    missing = dropped["by_column"]
    columns = {name: _described(values, missing.get(name, 0)) for name, values in table.items()}
    factors = [_sizes(factor) for factor in design.factors]
    warnings = [
        *_left_out(dropped, len(read)),
        *_labels(columns, design, len(table)),
        *_groups(factors, outcome, len(table)),
        *_same_groups(design.factors),
        *_copies(table, design, outcome),
        *_far_from_zero(design),
    ]
    if families.FAMILIES[outcome.family].discrete:
        values = families.columns(table, outcome)
        warnings += _one_sided(table, design, outcome, values)
        if outcome.family in COUNTS:
            warnings += _counts(design, outcome, values)
    return {
        "source": source,
        "rows_read": len(read),
        "rows_used": len(table),
        "dropped": dropped,
        "columns": columns,
        "factors": factors,
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
        `source`, `rows` and `new_groups`: by factor, the labels that were never seen.
    """
    return {
        "source": source,
        "rows": len(design.matrix),
        "new_groups": {
            factor.name: sorted({*factor.groups} - {*factor.levels}) for factor in design.factors
        },
    }


def _described(values: pd.Series, missing: int) -> dict:
    if not pd.api.types.is_numeric_dtype(values):
        levels = values.value_counts().sort_index()
        counts = {str(level): int(count) for level, count in levels.items()}
        return {"type": "text", "missing": missing, "levels": counts}
    return {
        "type": "number",
        "missing": missing,
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "sd": float(values.std()) if len(values) > 1 else 0.0,
    }


def _sizes(factor: Factor) -> dict:
    sizes = np.bincount(factor.index)
    return {
        "factor": factor.name,
        "count": len(sizes),
        "smallest": int(sizes.min()),
        "largest": int(sizes.max()),
        "single_row": int((sizes == 1).sum()),
    }


def _left_out(dropped: dict, rows: int) -> list[str]:
    if not dropped["total"]:
        return []
    where = ", ".join(f"{name!r} ({count})" for name, count in dropped["by_column"].items())
    return [f"{dropped['total']} of {rows} rows are left out, for missing values in {where}."]


def _labels(columns: dict, design: Design, rows: int) -> list[str]:
    """Labels that may be one, and columns with so many that they may be no labels."""
    said = []
    for name, described in columns.items():
        levels = described.get("levels", {})
        alike: dict[str, list[str]] = {}
        for level in levels:
            alike.setdefault(" ".join(level.split()).casefold(), []).append(level)
        same = [labels for labels in alike.values() if len(labels) > 1]
        if same:
            told = "; ".join(" and ".join(map(repr, labels)) for labels in same[:5])
            more = f"; and {len(same) - 5} more" if len(same) > 5 else ""
            said.append(
                f"Column {name!r} has labels that differ only in case or spaces: {told}{more}."
            )
        if name not in design.formula.group_columns and len(levels) > rows / 2:
            said.append(f"Column {name!r} has {len(levels)} labels in {rows} rows.")
    return said


def _groups(factors: list[dict], outcome: Outcome, rows: int) -> list[str]:
    """Groups that are few, or have few rows."""
    said = []
    # Noise whose size is not known, and that one row cannot tell from its group's difference.
    noise = outcome.sigma_estimated or outcome.family == "bernoulli"
    for factor in factors:
        name, count, single = factor["factor"], factor["count"], factor["single_row"]
        if count < FEW_GROUPS:
            said.append(
                f"{name!r} has only {count} groups, so how much they differ rests largely on "
                "its prior."
            )
        if single and outcome.sigma == "by_group":
            said.append(
                f"{single} of {count} groups of {name!r} have one row: their sigma rests on its "
                "prior."
            )
        elif single == count and noise:
            said.append(
                f"Every group of {name!r} has one row, so differences between groups and noise "
                "within them cannot be told apart."
            )
        elif single and noise:
            said.append(f"{single} of {count} groups of {name!r} have one row.")
    return said


def _same_groups(factors: tuple[Factor, ...]) -> list[str]:
    """Factors that divide the rows alike."""
    said = []
    for number, second in enumerate(factors):
        for first in factors[:number]:
            if len(first.levels) == len(second.levels):
                pairs = len(np.unique(np.stack([first.index, second.index]), axis=1).T)
                if pairs == len(first.levels):
                    said.append(
                        f"{first.name!r} and {second.name!r} divide the rows into the same "
                        "groups, so what differs by which of them rests on their priors."
                    )
    return said


def _copies(table: pd.DataFrame, design: Design, outcome: Outcome) -> list[str]:
    """Rows that are there more than once, where a response is hardly ever the same twice."""
    if outcome.family not in SIGMA_FAMILIES or pd.Series(design.y).nunique() < 0.9 * len(table):
        return []
    copies = int(table.duplicated().sum())
    if not copies:
        return []
    return [f"{copies} of {len(table)} rows are exact copies of others, in all columns used."]


def _far_from_zero(design: Design) -> list[str]:
    """Slopes that vary together with an intercept far outside the data."""
    said = []
    for factor in design.factors:
        if "Intercept" not in factor.varying:
            continue
        for name, values in zip(factor.varying, design.of(factor.varying).T, strict=True):
            away = abs(values.mean()) / values.std() if name != "Intercept" else 0
            if away > FAR:
                said.append(
                    f"The slope of {name!r} varies by {factor.name!r}, and its mean is {away:.0f} "
                    "times its sd from zero, where intercepts are: sampling will be slow, and "
                    f"the intercepts say little. Write center({name}) in the formula."
                )
    return said


def _one_sided(table: pd.DataFrame, design: Design, outcome: Outcome, values: dict) -> list[str]:
    """Labels, groups and predictors whose coefficients the data give no bound: separation."""
    y, formula, binary = design.y, design.formula, outcome.family not in COUNTS
    success = y > 0
    failure = y < values.get("trials", 1) if binary else np.ones(len(y), dtype=bool)
    none, every = "every response is 0", "every response is 1"
    if outcome.family == "binomial":
        none, every = "no trial is a success", "every trial is a success"
    if not failure.any():
        return [f"In all rows {every}: the priors decide how sure that is."]
    unbounded = "the data set no bound to its coefficient, and its prior decides it."
    said = []
    for name in formula.predictors:
        if name in formula.labels or not pd.api.types.is_numeric_dtype(table[name]):
            sides = _sides(table[name].to_numpy(), success, failure)
            for what, labels in zip((none, every), sides, strict=True):
                said += [f"Where {name!r} is {listed(labels)}, {what}: {unbounded}"] * bool(labels)
    numeric = [name for name, columns in design.terms.items() if columns == (name,) and binary]
    for name in (name for name in numeric if name != "Intercept"):
        (x,) = design.of([name]).T
        for below, above, order in (
            (x[failure], x[success], (none, every)),
            (x[success], x[failure], (every, none)),
        ):
            if below.max() <= above.min():
                said.append(
                    f"{name!r} separates the responses at {below.max():g}, below which "
                    f"{order[0]} and above which {order[1]}: {unbounded}"
                )
                break
    for factor in design.factors:
        sides = _sides(factor.groups, success, failure)
        if alike := sorted({*sides[0], *sides[1]}):
            what = f"{none}, or {every}" if sides[0] and sides[1] else none if sides[0] else every
            said.append(
                f"In {len(alike)} of {len(factor.levels)} groups of {factor.name!r} {what} "
                f"({listed(alike[:3])}{', ...' if len(alike) > 3 else ''}): such a group's own "
                "rows set no bound to its coefficients; the prior does, or the other groups."
            )
    return said


def _sides(labels: np.ndarray, success: np.ndarray, failure: np.ndarray) -> tuple[list, list]:
    """Labels that go with no success, and with no failure."""
    found = pd.DataFrame({"success": success, "failure": failure}).groupby(labels, sort=True).any()
    return list(found.index[~found["success"]]), list(found.index[~found["failure"]])


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
