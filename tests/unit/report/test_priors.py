"""Priors of a study, and where they are from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_models import group
from reports import VARIANTS, fit, nested, results

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.prior_keys import check_keys
from partialpool.model.priors import complete
from partialpool.report import priors
from partialpool.study.outcome import Outcome


def test_priors_of_every_parameter_and_where_they_came_from():
    found = results(
        factors=nested(), family="student_t", sigma="estimated", group_effects="student_t"
    )
    given = ["sd_school[Intercept]", "nu", "nu_school"]
    response = {"sigma": "half_student_t(4, 1)", "nu": "gamma(2, 0.1)"}
    nu = dict.fromkeys(("school", "school:room"), "gamma(2, 0.1)")
    fits = [fit(v, found.factors, response=response, nu=nu, given=given) for v in VARIANTS]
    listed = {one["name"]: one["given"] for one in priors.priors(replace(found, fits=fits))}
    assert listed == {
        "beta[Intercept]": False,
        "sd_school[Intercept]": True,
        "nu_school": True,
        "sd_school:room[Intercept]": False,
        "nu_school:room": False,
        "sigma": False,
        "nu": True,
    }


def test_where_default_priors_hold_is_said():
    found = results(levels=("a", "b"))
    model = {"coefficients": ["Intercept", "x"], "mean": {"Intercept": 1, "x": 5.25}}
    model = found.model | model | {"sd": {"Intercept": 0, "x": 2}}
    factor = replace(found.factors[0], blocks=(("Intercept", "x"),))
    found = replace(found, model=model, factors=[factor])
    at = {"centred": True, "at_averages": [factor.name]}
    said = [
        priors.centred_words(replace(found, fits=[fit("hierarchical", [factor], **own)]))
        for own in (at, at | {"centred": False}, at | {"at_averages": []})
    ]
    assert "at the mean of the predictors (x = 5.25), not where they are all zero." in said[0]
    assert said[0].endswith(said[1])
    assert said[1].startswith("The priors of sd_")
    assert "how groups differ at the mean of the predictors (x = 5.25)" in said[1]
    assert said[2] == said[0].removesuffix(f" {said[1]}")


def parameters(family: str, sigma="estimated"):
    """What a study has read of a table with labels, lines by group and a second factor."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"x": rng.normal(size=60), "k": ["p", "q", "r"] * 20})
    table["g"], table["h"] = np.resize([*"abcde"], 60), np.resize([*"uvwx"], 60)
    table["y"] = rng.poisson(9, 60)
    design = Formula("y ~ x + k + (1 + x | g) + (1 | h)").design(table)
    outcome = Outcome(family=family, sigma=sigma)
    return build.compress(design, outcome, families.columns(table, outcome)), design


# Each key of `priors`, and the parameters that it is of.
GIVEN = {
    "Intercept": {"beta[Intercept]"},
    "x": {"beta[x]"},
    "k": {"beta[k[q]]", "beta[k[r]]"},
    "k[q]": {"beta[k[q]]"},
    "k[r]": {"beta[k[r]]"},
    "sd": {"sd_g[Intercept]", "sd_g[x]", "sd_h[Intercept]"},
    "sd_g": {"sd_g[Intercept]", "sd_g[x]"},
    "sd_h": {"sd_h[Intercept]"},
    "sd_g[Intercept]": {"sd_g[Intercept]"},
    "sd_g[x]": {"sd_g[x]"},
    "sd_h[Intercept]": {"sd_h[Intercept]"},
    "cor": {"cor_g"},
    "cor_g": {"cor_g"},
    "nu_g": {"nu_g"},
    "nu_h": {"nu_h"},
    "sigma": {"sigma"},
    "nu": {"nu"},
    "alpha": {"alpha"},
    "sd_log_sigma": {"sd_log_sigma"},
}


MADE = {
    "student_t": parameters("student_t"),
    "negative_binomial": parameters("negative_binomial"),
    "gaussian": parameters("gaussian", "~ (1 | g)"),
}


@pytest.mark.parametrize("family", MADE)
@pytest.mark.parametrize("key", GIVEN)
def test_a_prior_of_the_config_is_marked_and_shown_beside_its_parameters(family, key):
    data, _ = MADE[family]
    written = "lkj(7)" if key.startswith("cor") else "exponential(7)"
    written = "normal(7, 77)" if key in ("Intercept", "x", "k", "k[q]", "k[r]") else written
    stored = complete({key: written}, data, "student_t").to_dict()
    factors = [group("Intercept", "x"), group(name="h")]
    keys = {"family": family, "group_effects": "student_t"}
    keys |= {"sigma": "~ (1 | g)"} if family == "gaussian" else {}
    found = results(factors=factors, **keys)
    model = {"coefficients": [*data.coefficients], "terms": {**data.terms}}
    fits = [fit(variant, factors, **stored) for variant in VARIANTS]
    found = replace(found, model=found.model | model, fits=fits)
    listed = {one["name"]: one for one in priors.priors(found)}
    own = GIVEN[key] & listed.keys()
    if (family, key) == ("gaussian", "sigma"):
        own = {"sigma_median"}  # of which it is the prior where sigmas are pooled
    assert {name for name, one in listed.items() if one["given"]} == own
    assert {name for name, one in listed.items() if one["prior"] == written} == own
    numbers = {"lkj(7)": "= 7", "exponential(7)": "= 7", "normal(7, 77)": "= 77"}[written]
    assert all(listed[name]["numbers"].endswith(numbers) for name in own)
    # Without a hierarchical fit, nothing between groups has a prior.
    pooled = {one["name"] for one in priors.priors(replace(found, fits=fits[:1]))}
    between = ("sd_", "cor_", "nu_")
    assert pooled == {name for name in listed if not name.startswith(between)}


@pytest.mark.parametrize("family", MADE)
def test_every_key_of_priors_is_held(family):
    data, design = MADE[family]
    with pytest.raises(UserError) as caught:
        check_keys({"none": "real"}, design, data.outcome, "student_t", "priors")
    known = str(caught.value).partition("known: ")[2].split(", ")
    assert len(known) > 10 and {*known} <= GIVEN.keys()
