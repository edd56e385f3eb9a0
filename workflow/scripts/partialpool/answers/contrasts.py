"""Posterior differences and ratios between the predictions of two rows."""

import numpy as np
import pandas as pd

from partialpool.answers.predict import FAILED, described, group_status, refusals
from partialpool.answers.predictor import Predictor
from partialpool.answers.response_scale import ResponseScale
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.model.links import LINKS
from partialpool.study import prediction_columns as columns
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
    """Compare the expected responses of pairs of rows, draw by draw.

    Groups are those of :func:`partialpool.answers.predict.predict`: rows with the same label of a
    new group share its draws, so their common deviation cancels out.

    Parameters
    ----------
    posterior, rows, design, outcome, variant, passed, interval, seed, prediction_target
        As for :func:`partialpool.answers.predict.predict`.
    pairs : sequence of (int, int)
        Row numbers from 1: the second minus the first.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and each of `prediction_target`, with the columns `CONTRASTED` of
        :mod:`partialpool.study.prediction_columns`: the difference of the expected responses (of
        one trial's probabilities, for Bernoulli and binomial responses), and the probability that
        it is over zero; the ratio of odds with a logit link, of rates by exposure with a log link,
        of the column itself (its median) where the response is its logarithm, else there is none.
    """
    draws = Predictor(posterior, design, outcome, families.columns(rows, outcome), seed=seed)
    response_scale = None if LINKS[draws.family.link].has_ratio else ResponseScale.of(design)
    contrasts = []
    for target in prediction_target:
        refused = refusals(group_status(draws, target), variant)
        for pair in pairs:
            at = np.array(pair) - 1
            reasons = dict.fromkeys(filter(None, refused[at]))
            row = dict(zip(columns.ROWS, pair, strict=True)) | {columns.PREDICTED_FOR: target}
            row |= _difference(draws, at, target, interval, response_scale, known=not reasons)
            row[columns.MISSING_REASON] = "; ".join(reasons)
            row[columns.NOTE] = "; ".join([*reasons, *([] if passed else [FAILED])])
            contrasts.append(row)
    return pd.DataFrame(contrasts)


def _difference(
    draws: Predictor,
    at: np.ndarray,
    prediction_target: str,
    interval: float,
    response_scale: ResponseScale | None,
    known: bool,
) -> dict:
    """Second minus first of two rows; not numbers unless `known`."""
    eta = draws.linear_predictor(at, prediction_target) if known else np.full((2, 1), np.nan)
    mean = draws.mean(at, eta, prediction_target)
    with np.errstate(invalid="ignore"):
        difference = (mean[1] - mean[0])[None]
    found = dict(zip(columns.EXPECTED, described(difference, interval)[0], strict=True))
    found[columns.OVER_ZERO] = float((difference > 0).mean()) if known else np.nan
    ratio = None
    if LINKS[draws.family.link].has_ratio:
        rate = eta - draws.log_exposure(at)
        with np.errstate(over="ignore"):
            ratio = np.exp(rate[1] - rate[0])
    elif response_scale is not None:
        ratio = response_scale.ratio(eta[1] - eta[0])
    if ratio is not None:
        numbers = described(ratio[None], interval)[0, [0, 2, 3]]
        found |= dict(zip(columns.RATIO, numbers, strict=True))
        if response_scale is not None:
            found[columns.RATIO_OF] = response_scale.ratio_of
    return found
