"""Posterior predictions of rows: expected responses and new observations, with intervals."""

import numpy as np
import pandas as pd

from partialpool.answers.predictor import Predictor
from partialpool.answers.response_scale import ResponseScale
from partialpool.base.streams import Stream
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.model.links import LINKS
from partialpool.study import prediction_columns as columns
from partialpool.study.outcome import Outcome

BATCH = 10_000_000  # rows x draws held at once
NO_NEW_GROUP = "no prediction: each group stands on its own, so there is none for a new one"
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
    prediction_target: tuple[str, ...] = ("group",),
) -> pd.DataFrame:
    """Predict rows, each once for every one of `prediction_target`.

    `"group"` is a row's own groups. One that was not fitted gets deviations drawn from the
    fitted distribution of groups, the same draws in all its rows. `"new_group"` takes all
    groups for new ones; `"average_group"` has no deviations. A pooled fit ignores groups. An
    unpooled fit does not predict a new or average group: such a row is empty, with the reason
    in `missing_reason` and `note`.

    Parameters
    ----------
    posterior : xarray.Dataset
        Of one fit.
    rows : pandas.DataFrame
        Rows to predict.
    design : Design
        Their design, with the levels of the fitted table.
    outcome : Outcome
        Its columns are among the rows'.
    variant : {"pooled", "unpooled", "hierarchical"}
    passed : bool
        Whether the fit passed its checks, for `fit_passed` and `note`.
    interval : float
        Probability inside each interval, equal-tailed.
    seed : int
    prediction_target : sequence of {"group", "new_group", "average_group"}

    Returns
    -------
    pandas.DataFrame
        The rows with the columns of :mod:`partialpool.study.prediction_columns`: the target;
        the expected response (Student-t: its location); for a Bernoulli or binomial response the
        probability of a success; a new observation; whether the groups are "known", "new" (if
        one is), "average", or "none"; `fit_passed`, `missing_reason` and `note`.
        Where the response is a function of a column that can be undone, such as log(sales), new
        observations also on the column's own scale; there is no mean of them where it has no
        closed form.
    """
    draws = Predictor(posterior, design, outcome, families.columns(rows, outcome), seed=seed)
    response_scale = None if LINKS[draws.family.link].has_ratio else ResponseScale.of(design)
    return pd.concat(
        [
            _predicted(draws, rows, target, variant, passed, interval, response_scale)
            for target in prediction_target
        ],
        ignore_index=True,
    )


def _predicted(
    draws: Predictor,
    rows: pd.DataFrame,
    prediction_target: str,
    variant: str,
    passed: bool,
    interval: float,
    response_scale: ResponseScale | None,
) -> pd.DataFrame:
    """Rows with predictions for one of `prediction_target`."""
    size, family = len(rows), draws.family
    status = group_status(draws, prediction_target)
    refused = refusals(status, variant)
    wanted = np.flatnonzero(refused == "")
    back = response_scale is not None
    has_mean = back and _has_mean(draws, response_scale)
    kinds = {
        columns.EXPECTED: True,
        columns.PROBABILITY: family.is_probability,
        columns.OUTCOME: True,
        columns.RESPONSE_MEDIAN: back,
        columns.RESPONSE_MEAN: has_mean,
        columns.RESPONSE_OUTCOME: back,
    }
    found = {names: np.full((size, len(names)), np.nan) for names, has in kinds.items() if has}
    stream = Stream.NEW_OBSERVATIONS, *prediction_target.encode()
    noise = np.random.default_rng([draws.seed, *stream])
    # Counts have quantiles that are counts.
    method = "inverted_cdf" if family.discrete else "linear"
    step = max(1, BATCH // draws.count)
    for at in (wanted[start : start + step] for start in range(0, len(wanted), step)):
        eta = draws.linear_predictor(at, prediction_target)
        mean, trials = draws.mean(at, eta, prediction_target), draws.trials(at)
        if family.is_probability:
            found[columns.PROBABILITY][at] = described(mean, interval)[:, [0, 2, 3]]
        expected = mean if trials is None else mean * trials
        found[columns.EXPECTED][at] = described(expected, interval)
        drawn = draws.responses(noise, at, eta, prediction_target)
        outcome = np.quantile(drawn, tails(interval), axis=1, method=method).T
        found[columns.OUTCOME][at] = outcome
        if back:
            # The median of symmetric noise is its centre, and quantiles go through the inverse.
            middle = np.quantile(eta, [0.5, *tails(interval)], axis=1)
            found[columns.RESPONSE_MEDIAN][at] = response_scale.back(middle).T
            found[columns.RESPONSE_OUTCOME][at] = response_scale.back(outcome)
        if has_mean:
            sigma = draws.parameters(at, prediction_target)["sigma"]
            average = described(response_scale.mean(eta, sigma), interval)
            found[columns.RESPONSE_MEAN][at] = average[:, [0, 2, 3]]

    answer = pd.DataFrame({columns.PREDICTED_FOR: np.full(size, prediction_target)})
    for names, values in found.items():
        answer[list(names)] = values
    answer[columns.GROUP_STATUS] = status
    answer[columns.FIT_PASSED] = passed
    missing = np.isnan(found[columns.OUTCOME][:, 0]) & (refused == "")
    no_sigma = NO_AVERAGE_SIGMA if prediction_target == "average_group" else NO_NEW_SIGMA
    reason = NO_ERROR if draws.outcome.errors else no_sigma
    answer[columns.MISSING_REASON] = np.where(missing, reason, refused)
    notes = [answer[columns.MISSING_REASON], np.full(size, "" if passed else FAILED)]
    answer[columns.NOTE] = ["; ".join(filter(None, parts)) for parts in zip(*notes, strict=True)]
    # Columns of the same name in the rows are replaced by the answer.
    kept = rows.reset_index(drop=True).drop(columns=list(answer.columns), errors="ignore")
    return pd.concat([kept, answer], axis=1)


def _has_mean(draws: Predictor, response_scale: ResponseScale) -> bool:
    """Whether the mean of new observations on the column's own scale is known in closed form."""
    return draws.family.normal and response_scale.function.mean is not None


def group_status(draws: Predictor, prediction_target: str) -> np.ndarray:
    """The `group_status` of each row, `(row,)`."""
    rows = len(draws.known)
    if not draws.effects:
        return np.full(rows, "none")
    return {
        "group": np.where(draws.known, "known", "new"),
        "new_group": np.full(rows, "new"),
        "average_group": np.full(rows, "average"),
    }[prediction_target]


def refusals(status: np.ndarray, variant: str) -> np.ndarray:
    """Why rows of each status cannot be predicted, `(row,)`; empty where they can."""
    if variant != "unpooled":
        return np.full(len(status), "")
    reasons = {"new": NO_NEW_GROUP, "average": NO_AVERAGE_GROUP}
    return np.array([reasons.get(one, "") for one in status], dtype=object)


def described(drawn: np.ndarray, interval: float) -> np.ndarray:
    """Mean, sd and interval of each row's draws, `(row, 4)`."""
    with np.errstate(over="ignore", invalid="ignore"):
        moments = drawn.mean(axis=1), drawn.std(axis=1)
        return np.column_stack([*moments, np.quantile(drawn, tails(interval), axis=1).T])


def tails(interval: float) -> list[float]:
    """Probabilities below the two ends of an equal-tailed interval."""
    return [(1 - interval) / 2, (1 + interval) / 2]
