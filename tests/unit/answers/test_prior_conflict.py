"""Priors that conflict with the data are named, and no others."""

import json

import numpy as np
import pytest
from predictive import OUTCOMES, checked, table

from partialpool.study.study import Outcome


def warnings(*arguments, **options) -> list[str]:
    return json.loads(checked(*arguments, **options).attrs["warnings"])


def test_written_priors_of_intercepts_far_outside_the_data_are_pointed_out():
    rows = table("gaussian", 2)
    given = {"sd_g[Intercept]": "half_normal(2)"}
    [told] = warnings(rows, Outcome(), given, "y ~ x + (1 + x | g)")
    assert "'sd_g[Intercept]' holds, for 'g', where 'x' is zero, 2.4 sds from its mean" in told
    assert "center(x)" in told
    # That is what is said of it, rather than that the default sd, there, is wide.
    given = {"cor": "lkj(2)"}
    far = rows.assign(x=rows["x"] + 200 * rows["x"].std())
    [told] = warnings(far, Outcome(), given, "y ~ x + (1 + x | g)")
    assert "'cor' holds, for 'g', where 'x' is zero" in told
    mirrored = rows.assign(x=-rows["x"])
    [told] = warnings(mirrored, Outcome(), {"sd": "half_normal(2)"}, "y ~ x + (1 + x | g)")
    assert "2.4 sds from its mean" in told
    # Rows of the reference label are where the intercept is, however few they are.
    rows["kind"] = np.where(rows["x"] < rows["x"].quantile(0.1), "a", "b")
    assert warnings(rows, Outcome(), given, "y ~ kind + (1 + kind | g)") == []
    rows["x"] -= 40
    assert warnings(rows, Outcome(), given, "y ~ x + (1 + x | g)") == []


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_sane_priors_are_not_warned_of(outcome):
    # Textbook priors, as wide as many write them; with none given, none is to blame.
    given = {"Intercept": "normal(0, 10)", "x": "normal(0, 0.3)", "sd": "half_cauchy(2.5)"}
    given["sigma"] = "half_normal(10)"
    for seed in range(8):
        for variant in ("pooled", "unpooled", "hierarchical"):
            rows = table(outcome.family, seed)
            assert warnings(rows, outcome, variant=variant) == []
            assert warnings(rows, outcome, given, "y ~ x + (1 | g)", variant) == []


@pytest.mark.parametrize(
    ("family", "columns", "given", "said"),
    [
        ("gaussian", {}, {"x": "normal(0, 1000)"}, ["95% of", "x: normal(0, 1000) (default"]),
        ("gaussian", {}, {"sigma": "half_normal(5000)"}, ["95% of", "sigma: half_normal(5000)"]),
        (
            "poisson",
            {},
            {"sd": "half_normal(300)"},
            ["95% of expected", "sd_g[Intercept]: half_normal"],
        ),
        ("bernoulli", {}, {"Intercept": "normal(0, 500)"}, ["% of simulated rows", "0.999"]),
        ("binomial", {"trials": "n"}, {"x": "normal(0, 50)"}, ["0.999", "x: normal(0, 50)"]),
        ("gaussian", {}, {"Intercept": "normal(900, 1)"}, ["the mean of y", "Intercept"]),
        ("poisson", {}, {"Intercept": "normal(14, 0.1)"}, ["the mean of y", "in the data it is"]),
        (
            "gaussian",
            {},
            {"sigma": "half_normal(0.001)", "x": "normal(0, 0.0001)", "sd": "half_normal(0.001)"},
            ["the standard deviation of y", "sigma: half_normal(0.001)"],
        ),
    ],
)
def test_priors_nowhere_near_the_data_are_named(family, columns, given, said):
    outcome = Outcome(family=family, **columns)
    rows = table(family, 3)
    found = warnings(rows, outcome, given, "y ~ x + (1 | g)")
    assert found
    if "0.999" in said:
        rate = rows["y"].sum() / (rows["n"].sum() if outcome.trials else len(rows))
        assert f"the data's mean is {rate:.3g}" in found[0]
    for part in said:
        assert part in found[0]


def test_a_prior_is_not_blamed_for_what_the_model_leaves_out():
    rows = table("gaussian", 4)
    rows["y"] += 30 * np.repeat(np.arange(6), 5)
    given = {"Intercept": "normal(75, 200)"}
    assert warnings(rows, Outcome(sigma=1), given, "y ~ 1 + (1 | g)", "pooled") == []
