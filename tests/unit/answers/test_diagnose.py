"""Summaries name the right scalar, and a verdict fails on what is wrong."""

import json

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr

from partialpool.answers import diagnose, verdict
from partialpool.report import words
from partialpool.sampler import convergence

EFFORT = {
    "sampler": {"chains": 4, "draws": 125, "tune": 125, "target_accept": 0.8, "attempts": 3},
    "last": {"draws": 500, "tune": 500, "target_accept": 0.95},
    "factors": {},
}
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


def test_a_good_fit_passes(posterior, statistics):
    assert judged(posterior, statistics) == ({}, [])


def judged(posterior, statistics, effort=EFFORT):
    """Checks that failed, by name, and the advice."""
    summary = convergence.summarise(posterior, 0.9, "pooled")
    told = diagnose.verdict(summary, statistics, LIMITS, effort)
    failed = {c["name"]: c for c in told["checks"] if not c["passed"]}
    assert told["passed"] == (not failed) == (not told["advice"])
    return failed, told["advice"]


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
    failed, advice = judged(posterior, statistics)
    expected = {"stuck": "rhat"}.get(check, check)
    worst = {"divergences": "chain 2", "ebfmi": "chain 1"}.get(check, "beta[x]")
    assert failed[expected]["worst"] == worst
    assert any(worst in sentence for sentence in advice)


@pytest.mark.parametrize("wrong", ["constant", "inf", "nan", "energy", "one energy", "one chain"])
def test_a_diagnostic_that_is_not_a_number_is_a_failed_check(posterior, statistics, wrong):
    effort = EFFORT
    if wrong == "constant":  # although nothing fixes it: all chains are stuck at one place
        posterior["beta"][:, :, 1] = 3.0
    elif wrong == "energy":
        statistics["energy"][:] = 2.0
    elif wrong == "one energy":
        statistics["energy"][1] = 2.0
    elif wrong == "one chain":
        posterior, statistics = posterior.isel(chain=[0]), statistics.isel(chain=[0])
        effort = EFFORT | {"sampler": EFFORT["sampler"] | {"chains": 1}}
    else:
        posterior["beta"][1, 7, 1] = float(wrong)
    failed, advice = judged(posterior, statistics, effort)
    name, worst, label = {
        "energy": ("ebfmi", "chain 0", "E-BFMI"),
        "one energy": ("ebfmi", "chain 1", "E-BFMI"),
        "one chain": ("rhat", "beta[Intercept]", "R-hat"),
    }.get(wrong, ("rhat", "beta[x]", "R-hat"))
    assert failed[name]["value"] is None
    assert failed[name]["worst"] == worst
    assert f"{worst}: {label} not a number" in advice[0]
    assert "nan" not in " ".join(advice) and "None" not in " ".join(advice)
    if wrong == "one chain":
        assert advice[1] == "R-hat compares chains, and there is one: set `sampler: {chains: 4}`."


def found(name, value, worst="beta[x]"):
    limits = {"rhat": 1.01, "divergences": 0, "ebfmi": 0.3, "earlier_attempts": 0}
    return {"name": name, "value": value, "threshold": limits.get(name, 400), "worst": worst}


@pytest.mark.parametrize(
    ("failed", "config"),
    [  # settings of the last attempt that suffice are not left out: the first is to have them
        ([found("ess_tail", 320)], "draws: 800, tune: 500, target_accept: 0.95"),
        (
            [found("rhat", 1.03), found("ess_bulk", 220), found("ess_tail", 190)],
            "draws: 2000, tune: 500, target_accept: 0.95",
        ),
        ([found("divergences", 3, "chain 1")], "draws: 500, tune: 500, target_accept: 0.99"),
        (
            [found("ess_bulk", 120), found("divergences", 3, "chain 1"), found("ebfmi", 0.2, "c")],
            "draws: 2000, tune: 1000, target_accept: 0.99",
        ),
    ],
)
def test_advice_is_one_line_of_config(failed, config):
    advice = diagnose.advice(failed, **EFFORT)
    assert advice[-1] == f"Set `sampler: {{{config}}}` for this study."
    if len(failed) == 3 and failed[2]["name"] == "ess_tail":
        numbers = "R-hat 1.030 (at most 1.01), bulk ESS 220 (at least 400), tail ESS 190"
        assert advice[0] == f"beta[x]: {numbers} (at least 400)."
    mixing = {"rhat", "ess_bulk", "ess_tail"}
    assert len(advice) == 1 + len({"" if c["name"] in mixing else c["name"] for c in failed})


def test_advice_is_the_model_where_ten_times_more_would_be_needed():
    factors = {
        "plant": {"groups": 3, "varying": ["Intercept"]},
        "firm": {"groups": 40, "varying": ["Intercept", "x"]},
    }
    said = {
        "sigma": "leave sigma open",
        "sd_plant[Intercept]": "plant has 3 groups, too few",
        "u_firm[a, x]": "leave u_firm[a, x] open",
    }
    for worst, expected in said.items():
        failed = [found("rhat", 1.7, worst), found("ess_bulk", 7, worst)]
        *_, last = diagnose.advice(failed, **EFFORT | {"factors": factors})
        assert expected in last and "sampler" not in last
    factors["plant"]["groups"] = 30
    [_, last] = diagnose.advice(
        [found("ess_bulk", 30, "beta[Intercept]")], **EFFORT | {"factors": factors}
    )
    assert "plant and firm share the Intercept: give `sd_plant` and `sd_firm` tighter" in last
    patient = EFFORT | {"last": EFFORT["last"] | {"target_accept": 0.995}}
    [_, last] = diagnose.advice([found("divergences", 2, "chain 0")], **patient)
    assert "tighter priors" in last and "target_accept" not in last
    elsewhere = found("earlier_attempts", 2, "beta[x] of chain 1, attempt 1")
    seen, last = diagnose.advice([elsewhere], **EFFORT)
    assert seen.startswith("Chains of an earlier attempt found another mode and stayed there: 2,")
    assert "leave beta[x] open, or there are several modes" in last


@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_advice_is_about_sds_that_are_estimated(posterior, variant):
    tree = xr.DataTree.from_dict({"posterior": posterior})
    attrs = {"priors": {"sd": {"g": {"Intercept": "half_normal(1)", "x": "half_normal(1)"}}}}
    attrs |= {"sampler": EFFORT["sampler"], "attempts": [{}, EFFORT["last"]]}
    tree.attrs |= {"variant": variant} | {name: json.dumps(own) for name, own in attrs.items()}
    own = {"groups": posterior.sizes["g"], "varying": ["Intercept", "x"]}
    factors = {"g": own} if variant == "hierarchical" else {}
    effort = {"sampler": EFFORT["sampler"], "last": EFFORT["last"], "factors": factors}
    assert diagnose.effort(tree) == effort


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
    checks = convergence.check(summary, statistics, LIMITS, earlier)
    assert [c["name"] for c in checks] == list(verdict.CHECKS)
    assert [c["name"] for c in checks if not c["passed"]] == ["earlier_attempts"]
    assert words.check(checks[-1]) == {
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


def test_a_verdict_heeds_what_the_last_attempt_found_of_earlier_ones(posterior, statistics):
    there = {"chains": 2, "worst": "beta[x] of chain 3, attempt 1"}
    for earlier in ({"chains": 0, "worst": None}, there):
        effort = EFFORT | {"last": EFFORT["last"] | {"earlier": earlier}}
        failed, advice = judged(posterior, statistics, effort)
        assert list(failed) == ["earlier_attempts"] * (earlier is there)
        assert len(advice) == 2 * (earlier is there)
    assert failed["earlier_attempts"]["worst"] == there["worst"] and there["worst"] in advice[0]


def test_a_verdict_says_which_groups_were_judged(posterior, statistics):
    summary = convergence.summarise(posterior, 0.9, "pooled")
    partly = {"g": {"groups": 900, "of_them": 500}}
    for told in (None, partly):
        verdict = diagnose.verdict(summary, statistics, LIMITS, EFFORT, told)
        assert verdict["diagnosed"] == (told or {})


def test_groups_are_counted_also_where_their_effects_are_stored_apart(posterior):
    apart = posterior[["coef_g"]].isel(draw=slice(None, None, 10))
    tree = xr.DataTree.from_dict({"posterior": posterior.drop_dims("g"), "group_effects": apart})
    attrs = {"priors": {"sd": {"g": {"Intercept": "half_normal(1)"}}}}
    attrs |= {"sampler": EFFORT["sampler"], "attempts": [EFFORT["last"]]}
    tree.attrs |= {"variant": "hierarchical"} | {n: json.dumps(own) for n, own in attrs.items()}
    assert diagnose.effort(tree)["factors"] == {"g": {"groups": 3, "varying": ["Intercept"]}}


@pytest.mark.parametrize(("diverged", "remedy"), [(199, "target_accept: 0.99"), (200, "priors")])
def test_many_divergences_are_those_of_the_model(diverged, remedy):
    """A tenth of the draws of the last attempt."""
    *_, last = diagnose.advice([found("divergences", diverged, "chain 1")], **EFFORT)
    assert remedy in last


@pytest.mark.parametrize("groups", [5, 6])
@pytest.mark.parametrize("kind", ["sd", "cor", "u", "coef", "nu"])
def test_few_groups_are_to_blame_for_what_is_theirs(kind, groups):
    """And not for what is another factor's whose name begins with theirs."""
    factors = {
        "g": {"groups": groups, "varying": ["Intercept", "x"]},
        "g:h": {"groups": 30, "varying": ["x"]},
    }
    own = {"sd": "[x]", "cor": "[Intercept, x]", "u": "[a, x]", "coef": "[a, x]", "nu": ""}[kind]
    for name, few in (("g", groups == 5), ("g:h", False)):
        failed = [found("rhat", 3.0, f"{kind}_{name}{own}")]
        *_, last = diagnose.advice(failed, **EFFORT | {"factors": factors})
        assert ("g has 5 groups" in last) == few
