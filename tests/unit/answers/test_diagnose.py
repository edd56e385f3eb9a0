"""A verdict fails on what is wrong, and its advice names the setting or the part of the model."""

import json

import chains
import numpy as np
import pytest
import xarray as xr

from partialpool.answers import diagnose
from partialpool.sampler import convergence

EFFORT = {
    "sampler": {"chains": 4, "draws": 125, "tune": 125, "target_accept": 0.8, "attempts": 3},
    "last": {"draws": 500, "tune": 500, "target_accept": 0.95},
    "factors": {},
}
LIMITS = {"max_rhat": 1.01, "min_ess": 400, "max_divergences": 0, "min_ebfmi": 0.3}


@pytest.fixture
def posterior() -> xr.Dataset:
    return chains.posterior()


@pytest.fixture
def statistics() -> xr.Dataset:
    return chains.statistics()


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
