"""Effects of very many groups: stored thinned, in bounded memory, and diagnosed in part."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.answers import predictor
from partialpool.base import files
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import collapse, posterior, sampled_target
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.posterior import SampledParameters
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families, priors
from partialpool.sampler import convergence
from partialpool.study.outcome import Outcome

CHAINS, DRAWS = 4, 250
INTERVAL = 0.9


def sampled(groups: int, outcome: Outcome, formula="y ~ x + (1 + x | g)"):
    """Compressed data whose groups are far apart, and draws close to where they are from."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(groups), 6)
    x = rng.normal(size=g.size)
    line = rng.normal(scale=20, size=(groups, 2))
    y = line[g, 0] + line[g, 1] * x + 0.1 * rng.normal(size=g.size)
    if outcome.family == "poisson":
        y = np.ones(g.size)
    names = np.array([f"g{i:05d}" for i in range(groups)])
    table = pd.DataFrame({"y": y, "x": x, "g": names[g], "h": np.where(g % 2, "odd", "even")})
    data = build.compress(Formula(formula).design(table), outcome, {})

    def near(centre, dims=()):
        dims = dims or tuple(f"dim_{length}" for length in np.shape(centre))
        noise = 1 + 0.01 * rng.normal(size=(CHAINS, DRAWS, *np.shape(centre)))
        return ("chain", "draw", *dims), centre * noise

    by_group = (posterior.groups("g"),)
    free = {"beta": near(np.ones(2))}
    free |= {f"sd_{f.name}": near(np.full(len(f.varying), 20.0)) for f in data.factors}
    if outcome.sigma == "by_group":
        free["sigma"] = near(np.linspace(0.1, 0.2, groups), by_group)
    elif families.family_of(outcome).has_sigma:
        free["sigma"] = near(0.1)
    if outcome.family == "poisson":
        for f in data.factors:
            shape = (len(f.levels), len(f.varying))
            free[f"u_{f.name}"] = near(
                rng.normal(size=shape), (posterior.groups(f.name), posterior.varying(f.name))
            )
    completed = priors.complete({}, data)
    coords = {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)}
    return SampledParameters(xr.Dataset(free, coords), data, completed, "hierarchical"), line


class Drawn(SampledEffectsTarget):
    """A target whose effects have been sampled; it needs no working model."""

    def __init__(self):
        pass

    def deviations(self, draws, rng):
        return {f.name: draws[f"u_{f.name}"] for f in draws.data.factors}


@pytest.mark.parametrize("sigma", ["estimated", "by_group"])
def test_thinned_effects_are_those_of_their_groups_and_of_their_draws(monkeypatch, sigma):
    monkeypatch.setattr(posterior, "LARGE", 20_000)
    drawn, line = sampled(100, Outcome(sigma=sigma))
    target = CollapsedTarget(drawn.data, drawn.priors, "hierarchical")
    some = np.array([0, 7, 99])
    tree = xr.DataTree.from_dict(
        posterior.stored(target, drawn, {"g": some}, np.random.default_rng(2))
    )
    every, diagnosed = tree["group_effects"], tree["diagnosed_effects"]
    assert "u_g" not in tree["posterior"]
    assert every["draw"].values.tolist() == list(range(0, DRAWS, 10))
    assert {v.dtype for v in every.data_vars.values()} == {np.dtype("float32")}
    assert diagnosed["u_g"].shape == (CHAINS, DRAWS, 3, 2)
    for name, variable in every.data_vars.items():
        # In a draw that both have, a group has one effect.
        xr.testing.assert_equal(
            variable.isel(g=some), diagnosed[name].sel(draw=every["draw"]).astype("float32")
        )
    joint = predictor.merged_posterior(tree)
    beta = tree["posterior"]["beta"].values[:, ::10]
    assert (joint["beta"].values == beta).all()
    found = joint["u_g"].values + beta[:, :, None]
    assert np.abs(found.mean(axis=(0, 1)) - line).max() < 1
    if sigma == "by_group":
        assert joint["sigma"].values.mean(axis=(0, 1))[[0, 99]] == pytest.approx([0.1, 0.2], 0.02)


def test_sampled_effects_of_one_factor_are_thinned_and_of_another_whole(monkeypatch):
    monkeypatch.setattr(posterior, "LARGE", 20_000)
    monkeypatch.setattr(sampled_target, "BATCH", 20_000)
    formula = "y ~ x + (1 + x | g) + (1 | h)"
    drawn, _ = sampled(100, Outcome(family="poisson"), formula)
    some = {"g": np.array([3, 50]), "h": np.arange(2)}
    stored = posterior.stored(Drawn(), drawn, some, np.random.default_rng(2))
    every = drawn["u_g"].reshape(CHAINS, DRAWS, 100, 2)
    assert (stored["group_effects"]["u_g"].values == every[:, ::10].astype("float32")).all()
    kept = stored["diagnosed_effects"]
    assert (kept["u_g"].values == every[:, :, some["g"]].astype("float32")).all()
    assert kept["g"].values.tolist() == ["g00003", "g00050"]
    assert stored["posterior"]["u_h"].shape == (CHAINS, DRAWS, 2, 1)
    assert (stored["posterior"]["u_h"].values.reshape(-1, 2, 1) == drawn["u_h"]).all()


def test_sampled_effects_are_turned_into_those_of_the_coefficients():
    """The priors are on groups' lines at the mean of x, the coefficients where x is zero."""
    drawn, _ = sampled(10, Outcome(family="poisson"))
    assert drawn.priors.at_averages == ("g",)
    target = SampledEffectsTarget(drawn.data, drawn.priors, "hierarchical")
    found = target.deviations(drawn, np.random.default_rng(2))["g"]
    level, slope = np.moveaxis(drawn["u_g"], -1, 0)
    assert found[..., 1] == pytest.approx(slope)
    assert found[..., 0] == pytest.approx(level - drawn.data.mean["x"] * slope)


def test_draws_of_all_groups_are_never_held_at_once(monkeypatch):
    monkeypatch.setattr(posterior, "LARGE", 400_000)
    monkeypatch.setattr(collapse, "BATCH", 100_000)
    drawn, _ = sampled(5_000, Outcome())
    target = CollapsedTarget(drawn.data, drawn.priors, "hierarchical")
    tracemalloc.start()
    try:
        posterior.stored(target, drawn, {"g": np.arange(20)}, np.random.default_rng(2))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < CHAINS * DRAWS * 5_000 * 2 * 8 / 2


def test_which_groups_are_diagnosed(monkeypatch):
    monkeypatch.setattr(convergence, "DIAGNOSED", 10)
    sizes = np.random.default_rng(1).permutation(np.arange(1, 101))
    chosen = convergence.diagnosed(sizes, 1, "g")
    assert len(set(chosen)) == 10
    assert {1, 100} <= set(sizes[chosen])
    assert (chosen == convergence.diagnosed(sizes, 1, "g")).all()
    assert set(chosen) != set(convergence.diagnosed(sizes, 2, "g"))
    assert convergence.diagnosed(sizes[:10], 1, "g").tolist() == list(range(10))


@pytest.mark.parametrize("large", [20_000, 1_000_000])
@pytest.mark.parametrize("variant", ["pooled", "hierarchical"])
def test_every_group_has_a_summary_and_some_are_judged(tmp_path, monkeypatch, large, variant):
    monkeypatch.setattr(posterior, "LARGE", large)
    monkeypatch.setattr(convergence, "BATCH", 60_000)
    drawn, line = sampled(100, Outcome())
    drawn.variant = variant
    target = CollapsedTarget(drawn.data, drawn.priors, variant)
    some = np.array([5, 6, 99])
    tree = xr.DataTree.from_dict(
        posterior.stored(target, drawn, {"g": some}, np.random.default_rng(2)),
    )
    tree.attrs |= {"variant": variant, "diagnosed": '{"g": ["g00005", "g00006", "g00099"]}'}
    files.write_netcdf(tmp_path / "posterior.nc", tree)
    summary, judged, partly = convergence.convergence_of(
        files.read_netcdf(tmp_path / "posterior.nc"), INTERVAL
    )
    rows = summary.set_index("name")
    coefs = rows[rows.index.str.startswith("coef_g[")]
    assert len(coefs) == 200
    assert coefs[["mean", "sd", "lower", "upper"]].notna().all(axis=None)
    assert judged["rhat"].notna().all()
    if variant == "pooled":
        # What is the same of all groups is diagnosed for all.
        assert not partly
        assert (coefs.loc["coef_g[g00042, x]"] == rows.loc["beta[x]"]).all()
        return
    assert partly == {"g": {"groups": 100, "of_them": 3}}
    assert np.abs(coefs["mean"].to_numpy() - line.ravel()).max() < 1
    diagnosed = coefs.index[coefs["rhat"].notna()]
    assert [name[7:13] for name in diagnosed[::2]] == ["g00005", "g00006", "g00099"]
    assert set(judged["name"]) == set(rows.index[rows["rhat"].notna()])


def test_a_diagnosed_group_that_is_stuck_is_not_taken_for_one_that_was_not():
    drawn, _ = sampled(100, Outcome())
    target = CollapsedTarget(drawn.data, drawn.priors, "hierarchical")
    stored = posterior.stored(target, drawn, {"g": np.arange(3)}, np.random.default_rng(2))
    stored["posterior"]["u_g"][:, 3, 50] = np.nan
    tree = xr.DataTree.from_dict(stored)
    limits = {"max_rhat": 1.05, "min_ess": 100, "max_divergences": 0, "min_ebfmi": 0.3}
    statistics = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((CHAINS, DRAWS), dtype=bool)),
            "energy": (("chain", "draw"), np.random.default_rng(3).normal(size=(CHAINS, DRAWS))),
        }
    )
    for labels, passed in (('["g00000", "g00001"]', True), ('["g00000", "g00050"]', False)):
        tree.attrs |= {"variant": "hierarchical", "diagnosed": f'{{"g": {labels}}}'}
        with np.errstate(invalid="ignore"):
            _, judged, _ = convergence.convergence_of(tree, INTERVAL)
        found = {c["name"]: c for c in convergence.check(judged, statistics, limits)}
        assert found["rhat"]["passed"] is passed
        assert passed or found["rhat"]["value"] is None
