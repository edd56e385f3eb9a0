"""Compiled models of a small table, and their gradients against differences."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.study.outcome import Outcome


def model_of(family: str, formula: str, variant="hierarchical", effects="normal", **keys):
    """A compiled model of forty rows."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": np.arange(40) % 7, "h": np.arange(40) % 3, "x": rng.normal(size=40)})
    rows["y"] = rng.poisson(3.0, 40).astype(float)
    outcome = Outcome(family=family, **keys)
    data = build.compress(Formula(formula).design(rows), outcome, families.columns(rows, outcome))
    kind = CollapsedTarget if data.closed_form else SampledEffectsTarget
    return kind(data, complete({}, data, effects), variant).compiled()


def check_gradient(model) -> None:
    """Along some directions, against differences of the density."""
    rng, start = np.random.default_rng(7), model.density.start
    position = start + rng.uniform(-0.5, 0.5, len(start))
    slope = model.density(position)[1]
    for direction in rng.normal(size=(4, len(start))):
        ahead, behind = (model.density(position + s * direction)[0] for s in (1e-5, -1e-5))
        assert slope @ direction == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-4)
