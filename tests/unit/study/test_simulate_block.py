"""Simulated tables of factors with several blocks, and of labels that are predictors and groups."""

import numpy as np
import pytest

from partialpool.base.errors import UserError
from partialpool.study.config import read
from partialpool.table.simulate import simulate


def study_of(formula, **block):
    """A study of one factor, whose truth is what matters."""
    block = {"groups": 4000, "rows": 1, "sigma": 1, **block}
    return read({"seed": 1, "studies": {"s": {"formula": formula, "simulate": block}}})["s"]


X = {"x": "normal(0, 1)"}
SDS = {"a": {"Intercept": 1, "x": 0.5}}


@pytest.mark.parametrize("text", ["(1 + x || a)", "(1 | a) + (0 + x | a)"])
@pytest.mark.parametrize(
    "block",
    [
        {"coefficients": {"Intercept": 2, "x": 3}, "deviations": SDS},
        {"coefficients": {"Intercept": "normal(2, 1)", "x": "normal(3, 0.5)"}},
    ],
    ids=["deviations", "distributions"],
)
def test_blocks_are_independent(text, block):
    formula, block = f"y ~ x + {text}", block | {"predictors": X}
    _, truth = simulate(study_of(formula, **block))
    assert not any(name.startswith("cor_") for name in truth["values"])
    assert abs(np.corrcoef(coefficients(truth, "Intercept", "x"))[0, 1]) < 4 / 4000**0.5
    with pytest.raises(
        UserError, match=r"correlation: 0\.6 needs two or more normal coefficients in"
    ):
        simulate(study_of(formula, correlation=0.6, **block))


def coefficients(truth, *names):
    """True coefficients of each group, shape `(name, group)`."""
    values = truth["values"].items()
    return [
        [v for n, v in values if n.startswith("coef_") and n.endswith(f", {c}]")] for c in names
    ]


def test_correlations_are_within_blocks():
    _, truth = simulate(
        study_of(
            "y ~ x + z + (1 + x | a) + (0 + z | a)",
            predictors=X | {"z": "normal(0, 1)"},
            coefficients={"Intercept": 2, "x": 3, "z": 1},
            deviations={"a": SDS["a"] | {"z": 2}},
            correlation=-0.6,
        )
    )
    correlations = {n: value for n, value in truth["values"].items() if n.startswith("cor_")}
    assert correlations == {"cor_a[Intercept, x]": -0.6}
    found = np.corrcoef(coefficients(truth, "Intercept", "x", "z"))
    np.testing.assert_allclose(found[[0, 0, 1], [1, 2, 2]], [-0.6, 0, 0], atol=4 / 4000**0.5)


def test_a_label_that_is_a_predictor_too_is_made_once():
    study = study_of(
        "y ~ variety + (1 | block/variety)",
        groups={"block": 4, "variety": 2},
        rows=3,
        coefficients={"Intercept": 1, "variety[g2]": 30},
        deviations={"block": {"Intercept": 0.5}, "block:variety": {"Intercept": 0.1}},
    )
    table, truth = simulate(study)
    assert list(table) == ["block", "variety", "y"]
    means = table.groupby("variety")["y"].mean()
    assert abs(means["g2"] - means["g1"] - 30) < 3
    assert truth["values"]["beta[variety[g2]]"] == 30
