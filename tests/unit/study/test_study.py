"""What a study says of its response: how sigma is written, and which columns that needs."""

import pytest

from partialpool.study.study import FAMILIES, OUTCOME, Outcome


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
    assert outcome.pools_sigma
    assert outcome.sigma_by_group
    assert outcome.sigma_estimated
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
    assert not (outcome.pools_sigma or outcome.sigma_by_group or outcome.sigma_estimated)


@pytest.mark.parametrize(
    ("sigma", "estimated", "by_group"),
    [("estimated", True, False), ("by_group", True, True), (1.5, False, False), (2, False, False)],
)
def test_the_other_ways_to_write_sigma(sigma, estimated, by_group):
    outcome = Outcome("student_t", sigma)
    assert (outcome.sigma_estimated, outcome.sigma_by_group) == (estimated, by_group)
    assert outcome.errors is None
    assert not outcome.pools_sigma


def test_families_without_a_sigma_estimate_none():
    with_sigma = {family for family in FAMILIES if Outcome(family).sigma_estimated}
    assert with_sigma == {"gaussian", "student_t"}


def test_columns_by_what_they_are():
    written = {
        "family": "binomial", "sigma": "estimated", "trials": "n", "offset": "o",
        "exposure": None, "weights": "w", "precision_weights": None,
    }  # fmt: skip
    outcome = Outcome.of(written | {"formula": "y ~ x"})
    assert outcome.columns == {"trials": "n", "offset": "o", "weights": "w"}
    assert {name: getattr(outcome, name) for name in OUTCOME} == written
