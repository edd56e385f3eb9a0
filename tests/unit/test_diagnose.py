"""Summaries name the right scalar, and a verdict fails on what is wrong."""

import numpy as np
import pytest
import xarray as xr

from partialpool import convergence, diagnose

LIMITS = {"max_rhat": 1.01, "min_ess": 400, "max_divergences": 0, "min_ebfmi": 0.3}


@pytest.fixture
def posterior() -> xr.Dataset:
    rng = np.random.default_rng(1)
    scale = np.arange(6).reshape(3, 2) * 10.0
    correlation = np.ones((4, 500, 2, 2))
    correlation[..., 0, 1] = correlation[..., 1, 0] = rng.uniform(-1, 1, (4, 500))
    return xr.Dataset(
        {
            "beta": (("chain", "draw", "coefficient"), rng.normal(size=(4, 500, 2))),
            "sigma": (("chain", "draw"), rng.normal(size=(4, 500))),
            "sd_g": (("chain", "draw", "g_coefficient"), np.zeros((4, 500, 2))),
            "cor_g": (("chain", "draw", "g_coefficient", "g_coefficient_bis"), correlation),
            "coef_g": (
                ("chain", "draw", "g", "g_coefficient"),
                scale + rng.normal(size=(4, 500, 3, 2)),
            ),
        },
        coords={
            "coefficient": ["Intercept", "x"],
            "g": ["a", "b, c", "d"],
            "g_coefficient": ["Intercept", "x"],
            "g_coefficient_bis": ["Intercept", "x"],
        },
    )


@pytest.fixture
def statistics() -> xr.Dataset:
    rng = np.random.default_rng(2)
    return xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((4, 500), dtype=bool)),
            "energy": (("chain", "draw"), rng.normal(size=(4, 500))),
        }
    )


def test_every_estimated_scalar_has_its_own_name(posterior):
    summary = convergence.summarise(posterior, 0.9).set_index("name")
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


def test_a_good_fit_passes(posterior, statistics):
    verdict = diagnose.verdict(convergence.summarise(posterior, 0.9), statistics, LIMITS)
    assert verdict["passed"], verdict["advice"]
    assert verdict["advice"] == []


@pytest.mark.parametrize("check", ["rhat", "ess_bulk", "ess_tail", "divergences", "ebfmi", "stuck"])
def test_what_is_wrong_is_named(posterior, statistics, check):
    if check == "rhat":
        posterior["beta"][0, :, 1] += 3
    elif check == "ess_bulk":
        posterior["beta"][:, :, 1] = np.repeat(posterior["beta"][:, ::50, 1].values, 50, axis=1)
    elif check == "ess_tail":
        # Either side is as likely in every draw, but how far out a chain is changes slowly.
        steps = np.random.default_rng(5).normal(0, 0.1, (4, 500))
        posterior["beta"][:, :, 1] *= np.exp(np.cumsum(steps, axis=1))
    elif check == "divergences":
        statistics["diverging"][2, 7] = True
    elif check == "ebfmi":
        statistics["energy"][1] = np.cumsum(statistics["energy"][1].values)
    else:
        posterior["beta"][:, :, 1] = np.arange(4)[:, None]
    verdict = diagnose.verdict(convergence.summarise(posterior, 0.9), statistics, LIMITS)
    failed = {c["name"]: c for c in verdict["checks"] if not c["passed"]}
    assert not verdict["passed"]
    assert len(verdict["advice"]) == len(failed)
    expected = {"stuck": "rhat"}.get(check, check)
    worst = {"divergences": "chain 2", "ebfmi": "chain 1"}.get(check, "beta[x]")
    assert failed[expected]["worst"] == worst
    assert any(worst in sentence for sentence in verdict["advice"])


def test_groups_that_share_their_draws_have_equal_rows(posterior):
    shared = posterior.assign(coef_g=posterior["coef_g"] * 0 + posterior["sigma"])
    summary = convergence.summarise(shared, 0.9).set_index("name")
    rows = summary[summary.index.str.startswith("coef_g")]
    assert len(rows) == 6
    assert (rows.to_numpy() == summary.loc["sigma"].to_numpy()).all()
