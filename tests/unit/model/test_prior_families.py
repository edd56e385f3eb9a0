"""Kernels of prior families, against SciPy's densities and differences."""

import math

import numpy as np
import pytest
from scipy import special, stats

from partialpool.model.arrays import NUMPY
from partialpool.model.prior_families import FAMILIES

XP = type("xp", (), {"log": math.log, "log1p": math.log1p})
XP.expit = staticmethod(lambda x: float(special.expit(x)))
XP.softplus = staticmethod(lambda x: float(np.logaddexp(0, x)))
GIVEN = {
    "normal": ((1, 2), stats.norm(1, 2)),
    "student_t": ((3, 1, 2), stats.t(3, 1, 2)),
    "cauchy": ((1, 2), stats.cauchy(1, 2)),
    "laplace": ((1, 2), stats.laplace(1, 2)),
    "logistic": ((1, 2), stats.logistic(1, 2)),
    "half_normal": ((2,), stats.halfnorm(scale=2)),
    "half_cauchy": ((2,), stats.halfcauchy(scale=2)),
    "exponential": ((3,), stats.expon(scale=1 / 3)),
    "gamma": ((2, 3), stats.gamma(2, scale=1 / 3)),
    "inverse_gamma": ((2, 3), stats.invgamma(2, scale=3)),
    "lognormal": ((1, 2), stats.lognorm(2, scale=math.e)),
    "beta": ((2, 2), stats.beta(2, 2)),
}


def test_all_families_are_here():
    compiled = {name for name, family in FAMILIES.items() if family.kernel}
    assert compiled - {"half_student_t"} == GIVEN.keys()
    assert FAMILIES.keys() - compiled == {"lkj"}


@pytest.mark.parametrize("name", GIVEN)
def test_kernels_and_constants_are_the_log_density(name):
    arguments, reference = GIVEN[name]
    family = FAMILIES[name]
    constant = family.constant(NUMPY, *map(float, arguments))
    for x in (0.05, 0.3, 0.9) if name == "beta" else (0.3, 1.7, 4.0):
        density, slope = family.kernel(XP, x, *arguments)
        assert density + constant == pytest.approx(reference.logpdf(x), rel=1e-12)
        ahead, behind = (family.kernel(XP, x + s, *arguments)[0] for s in (1e-6, -1e-6))
        assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)


def test_half_student_t_is_twice_the_student_t():
    half, whole = (FAMILIES[n] for n in ("half_student_t", "student_t"))
    for x in (0.1, 3.0):
        assert half.kernel(XP, x, 4, 2) == whole.kernel(XP, x, 4, 0, 2)
    difference = half.constant(NUMPY, 4.0, 2.0) - whole.constant(NUMPY, 4.0, 0.0, 2.0)
    assert difference == pytest.approx(math.log(2))
