"""Predict: expected values and new observations for rows of known, new and average groups."""

import numpy as np
import pandas as pd

from partialpool.answers.predictor import Predictor
from partialpool.answers.response_scale import ResponseScale
from partialpool.base.streams import Stream
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.study.outcome import Outcome

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
    prediction_target: tuple[str, ...] = ("group",),
) -> pd.DataFrame:
    """Predict rows, each once for everyone in `prediction_target`.

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
    prediction_target : sequence of {"group", "new_group", "average_group"}

    Returns
    -------
    pandas.DataFrame
        The rows with `predicted_for`; `mean, sd, lower, upper` of the expected response
        (Student-t: of its location); for a Bernoulli or binomial response `probability,
        probability_lower, probability_upper` of one trial's success; `outcome_lower,
        outcome_upper` of a new observation; `group_status` ("known" if all groups are, "new",
        "average", or "none" without groups), `fit_passed` and `note`. Where the response is a
        function of a column that can be undone, such as log(sales), also on the column's own
        scale: `response_median` and `response_mean` of new observations, each with `_lower` and
        `_upper`, and `response_outcome_lower, response_outcome_upper` of a new observation. There
        is no `response_mean` where it has no closed form.
    """
    draws = Predictor(posterior, design, outcome, families.columns(rows, outcome), seed=seed)
    own = ResponseScale.of(design) if draws.family.link == "identity" else None
    return pd.concat(
        [_predicted(draws, rows, one, variant, passed, interval, own) for one in prediction_target],
        ignore_index=True,
    )


def _predicted(
    draws: Predictor,
    rows: pd.DataFrame,
    prediction_target,
    variant,
    passed,
    interval,
    own: ResponseScale | None,
) -> pd.DataFrame:
    size, family = len(rows), draws.family
    status = group_status(draws, prediction_target)
    refused = refusals(status, variant)
    wanted = np.flatnonzero(refused == "")
    expected, probability = np.full((size, 4), np.nan), np.full((size, 3), np.nan)
    outcome = np.full((size, 2), np.nan)
    middle, average = np.full((size, 3), np.nan), np.full((size, 3), np.nan)
    noise = np.random.default_rng(
        [draws.seed, Stream.NEW_OBSERVATIONS, *prediction_target.encode()]
    )
    # Counts have quantiles that are counts.
    method = "inverted_cdf" if family.discrete else "linear"
    step = max(1, BATCH // draws.count)
    for at in (wanted[start : start + step] for start in range(0, len(wanted), step)):
        eta = draws.linear_predictor(at, prediction_target)
        mean, trials = draws.mean(eta), draws.trials(at)
        if family.is_probability:
            probability[at] = described(mean, interval)[:, [0, 2, 3]]
        expected[at] = described(mean if trials is None else mean * trials, interval)
        drawn = draws.responses(noise, at, eta, prediction_target)
        outcome[at] = np.quantile(drawn, tails(interval), axis=1, method=method).T
        if own:
            # The median of symmetric noise is its centre, and quantiles go through the inverse.
            middle[at] = own.back(np.quantile(eta, [0.5, *tails(interval)], axis=1)).T
            if _has_mean(draws, own):
                sigma = draws.parameters(at, prediction_target)["sigma"]
                average[at] = described(own.mean(eta, sigma), interval)[:, [0, 2, 3]]

    answer = pd.DataFrame({"predicted_for": np.full(size, prediction_target)})
    answer[["mean", "sd", "lower", "upper"]] = expected
    if family.is_probability:
        answer[["probability", "probability_lower", "probability_upper"]] = probability
    answer[["outcome_lower", "outcome_upper"]] = outcome
    if own:
        answer[["response_median", "response_median_lower", "response_median_upper"]] = middle
        if _has_mean(draws, own):
            answer[["response_mean", "response_mean_lower", "response_mean_upper"]] = average
        answer[["response_outcome_lower", "response_outcome_upper"]] = own.back(outcome)
    answer["group_status"] = status
    answer["fit_passed"] = passed
    unsaid = np.isnan(outcome[:, 0]) & (refused == "")
    no_sigma = NO_AVERAGE_SIGMA if prediction_target == "average_group" else NO_NEW_SIGMA
    reason = NO_ERROR if draws.outcome.errors else no_sigma
    notes = [refused, np.where(unsaid, reason, ""), np.full(size, "" if passed else FAILED)]
    answer["note"] = ["; ".join(filter(None, said)) for said in zip(*notes, strict=True)]
    # Columns of the same name in the rows are replaced by the answer.
    kept = rows.reset_index(drop=True).drop(columns=list(answer.columns), errors="ignore")
    return pd.concat([kept, answer], axis=1)


def _has_mean(draws: Predictor, own: ResponseScale) -> bool:
    """Whether the mean of new observations on the column's own scale is known in closed form."""
    return draws.family.normal and own.function.mean is not None


def group_status(draws: Predictor, prediction_target: str) -> np.ndarray:
    """What the groups of each row are taken for, `(row,)`."""
    own = np.where(draws.known, "known", "new")
    if not draws.effects:
        return np.full(len(own), "none")
    return {
        "group": own,
        "new_group": np.full(len(own), "new"),
        "average_group": np.full(len(own), "average"),
    }[prediction_target]


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
