"""Functions of NumPy that are written another way: the same numbers, also far out."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from partialpool.model.arrays import LOG_2PI, NUMPY

FAR = [-800.0, -40.0, -1.0, 0.0, 1e-9, 2.5, 40.0, 800.0]


@pytest.mark.parametrize("x", FAR)
def test_softplus_is_log_of_one_plus_exp(x):
    with localcontext(prec=400):
        exact = float((1 + Decimal(x).exp()).ln())
    assert NUMPY.softplus(np.float64(x)) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("b", FAR)
@pytest.mark.parametrize("a", FAR)
def test_logaddexp_is_numpys(a, b):
    assert NUMPY.logaddexp(a, b) == pytest.approx(np.logaddexp(a, b), rel=1e-14, abs=1e-300)


def test_the_constant_of_a_normal_density():
    assert pytest.approx(1.8378770664093453, rel=1e-15) == LOG_2PI
