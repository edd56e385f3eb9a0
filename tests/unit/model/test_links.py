"""Link functions: their inverses, and the intercepts that default priors are around."""

import numpy as np
import pytest
from scipy import special, stats

from partialpool.model.arrays import NUMPY
from partialpool.model.links import LINKS

ETA = np.array([-30.0, -2.0, 0.0, 0.7, 12.0])
INVERSES = {"identity": lambda eta: eta, "logit": stats.logistic.cdf, "log": np.exp}


@pytest.mark.parametrize("name", LINKS)
def test_the_inverse_is_that_of_the_link(name):
    assert LINKS[name].inverse(ETA, NUMPY) == pytest.approx(INVERSES[name](ETA), rel=1e-12)
    assert LINKS.keys() == INVERSES.keys()


def test_the_centre_of_log_odds_gives_the_observed_share_of_successes():
    """Averaged over rows by their trials, with each row's own offset."""
    rng = np.random.default_rng(3)
    trials, offset = rng.integers(1, 40, 200).astype(float), rng.normal(0, 2, 200)
    y = rng.binomial(trials.astype(int), special.expit(0.4 + offset)).astype(float)
    centre = LINKS["logit"].centre(y, np.ones(200), trials, offset, 0.5, NUMPY)
    expected = (trials * special.expit(centre + offset)).sum() / trials.sum()
    assert expected == pytest.approx((y.sum() + 0.5) / (trials.sum() + 1), rel=1e-9)


@pytest.mark.parametrize("successes", [0.0, 1.0])
def test_the_centre_is_finite_without_any_event_and_without_any_failure(successes):
    y, ones, none = np.full(9, successes), np.ones(9), np.zeros(9)
    assert np.isfinite(LINKS["logit"].centre(y, ones, ones, none, 0.5, NUMPY))
    assert LINKS["log"].centre(none, ones, ones, none, 0.5, NUMPY) == pytest.approx(np.log(0.5 / 9))


def test_the_centre_of_rates_is_the_log_of_events_by_exposure():
    y, count = np.array([3.0, 0.0, 8.0]), np.array([1.0, 2.0, 1.0])
    exposure = np.array([10.0, 4.0, 2.5])
    found = LINKS["log"].centre(y, count, np.ones(3), np.log(exposure), 0.5, NUMPY)
    assert found == pytest.approx(np.log(11.5 / 20.5))
