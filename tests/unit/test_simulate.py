"""Simulated tables: the truth they report is the truth they came from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from partialpool.config import read
from partialpool.errors import UserError
from partialpool.simulate import simulate

ROOT = Path(__file__).parents[2]


def one(seed=1, **block):
    return read({"seed": seed, "studies": {"s": block}})["s"]


@pytest.fixture(scope="module")
def textbook():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    studies = read(config)
    return {name: simulate(s) for name, s in studies.items() if s.simulate}


def test_textbook_studies(textbook):
    table, truth = textbook["linear_regression"]
    assert list(table) == ["x", "y"]
    assert len(table) == 100
    assert truth["values"] == {"beta[Intercept]": 0.0, "beta[x]": 2.0, "sigma": 1.0}

    table, truth = textbook["grouped_means"]
    sizes = table.groupby("group").size()
    means = [truth["values"][f"coef_group[g{j}, Intercept]"] for j in range(1, 6)]
    assert sizes.between(10, 19).all()
    assert list(sizes.index) == ["g1", "g2", "g3", "g4", "g5"]
    assert all(0 < mean < 5 for mean in means)
    assert "sigma" not in truth["values"]
    residual = table["y"] - np.repeat(means, sizes)
    assert 0.8 < residual.std() < 1.2

    table, truth = textbook["unequal_variances"]
    assert list(table.groupby("group").size()) == [20, 40, 60]
    assert truth["values"] == {
        "sigma[g1]": 1.0,
        "sigma[g2]": 2.0,
        "sigma[g3]": 3.0,
        "coef_group[g1, Intercept]": 3.0,
        "coef_group[g2, Intercept]": 5.0,
        "coef_group[g3, Intercept]": 7.0,
    }


SLOPES = {
    "simulate": {
        "groups": 1000,
        "rows": 50,
        "predictors": {"x": "normal(1, 2)"},
        "coefficients": {"Intercept": "normal(1, 0.5)", "x": "normal(2, 0.3)"},
        "correlation": 0.6,
        "sigma": 0.7,
    },
    "formula": "y ~ x + (1 + x | g)",
}


def test_varying_slopes_have_the_moments_they_say():
    table, truth = simulate(one(**SLOPES))
    values = truth["values"]
    labels = sorted(table["g"].unique())
    assert labels[0] == "g0001" and len(labels) == 1000
    intercepts, slopes = (
        np.array([values[f"coef_g[{label}, {name}]"] for label in labels])
        for name in ("Intercept", "x")
    )
    assert abs(slopes.mean() - values["beta[x]"]) < 0.05
    assert abs(slopes.std() / values["sd_g[x]"] - 1) < 0.1
    assert abs(np.corrcoef(intercepts, slopes)[0, 1] - values["cor_g[Intercept, x]"]) < 0.1
    residual = table["y"] - np.repeat(intercepts, 50) - np.repeat(slopes, 50) * table["x"]
    assert abs(residual.std() / values["sigma"] - 1) < 0.02


def test_same_seed_same_table():
    first, second, other = (simulate(one(seed, **SLOPES))[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first["y"].equals(other["y"])


def test_known_standard_errors_are_a_column():
    table, truth = simulate(
        one(
            simulate={
                "groups": 2000,
                "rows": 1,
                "predictors": {"se": "uniform(1, 2)"},
                "coefficients": {"Intercept": 3},
            },
            formula="y ~ 1 + (1 | g)",
            sigma="se",
        )
    )
    assert abs(((table["y"] - 3) / table["se"]).std() - 1) < 0.05
    assert truth["values"]["beta[Intercept]"] == 3


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"groups": None}, "the formula needs `groups`"),
        ({"rows": [1, 2]}, "simulate.rows: a list of 2 for 1000 groups"),
        ({"rows": "uniform(1.5, 2)"}, "must have whole numbers"),
        ({"predictors": {"z": "normal(0, 1)"}}, "'z' is not used by the study"),
        ({"predictors": None}, "predictors: 'x' is missing"),
        ({"predictors": {"x": "eval(1)"}}, "predictors.x: 'eval(1)' is none of normal(1, 2)"),
        ({"coefficients": {"Intercept": 1, "z": 2}}, "'z' is not one of the formula"),
        ({"coefficients": {"Intercept": 1}}, "coefficients: 'x' is missing"),
        ({"coefficients": {"Intercept": 1, "x": "normal(0, -1)"}}, "its sd is negative"),
        ({"coefficients": {"Intercept": 1, "x": 2}}, "correlation: 0.6 needs two"),
        ({"sigma": None}, "no `sigma`"),
    ],
)
def test_a_block_that_does_not_fit_the_formula(changes, telling):
    block = {key: v for key, v in {**SLOPES["simulate"], **changes}.items() if v is not None}
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=block, formula=SLOPES["formula"]))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)
