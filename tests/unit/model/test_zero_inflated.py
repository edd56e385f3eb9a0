"""Zero-inflated counts: probabilities against SciPy, draws against their moments."""

import pytest
from family_cases import check_density, check_draws, check_total

NAMES = {"zero_inflated_poisson": {}, "zero_inflated_negative_binomial": {"alpha": 2.5}}


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_add_up_to_one(name):
    check_total(name, NAMES[name] | {"zi": 0.3}, None, 3000)
