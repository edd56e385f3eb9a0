"""Families of successes: probabilities against SciPy, draws against their moments."""

import pytest
from family_cases import check_density, check_draws, check_total

NAMES = ("bernoulli", "binomial")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize(
    ("name", "trials", "last"), [("bernoulli", None, 1), ("binomial", 30.0, 30)]
)
def test_probabilities_add_up_to_one(name, trials, last):
    check_total(name, {}, trials, last)
