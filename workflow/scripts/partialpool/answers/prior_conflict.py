"""Warnings about priors of the config that conflict with the data, or allow far too much."""

import numpy as np

from partialpool.answers.predictor import LARGEST_LOG
from partialpool.answers.prior_predictive import SIMULATED, PriorPredictive
from partialpool.base.errors import quoted_list
from partialpool.design.design import Design
from partialpool.model import parameter_names
from partialpool.model.description import ModelDescription
from partialpool.model.links import LINKS
from partialpool.model.priors import Prior, Priors, complete, holds_as_written

WIDE = 100  # times the data's range, or this much on a link's scale, is beyond any use
WIDER, NARROWER = 10, 2  # times as wide, or as narrow, as its default, a prior is to blame
MOMENTS = {"mean": np.mean, "standard deviation": np.std}
NAMED = 3  # priors that one sentence names
FAR = 2  # sds of a predictor from its mean to zero: beyond, intercepts are outside most data


def conflicts(
    table: PriorPredictive, before: dict, priors: Priors, rng: np.random.Generator
) -> list[str]:
    """Find priors of the config that conflict with the data, or allow far too much.

    Parameters
    ----------
    table : PriorPredictive
    before : dict
        Tables simulated from `priors`, by its method `simulate`.
    priors : Priors
    rng : numpy.random.Generator
        For tables simulated from the default priors, where it needs them.

    Returns
    -------
    list of str
        Sentences; empty where the default priors would do no better.
    """
    wide, missed = _is_wide(table, before), _missed(table, before)
    if not priors.given or not (wide or missed):
        return []
    usual = complete({}, table.data, "student_t" if priors.nu else "normal")
    default = table.simulate(usual, rng)
    distances = _distances(before["parameters"], default["parameters"])
    named, usually = _by_name(priors), _by_name(usual)
    # A default sd may differ from the usual one because of where a written prior holds.
    for factor, of_factor in priors.sd.items():
        for name in [parameter_names.sd(factor, column) for column in of_factor]:
            if not {"sd", parameter_names.sd(factor), name} & {*priors.given}:
                named.pop(name)
    distances = {
        name: found
        for name, found in distances.items()
        if name in named and named[name] != usually[name]
    }

    def blamed(names) -> str:
        parts = [f"{name}: {named[name]} (default {usually[name]})" for name in names[:NAMED]]
        return f"Furthest from the defaults: {'; '.join(parts)}."

    sentences = []
    far = _ranked({n: w for n, (w, _) in distances.items() if w > np.log(WIDER)})
    if wide and far and not _is_wide(table, default):
        sentences.append(f"{_how_wide(table, before['y'], before['eta'])} {blamed(far)}")
    # A prior that is wide and in the right place allows too much, but it does allow the data.
    narrow = -np.log(NARROWER)
    off = {n: max(-w, away) for n, (w, away) in distances.items() if w < narrow or away > 1}
    furthest = _ranked(off)
    for what, (observed, low, high) in missed.items():
        if not furthest or _strange(table, what, observed, high, default):
            continue
        sentences.append(
            f"Under these priors the {what} of {table.data.response} is between {low:,.4g} and "
            f"{high:,.4g} in all of {SIMULATED:,} simulated tables; in the data it is "
            f"{observed:,.4g}. {blamed(furthest)}"
        )
    return sentences


def _is_wide(table: PriorPredictive, simulated: dict) -> bool:
    """Whether the central 95% of simulated responses is too wide to be of any use."""
    if table.variant == "unpooled":
        return False  # its fixed between-group sds are wide, whatever the priors
    linear = not LINKS[table.family.link].has_ratio
    low, high = np.quantile(simulated["y" if linear else "eta"], [0.025, 0.975])
    return bool(high - low > WIDE * (np.ptp(table.y) if linear else 1))


def _how_wide(table: PriorPredictive, y: np.ndarray, eta: np.ndarray) -> str:
    """Describe the width of simulated responses, on the scale on which it is judged."""
    if table.family.is_probability:
        share = (np.abs(eta) > np.log(999)).mean()
        return (
            f"Under these priors {share:.0%} of simulated rows have a probability below 0.001 "
            f"or over 0.999; the data's mean is {_rate(table):.3g}."
        )
    what, drawn = "simulated", y
    if LINKS[table.family.link].clip_eta:
        what, drawn = "expected", np.exp(np.clip(eta, -LARGEST_LOG, LARGEST_LOG))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return (
        f"Under these priors 95% of {what} responses are between {low:,.4g} and "
        f"{high:,.4g}; the data are between {table.y.min():,.4g} and {table.y.max():,.4g}."
    )


def _rate(table: PriorPredictive) -> float:
    """Observed successes by trial."""
    return table.y.sum() / (table.rows if table.trials is None else table.trials.sum())


def _missed(table: PriorPredictive, simulated: dict) -> dict[str, tuple[float, float, float]]:
    """Observed mean or sd outside of all simulated ones, and the range of these."""
    found = {}
    for what, moment in MOMENTS.items():
        observed, of_draws = moment(table.y), moment(simulated["y"], axis=0)
        if not of_draws.min() <= observed <= of_draws.max():
            found[what] = observed, of_draws.min(), of_draws.max()
    return found


def _strange(
    table: PriorPredictive, what: str, observed: float, high: float, default: dict
) -> bool:
    """Whether even the default priors hardly reach the observed value: then none is to blame."""
    least, most = np.quantile(MOMENTS[what](default["y"], axis=0), [0.01, 0.99])
    return observed > most if observed > high else observed < least


def far_from_the_data(
    design: Design, data: ModelDescription, priors: Priors, variant: str
) -> list[str]:
    """Find priors of the config that are on groups' intercepts far outside the data.

    Where a predictor is zero in some rows, as a label is in those of its reference, intercepts
    are within the data.

    Returns
    -------
    list of str
        Sentences.
    """
    sentences = []
    without_zero = {
        name for name, column in zip(design.columns, design.matrix.T, strict=True) if column.all()
    }
    for factor in data.factors if variant == "hierarchical" else ():
        keys = holds_as_written(priors.given, factor.name)
        for block in factor.blocks if keys else ():
            slopes = [c for c in block if c != "Intercept" and c in without_zero]
            away = {c: abs(data.mean[c]) / data.sd[c] for c in slopes}
            if "Intercept" in block and away and max(away.values()) > FAR:
                name = max(away, key=away.get)
                sentences.append(
                    f"What the config has as {quoted_list(keys)} holds, for {factor.name!r}, where "
                    f"{name!r} is zero, {away[name]:,.1f} sds from its mean: deviations there are "
                    "those of lines far outside the data. Leave it out, and the default holds at "
                    "the mean; or center the predictor in the formula, as in center(x)."
                )
    return sentences


def _by_name(priors: Priors) -> dict[str, Prior]:
    """Every prior but those of correlations, by the name of its parameter."""
    of_sd = {
        parameter_names.sd(f, c): prior
        for f, of_factor in priors.sd.items()
        for c, prior in of_factor.items()
    }
    of_nu = {parameter_names.nu(factor): prior for factor, prior in priors.nu.items()}
    return priors.beta | of_sd | of_nu | priors.response


def _distances(given: dict, default: dict) -> dict[str, tuple[float, float]]:
    """Log ratio of the widths of two sets of draws, and their distance in the greater width."""
    found = {}
    for name in given:
        (low, middle, high), (lowest, usual, highest) = (
            np.quantile(drawn[name], [0.1, 0.5, 0.9]) for drawn in (given, default)
        )
        width, usually = high - low, highest - lowest
        found[name] = np.log(width / usually), abs(middle - usual) / max(width, usually)
    return found


def _ranked(scores: dict[str, float]) -> list[str]:
    """Names of the highest score and of scores more than half as high, the highest first."""
    top = max(scores.values(), default=0)
    return [n for n in sorted(scores, key=scores.get, reverse=True) if scores[n] > top / 2]
