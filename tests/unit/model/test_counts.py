"""Families of counts: probabilities against SciPy, draws against their moments."""

import numpy as np
import pytest
from family_cases import check_density, check_draws, check_total

from partialpool.model.families import FAMILIES

NAMES = ("poisson", "negative_binomial")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize(
    ("name", "parameters", "last"),
    [
        ("poisson", {}, 200),
        ("negative_binomial", {"alpha": 0.4}, 5_000),
        ("negative_binomial", {"alpha": 50.0}, 500),
    ],
)
def test_probabilities_add_up_to_one(name, parameters, last):
    check_total(name, parameters, None, last)


def test_draws_at_rates_beyond_what_a_generator_can_hold():
    eta = np.array([-1e3, 100.0, 700.0])
    for name in NAMES:
        drawn = FAMILIES[name].responses(np.random.default_rng(1), eta, {"alpha": 3.0}, None)
        assert drawn[0] == 0
        assert (drawn[1:] > 1e14).all()
