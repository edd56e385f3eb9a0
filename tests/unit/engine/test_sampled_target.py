"""Targets of models with sampled effects, and what another study of other dimensions compiles."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from compiled_models import model_of

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model.families import FAMILIES
from partialpool.model.priors import complete
from partialpool.sampler import machine_code
from partialpool.sampler.pymc_model import PymcModel
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize(
    ("formula", "variant"),
    [("y ~ x + (1 + x | g)", "unpooled"), ("y ~ 0 + x + (x || g) + (1 | h)", "hierarchical")],
)
def test_models_of_all_dimensions_are_the_same_compiled_functions(formula, variant):
    model_of("poisson", "y ~ 1 + (1 | g) + (1 | h)")
    before = dict(machine_code.LOADED)
    model_of("poisson", formula, variant, effects="student_t")
    assert before == machine_code.LOADED


def test_a_family_without_a_compiled_density_is_sampled_by_pymcs(monkeypatch):
    """The same value at the same position."""
    rows = pd.DataFrame({"g": np.arange(12) % 3, "y": np.arange(12.0) % 4})
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(rows), Outcome("poisson"), {})
    target = SampledEffectsTarget(data, complete({}, data), "unpooled")
    ours = target.compiled()
    without = replace(FAMILIES["poisson"], row_slopes=None)
    monkeypatch.setitem(FAMILIES, "poisson", without)
    theirs = target.compiled()
    assert isinstance(theirs, PymcModel)
    position = np.random.default_rng(1).normal(size=4)
    value, gradient = ours.density(position)
    expected, slope = theirs.density(position)
    assert value == pytest.approx(expected, rel=1e-9)
    assert gradient == pytest.approx(slope, rel=1e-9)
    assert theirs.beta == slice(0, 1) and not theirs.transformed.any()
