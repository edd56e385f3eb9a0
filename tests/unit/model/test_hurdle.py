"""Hurdle responses: densities against SciPy, draws against their moments."""

import numpy as np
import pytest
from family_cases import check_density, check_draws, check_total
from scipy import stats

from partialpool.model.families import FAMILIES

COUNTS = {"hurdle_poisson": {}, "hurdle_negative_binomial": {"alpha": 2.5}}
NAMES = (*COUNTS, "hurdle_lognormal", "hurdle_gamma")


@pytest.mark.parametrize("name", NAMES)
def test_log_densities_are_those_of_scipy(name):
    check_density(name)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_family(name):
    check_draws(name)


@pytest.mark.parametrize("name", COUNTS)
def test_probabilities_add_up_to_one(name):
    check_total(name, COUNTS[name] | {"hu": 0.3}, None, 3000)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("eta", [-4.0, 0.0, 2.0])
def test_counts_over_zero_have_the_truncated_distribution(name, eta):
    """By a chi-squared test of the counts up to 12, seed fixed: a false alarm in 1,000."""
    family, parameters = FAMILIES[name], COUNTS[name] | {"hu": 0.0}
    drawn = family.responses(np.random.default_rng(6), np.full(40_000, eta), parameters)
    assert drawn.min() == 1
    values = np.arange(1, 13.0)
    expected = 40_000 * np.exp(family.log_density(values, eta, COUNTS[name] | {"hu": 1e-300}))
    seen = (drawn[:, None] == values).sum(axis=0)
    often = expected > 5
    seen, expected = (np.append(x[often], 40_000 - x[often].sum()) for x in (seen, expected))
    if expected[-1] < 5:
        seen, expected = seen[:-1], expected[:-1] * seen[:-1].sum() / expected[:-1].sum()
    assert stats.chisquare(seen, expected).pvalue > 1e-3


@pytest.mark.parametrize("name", COUNTS)
def test_the_mean_of_rare_counts_over_zero_is_one(name):
    family = FAMILIES[name]
    found = family.expected(np.array([-30.0, -600.0]), COUNTS[name] | {"hu": 0.25})
    assert found == pytest.approx(0.75)
