"""Starting points, and the draws and statistics of chains."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.model.priors import complete
from partialpool.sampler import sampling
from partialpool.study.outcome import Outcome


def test_chains_start_in_all_parts_of_each_coordinate_by_itself():
    start = np.arange(7.0)
    model = SimpleNamespace(
        density=SimpleNamespace(start=start), transformed=np.array([False] * 6 + [True])
    )
    away = sampling.dispersed(model, 4, seed=1) - start
    quarters = np.floor(2 * away / ([1] * 6 + [sampling.FACTOR]) + 2)
    assert (np.sort(quarters, axis=0) == np.arange(4)[:, None]).all()
    assert len({*map(tuple, quarters.T[:6])}) > 1


def test_what_is_kept_of_chains_is_of_their_own_draws():
    """Where they ended, and the log density there, from which another call goes on."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), 8), "y": rng.normal(size=48)})
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(table), Outcome(), {})
    model = CollapsedTarget(data, complete({}, data), "hierarchical").compiled()
    settings = {"chains": 3, "draws": 40, "tune": 60, "target_accept": 0.8}
    drawn = sampling.sample(model, seed=1, **settings)
    ends = drawn["ends"]["position"].values
    again = model.constrain(ends[:, None])
    for name, values in drawn["posterior"].items():
        assert again[name].values[:, 0] == pytest.approx(values.values[:, -1]), name
    statistics = drawn["sample_stats"]
    for chain, position in enumerate(ends):
        assert statistics["lp"].values[chain, -1] == pytest.approx(model.density(position)[0])
    assert statistics["diverging"].dtype == bool
    total, potential = statistics["energy"].values.ravel(), -statistics["lp"].values.ravel()
    assert np.corrcoef(total, potential)[0, 1] > 0.5
