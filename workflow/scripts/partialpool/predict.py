"""Predict: expected values and new observations for rows of known, new and average groups."""

import numpy as np
import pandas as pd

from partialpool import families
from partialpool.draws import Draws
from partialpool.formula import Design, Formula
from partialpool.study import Outcome

GRID_POINTS, GRID_ROWS = 20, 20_000
BATCH = 10_000_000  # rows x draws held at once
NO_NEW_GROUP = "no prediction: each group stands on its own, so nothing is said of a new one"
NO_AVERAGE_GROUP = "no prediction: each group stands on its own, so there is no average group"
NO_NEW_SIGMA = "no interval for a new observation: sigma is by group, and this group is new"
NO_AVERAGE_SIGMA = "no interval for a new observation: sigma is by group, and none is average"
NO_ERROR = "no interval for a new observation: the row has no standard error"
FAILED = "the fit failed its checks: do not rely on this"


def predict(
    posterior,
    rows: pd.DataFrame,
    design: Design,
    outcome: Outcome,
    *,
    variant: str,
    passed: bool,
    interval: float,
    seed: int,
    whom: tuple[str, ...] = ("group",),
) -> pd.DataFrame:
    """Predict rows, each once for everyone in `whom`.

    `"group"` is a row's own groups. One that was not fitted gets deviations drawn from the
    fitted distribution of groups, the same draws in all its rows. `"new_group"` takes all
    groups for new ones; `"average_group"` has no deviations. A pooled fit ignores groups. An
    unpooled fit says nothing of a new or average group: such a row is empty, with the reason
    in `note`.

    Parameters
    ----------
    posterior : xarray.Dataset
        Of one fit.
    rows : pandas.DataFrame
        What is predicted; returned with the predictions beside it.
    design : Design
        Of those rows, with the levels of the fitted table.
    outcome : Outcome
        Its columns are among the rows'.
    variant : str
    passed : bool
        Whether the fit passed its checks; said in `fit_passed` and `note`.
    interval : float
        Probability inside each interval, equal-tailed.
    seed : int
    whom : sequence of {"group", "new_group", "average_group"}

    Returns
    -------
    pandas.DataFrame
        The rows with `predicted_for`; `mean, sd, lower, upper` of the expected response
        (Student-t: of its location); for a Bernoulli or binomial response `probability,
        probability_lower, probability_upper` of one trial's success; `outcome_lower,
        outcome_upper` of a new observation; `group_status` ("known" if all groups are, "new",
        "average", or "none" without groups), `fit_passed` and `note`.
    """
    draws = Draws(posterior, design, outcome, families.columns(rows, outcome), seed=seed)
    return pd.concat(
        [_predicted(draws, rows, one, variant, passed, interval) for one in whom],
        ignore_index=True,
    )


def _predicted(draws: Draws, rows: pd.DataFrame, whom, variant, passed, interval) -> pd.DataFrame:
    size, family = len(rows), draws.family
    status = group_status(draws, whom)
    refused = refusals(status, variant)
    wanted = np.flatnonzero(refused == "")
    expected, probability = np.full((size, 4), np.nan), np.full((size, 3), np.nan)
    outcome = np.full((size, 2), np.nan)
    noise = np.random.default_rng([draws.seed, 1, *whom.encode()])
    # Counts have quantiles that are counts.
    method = "inverted_cdf" if family.discrete else "linear"
    step = max(1, BATCH // draws.count)
    for at in (wanted[start : start + step] for start in range(0, len(wanted), step)):
        eta = draws.linear_predictor(at, whom)
        mean, trials = draws.mean(eta), draws.trials(at)
        if family.link == "logit":
            probability[at] = described(mean, interval)[:, [0, 2, 3]]
        expected[at] = described(mean if trials is None else mean * trials, interval)
        drawn = draws.responses(noise, at, eta, whom)
        outcome[at] = np.quantile(drawn, tails(interval), axis=1, method=method).T

    answer = pd.DataFrame({"predicted_for": np.full(size, whom)})
    answer[["mean", "sd", "lower", "upper"]] = expected
    if family.link == "logit":
        answer[["probability", "probability_lower", "probability_upper"]] = probability
    answer[["outcome_lower", "outcome_upper"]] = outcome
    answer["group_status"] = status
    answer["fit_passed"] = passed
    unsaid = np.isnan(outcome[:, 0]) & (refused == "")
    no_sigma = NO_AVERAGE_SIGMA if whom == "average_group" else NO_NEW_SIGMA
    reason = NO_ERROR if draws.outcome.errors else no_sigma
    notes = [refused, np.where(unsaid, reason, ""), np.full(size, "" if passed else FAILED)]
    answer["note"] = ["; ".join(filter(None, said)) for said in zip(*notes, strict=True)]
    # Columns of the same name in the rows are replaced by the answer.
    kept = rows.reset_index(drop=True).drop(columns=list(answer.columns), errors="ignore")
    return pd.concat([kept, answer], axis=1)


def group_status(draws: Draws, whom: str) -> np.ndarray:
    """What the groups of each row are taken for, `(row,)`."""
    own = np.where(draws.known, "known", "new")
    if not draws.effects:
        return np.full(len(own), "none")
    return {
        "group": own,
        "new_group": np.full(len(own), "new"),
        "average_group": np.full(len(own), "average"),
    }[whom]


def refusals(status: np.ndarray, variant: str) -> np.ndarray:
    """Why rows cannot be predicted, by what their groups are; empty where they can."""
    if variant != "unpooled":
        return np.full(len(status), "")
    said = {"new": NO_NEW_GROUP, "average": NO_AVERAGE_GROUP}
    return np.array([said.get(one, "") for one in status], dtype=object)


def described(drawn: np.ndarray, interval: float) -> np.ndarray:
    """Mean, sd and interval of each row's draws, `(row, 4)`."""
    with np.errstate(over="ignore", invalid="ignore"):
        moments = drawn.mean(axis=1), drawn.std(axis=1)
        return np.column_stack([*moments, np.quantile(drawn, tails(interval), axis=1).T])


def tails(interval: float) -> list[float]:
    """Probabilities below the two ends of an equal-tailed interval."""
    return [(1 - interval) / 2, (1 + interval) / 2]


def grid(table: pd.DataFrame, formula: Formula, design: Design, outcome: Outcome) -> pd.DataFrame:
    """Rows to predict where the user gives none: each group, over its own range of one predictor.

    The predictor is the first one, varying by group if any does; the other
    predictors are at their mean or their commonest label, and the outcome's
    columns at the group's mean. With several factors a group is a combination
    that is in the table.

    Parameters
    ----------
    table : pandas.DataFrame
        The fitted table.
    formula : Formula
    design : Design
        Of the fitted table.
    outcome : Outcome

    Returns
    -------
    pandas.DataFrame
        With the columns of groups, the predictors and the outcome's columns.
    """
    groups = list(formula.group_columns)
    labels = table[groups].astype(str)
    number = labels.groupby(groups, sort=True).ngroup() if groups else pd.Series(0, table.index)
    count = number.max() + 1
    predictors = sorted(formula.predictors, key=lambda name: name not in design.varying_predictors)
    fixed = {name: _typical(table[name]) for name in predictors[1:]}
    points = max(2, min(GRID_POINTS, GRID_ROWS // count))
    kept = range(count)
    if len(groups) > 1 and count > GRID_ROWS // 2:
        kept = np.linspace(0, count - 1, GRID_ROWS // 2).astype(int)
    members = table.groupby(number, sort=True).indices
    chosen = [members[one] for one in kept]
    found = labels.iloc[[rows[0] for rows in chosen]].reset_index(drop=True)
    for role, name in outcome.columns.items():
        if role != "weights" and name not in predictors:
            values = table[name].to_numpy(dtype=float)
            means = np.array([values[rows].mean() for rows in chosen])
            found[name] = np.maximum(np.round(means), 1) if role == "trials" else means
    if not predictors:
        return found
    along = [_range(table[predictors[0]].iloc[rows], points) for rows in chosen]
    found = found.loc[np.repeat(found.index, [len(values) for values in along])]
    found = found.reset_index(drop=True)
    found.insert(len(groups), predictors[0], np.concatenate(along))
    for at, (name, value) in enumerate(fixed.items(), start=len(groups) + 1):
        found.insert(at, name, value)
    return found


def _typical(values: pd.Series):
    return values.mean() if pd.api.types.is_float_dtype(values) else values.mode().iloc[0]


def _range(values: pd.Series, points: int):
    """The distinct values where they are labels or few; else evenly spaced over the range."""
    distinct = np.sort(values.unique())
    if not pd.api.types.is_numeric_dtype(values) or len(distinct) <= min(points, 5):
        return distinct
    return np.linspace(distinct[0], distinct[-1], points)
