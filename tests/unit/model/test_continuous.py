"""Continuous families: densities against SciPy, draws against their moments."""

from itertools import pairwise

import numpy as np
import pytest
from family_cases import CASES, check_density, check_draws
from scipy import integrate

from partialpool.model.families import FAMILIES

NAMES = ("gaussian", "student_t")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize("name", NAMES)
def test_densities_integrate_to_one(name):
    for parameters, *_ in CASES[name]:
        far = 0.7 + 9 * parameters["sigma"] * np.array([-np.inf, -1, 0, 1, np.inf])

        def density(y, parameters=parameters):
            return float(np.exp(FAMILIES[name].log_density(y, 0.7, parameters)))

        total = sum(integrate.quad(density, *part)[0] for part in pairwise(far))
        assert total == pytest.approx(1, abs=1e-6)
