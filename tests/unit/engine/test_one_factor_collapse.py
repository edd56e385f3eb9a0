"""QR decomposition of the rows of each group, for one of several factors integrated out."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import one_factor_collapse, preconditioner, sampled_target
from partialpool.model import priors
from partialpool.study.outcome import Outcome


def test_varying_columns_of_each_group_are_decomposed():
    """In the first group the predictor is constant, so that its column adds nothing."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(list("abc"), 12), "h": np.tile(list("uvwx"), 9)})
    table["x"] = np.where(table["g"] == "a", 2.0, rng.normal(size=36))
    table["y"] = rng.normal(size=36)
    design = Formula("y ~ x + (1 + x | g) + (1 | h)").design(table)
    data = build.compress(design, Outcome(), {})
    completed = priors.complete({"sd": "half_normal(1)", "cor": "lkj(2)"}, data)
    target = sampled_target.SampledEffectsTarget(data, completed, "hierarchical")
    [block] = [b for b in target.coordinates.blocks if b.factor.name == "g"]
    root, directions = one_factor_collapse.orthonormalise(data, completed, block)
    columns = preconditioner.effects_columns(data, completed, block.factor)
    for group in range(3):
        at = data.index[block.position] == group
        assert directions[:, at].T @ root[..., group] == pytest.approx(columns[at], abs=1e-9)
    assert root[1, 1, 0] == 0 and (root[1, 1, 1:] > 0).all()
