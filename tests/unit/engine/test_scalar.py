"""Functions of single numbers in compiled priors."""

import numpy as np
from scipy import special

from partialpool.engine import scalar
from partialpool.sampler.machine_code import jit


@jit
def both(x):
    """Two functions of a number."""
    return scalar.expit(x), scalar.softplus(x)


def test_they_are_scipys():
    for x in (-40.0, -1.0, 0.0, 0.3, 35.0):
        assert np.allclose(both(x), (special.expit(x), np.logaddexp(0, x)), rtol=1e-14)
