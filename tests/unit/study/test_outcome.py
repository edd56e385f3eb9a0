"""The forms of `sigma`, and the columns that a response has besides the formula's."""

import pytest

from partialpool.study.outcome import OUTCOME, Outcome


@pytest.mark.parametrize(
    ("written", "factor"),
    [
        ("~ (1 | g)", "g"),
        ("~(1|g)", "g"),
        ("sigma ~ (1|g)", "g"),
        ("sigma ~ 1 + (1 | g)", "g"),
        (" ~ ( 1 | g ) ", "g"),
        ("~(1 | `my group`)", "my group"),
        ("~ (1 | `a | b`)", "a | b"),
        ("~ (1 | school:class)", "school:class"),
    ],
)
def test_sigma_that_is_drawn_for_each_group(written, factor):
    outcome = Outcome(sigma=written)
    assert outcome.has_hierarchical_sigma
    assert outcome.sigma_by_group
    assert outcome.sigma_factor == factor
    assert outcome.errors is None
    assert outcome.columns == {}


@pytest.mark.parametrize(
    "column",
    [
        "se", "~x", "~ x", "sigma", "sigma ~ x", "(1 | g)", "~ (1 | g", "~ (x | g)",
        "~ (1 + x | g)", "~ (1 | g) + x", "1 ~ (1 | g)", "sigmas ~ (1 | g)",
    ],
)  # fmt: skip
def test_anything_else_is_a_column_of_standard_errors(column):
    outcome = Outcome(sigma=column)
    assert outcome.errors == column
    assert outcome.columns == {"standard errors": column}
    assert outcome.sigma_factor is None
    assert not (outcome.has_hierarchical_sigma or outcome.sigma_by_group)


@pytest.mark.parametrize(
    ("sigma", "by_group"), [("estimated", False), ("by_group", True), (1.5, False), (2, False)]
)
def test_other_forms_of_sigma(sigma, by_group):
    outcome = Outcome("student_t", sigma)
    assert outcome.sigma_by_group == by_group
    assert outcome.errors is None
    assert not outcome.has_hierarchical_sigma


def test_columns_by_their_role():
    written = {
        "family": "binomial", "sigma": "estimated", "trials": "n", "offset": "o",
        "exposure": None, "weights": "w", "precision_weights": None,
    }  # fmt: skip
    outcome = Outcome.of(written | {"formula": "y ~ x"})
    assert outcome.columns == {"trials": "n", "offset": "o", "weights": "w"}
    assert {name: getattr(outcome, name) for name in OUTCOME} == written
