"""Families of positive responses: densities against SciPy, draws against their moments."""

import numpy as np
import pytest
from family_cases import check_density, check_draws
from scipy import stats

from partialpool.model.families import FAMILIES

NAMES = ("lognormal", "gamma", "weibull", "exponential")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


def test_a_steep_weibull_density_is_that_of_scipy():
    eta = np.array([-1.0, 0.3, 2.0])
    for alpha in (1.0, 3.5, 40.0):
        found = FAMILIES["weibull"].log_density(1.2, eta, {"alpha": alpha})
        assert found == pytest.approx(stats.weibull_min.logpdf(1.2, alpha, scale=np.exp(eta)))


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize("name", NAMES)
def test_responses_that_are_drawn_are_over_zero(name):
    parameters = dict.fromkeys(("sigma", "alpha"), np.array([[1e-100], [1.0], [1e100]]))
    eta = np.array([[-700.0, 0.0, 700.0]] * 3)
    with np.errstate(over="ignore", divide="ignore"):
        drawn = FAMILIES[name].responses(np.random.default_rng(4), eta, parameters)
    assert (drawn > 0).all()


def test_an_exponential_is_a_weibull_and_a_gamma_response_of_shape_one():
    y, eta, one = np.array([0.2, 3.0]), np.array([0.5, -1.0]), {"alpha": 1.0}
    expected = FAMILIES["exponential"].log_density(y, eta, {})
    for name in ("weibull", "gamma"):
        assert FAMILIES[name].log_density(y, eta, one) == pytest.approx(expected, rel=1e-12)
