"""Summaries give every scalar its own name and numbers, and checks compare them with limits."""

import arviz_stats as azs
import chains
import numpy as np
import pytest
import xarray as xr

from partialpool.report import checks as shown_checks
from partialpool.sampler import convergence
from partialpool.study.checks import CHECKS, published_limits


@pytest.fixture
def posterior() -> xr.Dataset:
    return chains.posterior()


@pytest.fixture
def statistics() -> xr.Dataset:
    return chains.statistics()


def test_every_estimated_scalar_has_its_own_name(posterior):
    summary = convergence.summarise(posterior, 0.9, "pooled").set_index("name")
    assert tuple(summary.reset_index().columns) == convergence.SUMMARY_COLUMNS
    for name, mean in {
        "coef_g[a, Intercept]": 0, "coef_g[a, x]": 10, "coef_g[b, c, Intercept]": 20,
        "coef_g[b, c, x]": 30, "coef_g[d, Intercept]": 40, "coef_g[d, x]": 50,
    }.items():  # fmt: skip
        assert summary.loc[name, "mean"] == pytest.approx(mean, abs=0.2)
    fixed = {"sd_g[Intercept]", "cor_g[x, x]"}
    assert not fixed & set(summary.index)
    assert {"sigma", "beta[x]", "cor_g[Intercept, x]"} <= set(summary.index)
    inside = (posterior["sigma"] > summary.loc["sigma", "lower"]) & (
        posterior["sigma"] < summary.loc["sigma", "upper"]
    )
    assert float(inside.mean()) == pytest.approx(0.9, abs=0.002)


def test_chains_of_an_earlier_attempt_are_apart_if_no_later_draw_is_where_they_were(posterior):
    medians = convergence.medians(posterior)
    assert convergence.between_chain_spread(medians, posterior) == {}
    medians["coef_g"][2, 1, 0] += 6.0
    medians["sigma"][2] += 20.0
    medians["beta"][3, 1] = np.nan
    assert convergence.between_chain_spread(medians, posterior) == {2: "sigma"}
    assert convergence.between_chain_spread(medians.isel(chain=[0, 2]), posterior) == {1: "sigma"}


def test_a_chain_was_where_it_went_not_where_it_came_from():
    draws = xr.Dataset({"sigma": (("chain", "draw"), [[9.0, 9, 9, 1, 2, 3], [0, 0, 0, 4, 5, 9]])})
    assert convergence.medians(draws)["sigma"].values.tolist() == [2, 5]


def test_every_check_is_shown(posterior, statistics):
    summary = convergence.summarise(posterior, 0.9, "pooled")
    earlier = {"chains": 1, "worst": "sigma of chain 1, attempt 1"}
    checks = convergence.check(summary, statistics, published_limits(4), earlier)
    assert [c["name"] for c in checks] == list(CHECKS)
    assert [c["name"] for c in checks if not c["passed"]] == ["earlier_attempts"]
    assert shown_checks.check(checks[-1]) == {
        "label": "earlier attempts",
        "value": "1",
        "threshold": "none",
        "passed": False,
        "worst": "sigma of chain 1, attempt 1",
    }


def test_groups_that_share_their_draws_have_equal_rows(posterior):
    shared = posterior.drop_vars("sd_g").assign(coef_g=posterior["coef_g"] * 0 + posterior["sigma"])
    summary = convergence.summarise(shared, 0.9).set_index("name")
    rows = summary[summary.index.str.startswith("coef_g")]
    assert len(rows) == 6
    assert (rows.to_numpy() == summary.loc["sigma"].to_numpy()).all()


def test_every_number_of_a_summary_is_that_of_its_scalar(posterior):
    """By arviz-stats, of one scalar at a time, whose draws are not alike in anything."""
    rng = np.random.default_rng(8)
    for name in ("beta", "coef_g"):
        values = posterior[name].values  # some are slow, some have tails, some are apart
        slow = np.cumsum(rng.normal(size=values.shape), axis=1) / 50
        heavy = rng.standard_t(3, values.shape)
        apart = 0.1 * rng.normal(size=(4, 1, *values.shape[2:]))
        scale = rng.uniform(0.5, 3, values.shape[2:])
        posterior[name] = posterior[name].dims, scale * (values + slow + heavy + apart)
    summary = convergence.summarise(posterior, 0.8).set_index("name")
    own = {
        "beta[x]": posterior["beta"].values[..., 1],
        "sigma": posterior["sigma"].values,
        "coef_g[b, c, Intercept]": posterior["coef_g"].values[:, :, 1, 0],
        "coef_g[d, x]": posterior["coef_g"].values[:, :, 2, 1],
        "cor_g[x, Intercept]": posterior["cor_g"].values[:, :, 1, 0],
    }
    for name, draws in own.items():
        expected = {
            "mean": draws.mean(),
            "sd": draws.std(ddof=1),
            "lower": np.quantile(draws, 0.1),
            "upper": np.quantile(draws, 0.9),
            "mcse_mean": azs.mcse(draws, method="mean"),
            "mcse_sd": azs.mcse(draws, method="sd"),
            "ess_bulk": azs.ess(draws, method="bulk"),
            "ess_tail": xr.DataArray(draws, dims=("chain", "draw")).azstats.ess(method="tail"),
            "rhat": azs.rhat(draws, method="rank"),
        }
        assert summary.loc[name].to_dict() == pytest.approx(
            {key: float(value) for key, value in expected.items()}, rel=1e-2
        )


@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_what_a_variant_fixes_is_not_judged_and_what_it_does_not_is_stuck(posterior, variant):
    """If it is the same in all draws."""
    shape = posterior["coef_g"].shape
    fixed = posterior.assign(
        u_g=(posterior["coef_g"].dims, np.zeros(shape)),
        sd_log_sigma=(("chain", "draw"), np.zeros(shape[:2])),
        nu_g=(("chain", "draw"), np.ones(shape[:2])),
        sigma=(("chain", "draw"), np.ones(shape[:2])),
        beta=(("chain", "draw", "coefficient"), np.ones((*shape[:2], 2))),
    )
    summary = convergence.summarise(fixed, 0.9, variant)
    stuck = {name.partition("[")[0] for name in summary["name"][summary["rhat"].isna()]}
    free = {"unpooled": {"u_g"}, "hierarchical": {"u_g", "sd_g", "sd_log_sigma"}}
    assert stuck == {"beta", "nu_g"} | free.get(variant, set())
    assert {"coef_g", "cor_g"} <= {name.partition("[")[0] for name in summary["name"]}
    assert not {"sigma", "cor_g[x, x]"} & set(summary["name"])
