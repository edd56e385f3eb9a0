"""Integrals over deviations are those of known functions."""

import numpy as np
import pytest
from scipy import stats

from partialpool.answers.quadrature import Integrals, nodes
from partialpool.model.families import FAMILIES


@pytest.mark.parametrize("size", [1, 2])
def test_nodes_integrate_polynomials_beside_a_normal_density_exactly(size):
    places, logs = (np.array(part) for part in zip(*nodes(size, False), strict=True))
    weights = np.exp(logs + stats.norm.logpdf(places).sum(axis=1))
    for power, moment in ((0, 1), (1, 0), (2, 1), (4, 3), (6, 15)):
        assert (weights * places[:, 0] ** power).sum() == pytest.approx(moment, abs=1e-10)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("nu", [3.0, 30.0])
def test_nodes_for_heavy_tails_integrate_a_student_t_density(size, nu):
    places, logs = (np.array(part) for part in zip(*nodes(size, True), strict=True))
    density = stats.multivariate_t(np.zeros(size), df=nu).logpdf(places)
    assert np.exp(logs + density).sum() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("sd", [1e-3, 0.5, 20.0])
def test_a_normal_density_with_normal_deviations_is_normal(sd):
    """Of two units, one of two rows, whose responses may be far from the start of the search."""
    y, unit = np.array([1.0, 40.0, 42.0])[:, None], np.array([0, 1, 1])
    family, parameters = FAMILIES["gaussian"], {"sigma": np.full((1, 4), 2.0)}
    integrals = Integrals(family, y, None, np.ones((3, 1)), unit)
    turned, start = np.full((1, 3, 4), sd), np.zeros((1, 2, 4))
    found = integrals.log_density(np.zeros((3, 4)), turned, parameters, None, start)
    exact = [
        stats.norm(0, np.hypot(2, sd)).logpdf(1.0),
        stats.multivariate_normal([0, 0], 4 * np.eye(2) + sd**2).logpdf([40.0, 42.0]),
    ]
    rows = np.array([1, 2])  # the constant of each row's density is left out
    found = found - 0.5 * np.log(2 * np.pi) * rows[:, None]
    assert found == pytest.approx(np.repeat(exact, 4).reshape(2, 4), rel=1e-6)
