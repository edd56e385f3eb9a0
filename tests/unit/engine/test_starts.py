"""Where chains start: all over what the data and the priors say, if there may be several modes."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import starts
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import priors
from partialpool.sampler import sampling
from partialpool.study.outcome import Outcome

CHAINS = 8
# The line is at 40 where x is zero, ten sds of x from its mean; at 180 at its mean.
TABLE = pd.DataFrame({"g": np.arange(200) % 5, "x": np.random.default_rng(1).normal(70, 7, 200)})
TABLE["y"] = 40 + 2 * TABLE["x"] + np.random.default_rng(2).normal(size=200)
GAUSSIAN, STUDENT = Outcome(), Outcome("student_t")


def begun(outcome, given, variant="hierarchical", effects="normal", text="y ~ x + (1 | g)"):
    """Data, priors, rough coefficients, and those that chains start with; None if as usual."""
    data = build.compress(Formula(text).design(TABLE), outcome, {})
    completed = priors.complete(given, data, effects)
    kind = SampledEffectsTarget if outcome.family == "student_t" else CollapsedTarget
    target = kind(data, completed, variant)
    model = target.compiled()
    moved = starts.overdispersed(model, target.centre, data, completed, variant)
    if moved is None:
        return None
    found = moved(sampling.dispersed(model, CHAINS, seed=1))
    rough = dict(zip(data.coefficients, target.centre, strict=True))
    beta = model.constrain(found[None])["beta"].values[0]
    return data, completed, rough, dict(zip(data.coefficients, beta.T, strict=True))


@pytest.mark.parametrize(
    ("given", "several"),
    [
        ({}, False),
        # Of what is written, sds from where the data are, where x is zero.
        ({"Intercept": "normal(0, 20)"}, False),
        ({"Intercept": "normal(0, 10)"}, True),
        ({"Intercept": "normal(180, 20)"}, True),
        ({"x": "normal(0, 1)"}, False),
        ({"x": "normal(2.5, 0.1)"}, True),
        ({"x": "normal(1.5, 0.1)"}, True),
        # Tails that are as light as an exponential's have one mode with a normal's.
        ({"x": "laplace(2, 1)"}, False),
        ({"x": "cauchy(2, 1)"}, True),
        ({"Intercept": "student_t(3, 40, 50)"}, True),
    ],
)
def test_several_modes_come_of_heavy_tails_and_of_priors_far_from_the_data(given, several):
    assert (begun(GAUSSIAN, given, "pooled") is not None) == several


@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_several_modes_come_of_student_t_responses_and_effects(variant):
    assert begun(STUDENT, {}, variant) is not None
    heavy = begun(GAUSSIAN, {}, variant, effects="student_t")
    assert (heavy is not None) == (variant == "hierarchical")


@pytest.mark.parametrize(
    "text", ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)", "y ~ 0 + x + (0 + x | g)"]
)
@pytest.mark.parametrize(
    ("outcome", "given", "variant"),
    [
        (STUDENT, {}, "pooled"),
        (STUDENT, {}, "hierarchical"),
        (STUDENT, {"x": "normal(30, 1)", "Intercept": "normal(-500, 10)"}, "unpooled"),
        (GAUSSIAN, {"x": "cauchy(-9, 1)"}, "hierarchical"),
        (GAUSSIAN, {"x": "cauchy(2, 1)", "Intercept": "normal(90, 3)"}, "hierarchical"),
    ],
)
def test_chains_start_in_all_parts_of_what_may_be(text, outcome, given, variant):
    """From 2 sds of the response below the least of what the data and zero say to as many above;
    and to where the prior is: in the level at the mean of x, and in the slope, each by itself."""
    if "0 +" in text:
        given = {name: own for name, own in given.items() if name != "Intercept"}
    data, completed, rough, beta = begun(outcome, given, variant, text=text)
    written = {name: own.arguments[-2] for name, own in completed.beta.items()}
    x, sd = TABLE["x"], TABLE["y"].std(ddof=0)
    if outcome.family == "student_t":
        sd = data.response_sd  # a robust one
    zero = {"x": 0.0}
    reach = {"x": 2 * sd / x.std(ddof=0)}
    at = [rough, written, beta]
    if "Intercept" in beta:
        reach["Intercept"], zero["Intercept"] = 2 * sd, data.response_mean
        for one in at if "Intercept" in given else [rough, beta]:
            one["Intercept"] = one["Intercept"] + x.mean() * one["x"]
    for name, found in beta.items():
        places = rough[name], zero[name]
        low = min(*(place - reach[name] for place in places), written[name])
        high = max(*(place + reach[name] for place in places), written[name])
        parts = np.floor(CHAINS * (found - low) / (high - low))
        assert sorted(parts) == list(range(CHAINS)), name
