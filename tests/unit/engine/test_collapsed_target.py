"""The Gaussian target: what it reports, and what another study of other dimensions compiles."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.sampler import machine_code
from partialpool.study.outcome import Outcome

RNG = np.random.default_rng(6)
ROWS = pd.DataFrame({"g": [*"aabbbcccc"], "x": RNG.normal(size=9), "y": RNG.normal(size=9)})


def compressed(text="y ~ x + (1 + x | g)", outcome=None):
    outcome = outcome or Outcome()
    return compress(Formula(text).design(ROWS), outcome, families.columns(ROWS, outcome))


def test_group_effects_are_reported_as_integrated_out():
    data = compressed()
    target = CollapsedTarget(data, complete({}, data), "hierarchical")
    assert target.parameterisation == {"g": {"form": "integrated out"}}
    assert CollapsedTarget(data, complete({}, data), "pooled").parameterisation == {}


@pytest.mark.parametrize(
    ("text", "sigma", "variant", "effects"),
    [
        ("y ~ 1 + (1 | g)", "estimated", "hierarchical", "normal"),
        ("y ~ x + (1 + x | g)", "by_group", "unpooled", "normal"),
        ("y ~ 0 + x + (x || g)", "~ (1 | g)", "hierarchical", "student_t"),
        ("y ~ x", 2.0, "pooled", "normal"),
    ],
)
def test_models_of_all_dimensions_and_priors_are_one_compiled_function(
    text, sigma, variant, effects
):
    CollapsedTarget(compressed(), complete({}, compressed()), "hierarchical").compiled()
    before = dict(machine_code.LOADED)
    data = compressed(text, Outcome(sigma=sigma))
    given = {"x": "cauchy(0, 1)"} if "x" in data.coefficients else {}
    found = CollapsedTarget(data, complete(given, data, effects), variant).compiled()
    assert before == machine_code.LOADED
    value, gradient = found.density(found.density.start)
    assert np.isfinite(value) and np.isfinite(gradient).all()
