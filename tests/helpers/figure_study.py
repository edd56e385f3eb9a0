"""Figure data of a made-up study: every number differs, and rows of groups are mixed."""

from dataclasses import replace

import numpy as np
import pandas as pd

from partialpool.design.formula import Formula
from partialpool.figures.figure_data import FigureData, FigureFit, GroupedTable
from partialpool.study.outcome import Outcome

LEVELS = ("delta", "alpha", "fox", "cara", "bravo", "echo")


ROWS = (9, 2, 6, 1, 7, 4)  # of each group


VARIANTS = ("pooled", "unpooled", "hierarchical")


INTERVAL = 0.8


DRAWS = 40


OUTCOMES = {
    "gaussian": {},
    "weighted": {"weights": "w"},
    "poisson": {"exposure": "n"},
    "binomial": {"trials": "n"},
    "bernoulli": {},
}


def study(outcome="gaussian", variants=VARIANTS, levels=LEVELS, rows=ROWS, failed=()):
    """Two factors, with an intercept and a slope each; rows of all groups are mixed.

    Not all rows were replicated, and those not in order.
    """
    rng = np.random.default_rng(7)
    family = {"weighted": "gaussian"}.get(outcome, outcome)
    index = rng.permutation(np.repeat(np.arange(len(levels)), rows))
    count = len(index)
    n = rng.integers(5, 50, count).astype(float) if "n" in OUTCOMES[outcome].values() else None
    per = np.ones(count) if n is None else n
    weights = rng.integers(1, 9, count) * 1.0 if outcome == "weighted" else np.ones(count)

    def responses(*shape):
        means = np.linspace(0.2, 0.7, len(levels))[::-1][(3 * index) % len(levels)]
        if family == "gaussian":
            return rng.normal(5 * means, 1, (*shape, count))
        if family == "poisson":
            return rng.poisson(means * per, (*shape, count))
        return rng.binomial(per.astype(int), means, (*shape, count))

    y = responses()
    table = pd.DataFrame({"y": y, "x": rng.permutation(count) / 8 + 0.25, "n": per, "w": weights})
    factors = []
    for name, labels, own in (("g", levels, index), ("h", levels[::-1], rng.permutation(index))):
        table[name] = np.array(labels)[own]
        sizes = np.bincount(own, weights=per if family == "binomial" else None).astype(int)
        mean = np.bincount(own, weights * y) / np.bincount(own, weights * per)
        factors.append(
            GroupedTable(
                name, (("Intercept", "x"),), labels, (name,), own, np.bincount(own), sizes, mean
            )
        )
    replicated = rng.permutation(count)[: count - 3]
    fits = [
        fit(variant, variant not in failed, factors, responses, replicated, rng)
        for variant in variants
    ]
    names = ["sigma", "beta[x]", *factors[0].coefficient_names("x")]
    names += factors[1].coefficient_names("Intercept")
    truth = dict(zip(names, rng.normal(size=len(names)), strict=True))
    recovery = pd.concat(
        one.estimates(names).assign(variant=one.variant, truth=truth) for one in fits
    )
    recovery = recovery.rename_axis("name").reset_index().sample(frac=1, random_state=1)
    return FigureData(
        table=table,
        total=count,
        average=0.37,
        formula=Formula("y ~ x + (x | g) + (x | h)"),
        outcome=Outcome(family=family, **OUTCOMES[outcome]),
        factors=tuple(factors),
        interval=INTERVAL,
        new_data=None,
        held={},
        y=y,
        per=per,
        weights=weights,
        rows=replicated,
        fits=fits,
        comparison=compared(variants, failed, rng),
        comparison_groups=compared(variants[::-1], failed, rng),
        recovery=recovery,
    )


def fit(variant, passed, factors, responses, replicated, rng):
    population = ["beta[Intercept]", "beta[x]", "sigma"]
    each = [n for f in factors for c in f.varying for n in f.coefficient_names(c)]
    summary = spread([*population, *each], rng).assign(rhat=1.0)
    return FigureFit(
        variant=variant,
        passed=passed,
        summary=summary,
        groups=pd.concat(
            spread(factor.levels, rng)
            .assign(factor=factor.name, coefficient="" if c == "Intercept" else c)
            .assign(population=rng.normal(size=len(factor.levels)))
            .rename_axis("group")
            .reset_index()
            for factor in factors
            for c in factor.varying
        ).sample(frac=1, random_state=2),
        scalars=dict.fromkeys(population, np.ones((2, 5))),
        statistics=None,
        prior=responses(DRAWS)[:, replicated],
        replicated=responses(DRAWS)[:, replicated],
        predictions=None,
    )


def spread(names, rng, start=""):
    """`mean, lower, upper`, ends not as far from the mean as each other."""
    mean, below, above = rng.uniform(0.3, 0.6, (3, len(names)))
    found = {"mean": mean, "lower": mean - 0.4 * below, "upper": mean + 0.6 * above}
    return pd.DataFrame({start + name: own for name, own in found.items()}, index=names)


def compared(variants, failed, rng):
    found = pd.DataFrame({"variant": variants, "elpd_diff": -rng.uniform(0, 9, len(variants))})
    found["dse"], found["subsampling_dse"] = rng.uniform(0.5, 2, (2, len(variants)))
    return found.assign(fit_passed=[variant not in failed for variant in variants])


def predicted(found, frame, prediction_target=("group", "new_group")):
    """A study with predictions of the given rows, others of each variant."""
    rng = np.random.default_rng(3)
    fits = []
    for one in found.fits:
        parts = []
        for asked in prediction_target:
            numbers = [
                spread(frame.index, rng, start) for start in ("", "probability_", "outcome_")
            ]
            numbers = pd.concat([*numbers, frame], axis=1).rename(
                columns={"probability_mean": "probability"}
            )
            parts.append(numbers.drop(columns="outcome_mean").assign(predicted_for=asked))
        rows = pd.concat(parts, ignore_index=True).assign(
            sd=1.0, fit_passed=one.passed, note="", group_status="known"
        )
        fits.append(replace(one, predictions=rows))
    return replace(found, fits=fits)


def of_group(found, factor, label, y, rows=None):
    """The mean, share or rate of one group, of responses `(..., row)`."""
    rows = np.arange(len(found.y)) if rows is None else rows
    own = found.table[factor.name].to_numpy()[rows] == label
    weight = found.weights[rows][own]
    return (weight * y[..., own]).sum(-1) / (weight * found.per[rows][own]).sum()
