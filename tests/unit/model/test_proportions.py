"""Families of proportions: densities against SciPy, draws against their moments."""

import numpy as np
import pytest
from family_cases import check_density, check_draws, check_total

from partialpool.model.arrays import NUMPY
from partialpool.model.families import FAMILIES

NAMES = ("beta", "beta_binomial")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


def test_probabilities_add_up_to_one():
    check_total("beta_binomial", {"phi": 2.5}, 30.0, 30)


def test_beta_densities_integrate_to_one():
    y = (np.arange(200_000) + 0.5)[:, None] / 200_000
    density = FAMILIES["beta"].log_density(y, np.array([-1.0, 0.7]), {"phi": 8.0})
    assert np.exp(density).mean(axis=0) == pytest.approx(1, abs=1e-6)


def test_nothing_is_known_of_phi_where_rows_have_one_trial():
    family, y = FAMILIES["beta_binomial"], np.array([0.0, 1.0, 1.0])
    one = np.ones(3)
    found = family.estimate(y, 0 * one, 0.0, {"phi": 1.0}, one, one, lambda: 3, NUMPY)
    assert found["phi"] == pytest.approx(9)


def test_the_information_of_many_trials_is_of_the_size_of_that_of_few():
    """It is summed over all responses up to 30 trials; beyond, by the variance of the response."""
    family = FAMILIES["beta_binomial"]
    eta, one, parameters = np.zeros(1), np.ones(1), {"phi": 5.0}
    few, many = (
        family.working(0.5 * n * one, eta, parameters, n * one, one, NUMPY)[0][0] for n in (30, 31)
    )
    assert many == pytest.approx(few, rel=0.1)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ([0.0, 0.5], "give these as the response, their totals as `trials`"),
        ([10.0, 99.5], "divide percentages by 100"),
    ],
)
def test_what_to_do_about_other_shares(values, advice):
    assert advice in FAMILIES["beta"].correction(np.array(values))
    assert FAMILIES["beta"].correction(np.array([-1.0])) is None
