"""Contrasts: differences between two predicted rows, in every draw."""

import numpy as np
import pandas as pd

from partialpool.answers.predict import FAILED, described, group_status, refusals
from partialpool.answers.predictor import Predictor
from partialpool.answers.response_scale import ResponseScale
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.study.outcome import Outcome


def contrast(
    posterior,
    rows: pd.DataFrame,
    design: Design,
    outcome: Outcome,
    pairs,
    *,
    variant: str,
    passed: bool,
    interval: float,
    seed: int,
    prediction_target: tuple[str, ...] = ("group",),
) -> pd.DataFrame:
    """The expected response of one row minus that of another.

    Groups are those of :func:`partialpool.answers.predict.predict`: rows with the same label of a
    new group share its draws, so what they have in common leaves the difference.

    Parameters
    ----------
    posterior, rows, design, outcome, variant, passed, interval, seed, prediction_target
        As for :func:`partialpool.answers.predict.predict`.
    pairs : sequence of (int, int)
        Row numbers from 1: the second minus the first.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and each of `prediction_target`: `first, second, predicted_for`;
        `mean, sd, lower, upper` of the difference of the expected responses (of one trial's
        probability, for Bernoulli and binomial responses) and `probability_over_zero`; `ratio_mean,
        ratio_lower, ratio_upper` of odds with a logit link, of rates by exposure with a log
        link, of the column itself (its median) where the response is its logarithm; `note`.
    """
    draws = Predictor(posterior, design, outcome, families.columns(rows, outcome), seed=seed)
    own = ResponseScale.of(design) if draws.family.link == "identity" else None
    found = []
    for one in prediction_target:
        refused = refusals(group_status(draws, one), variant)
        for pair in pairs:
            at = np.array(pair) - 1
            reasons = dict.fromkeys(filter(None, refused[at]))
            row = {"first": pair[0], "second": pair[1], "predicted_for": one}
            row |= _difference(draws, at, one, interval, own, said=not reasons)
            row["note"] = "; ".join([*reasons, *([] if passed else [FAILED])])
            found.append(row)
    return pd.DataFrame(found)


def _difference(
    draws: Predictor,
    at: np.ndarray,
    prediction_target: str,
    interval,
    own: ResponseScale | None,
    said: bool,
) -> dict:
    """Second minus first of two rows; not numbers where nothing can be said."""
    eta = draws.linear_predictor(at, prediction_target) if said else np.full((2, 1), np.nan)
    mean = draws.mean(eta)
    with np.errstate(invalid="ignore"):
        difference = (mean[1] - mean[0])[None]
    found = dict(
        zip(("mean", "sd", "lower", "upper"), described(difference, interval)[0], strict=True)
    )
    found["probability_over_zero"] = float((difference > 0).mean()) if said else np.nan
    drawn = None
    if draws.family.link != "identity":
        rate = eta - draws.log_exposure(at)
        with np.errstate(over="ignore"):
            drawn = np.exp(rate[1] - rate[0])
    elif own:
        drawn = own.ratio(eta[1] - eta[0])
    if drawn is not None:
        ratio = described(drawn[None], interval)[0]
        found |= {"ratio_mean": ratio[0], "ratio_lower": ratio[2], "ratio_upper": ratio[3]}
    return found
