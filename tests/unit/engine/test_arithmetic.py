"""Elementary functions of compiled loops, against SciPy's over all arguments they may have."""

import numpy as np
import pytest
from scipy import special

from partialpool.engine import arithmetic
from partialpool.sampler.machine_code import jit

WIDE = np.linspace(-700, 700, 100_001)
POSITIVE = np.exp(np.linspace(-35, 35, 100_001))
CASES = {  # arguments, reference, largest error relative to the larger of one and the value
    "exp": (WIDE, np.exp, 0.0),
    "log": (POSITIVE, np.log, 4e-16),
    "log1p": (POSITIVE, np.log1p, 6e-16),
    "gammaln": (POSITIVE, special.gammaln, 2e-14),
    "digamma": (POSITIVE, special.digamma, 4e-15),
}


def over(function, x):
    """A compiled function of every number; of a pair of results the first."""

    @jit
    def loop(x, found, both):
        for i in range(len(x)):
            found[i] = function(x[i])

    loop(x, found := np.empty_like(x), True)
    return found


@pytest.mark.parametrize("name", CASES)
def test_functions_are_scipys_to_a_few_units_in_the_last_place(name):
    x, reference, error = CASES[name]
    found, expected = over(getattr(arithmetic, name), x), reference(x)
    if name == "exp":
        assert np.abs(found / expected - 1).max() < 4e-16
    else:
        assert (np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max() < error


def test_softplus_and_its_derivative_share_one_division():
    @jit
    def loop(x, softplus, expit):
        for i in range(len(x)):
            softplus[i], expit[i] = arithmetic.softplus_expit(x[i])

    loop(WIDE, softplus := np.empty_like(WIDE), expit := np.empty_like(WIDE))
    assert np.abs(softplus / np.logaddexp(0, WIDE) - 1).max() < 1e-15
    assert np.abs(expit / special.expit(WIDE) - 1).max() < 1e-15


def test_bits_are_those_of_the_number():
    @jit
    def both(x):
        return arithmetic.bits(x), arithmetic.number(arithmetic.bits(x))

    pattern, same = both(-1.25)
    assert pattern == np.array([-1.25]).view(np.int64)[0] and same == -1.25
