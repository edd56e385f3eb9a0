"""The families that a prior may have: one record each, with all that the other modules know of it.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi


@dataclass(frozen=True)
class PriorFamily:
    """A distribution that a prior may be.

    Attributes
    ----------
    parameters : tuple of str
        Names of its arguments in PyMC, in the order in which they are written. The last one is
        the scale of a family with a location.
    support : {"real", "positive", "correlation", "probability"}
    pymc : str
        Name of its class in PyMC, which has the density and the draws.
    kernel : callable, optional
        `(xp, x, *arguments)` to the log density at a number without its `constant`, and the
        derivative in x, for compiled densities; `xp` as in :mod:`partialpool.engine.arithmetic`.
        A model that has a prior without it is sampled by PyMC's density, which is slower.
    constant : callable, optional
        `(xp, *arguments)` to the part of the log density that does not depend on x, of arrays.
    location : str or None
        The one argument that may be zero or negative.
    heavy_tails : bool
        Whether a posterior may have several modes because of it: chains then start far apart.
    """

    parameters: tuple[str, ...]
    support: str
    pymc: str
    kernel: Callable | None = None
    constant: Callable | None = None
    location: str | None = None
    heavy_tails: bool = False


# Each kernel is compiled by itself, so none calls another.


def _normal(xp, x, mu, sigma):
    z = (x - mu) / sigma
    return -0.5 * z * z, -z / sigma


def _student_t(xp, x, nu, mu, sigma):
    z = (x - mu) / sigma
    density = -0.5 * (nu + 1.0) * xp.log1p(z * z / nu)
    return density, -(nu + 1.0) * z / (nu + z * z) / sigma


def _student_t_constant(xp, nu, mu, sigma):
    normalised = xp.gammaln((nu + 1) / 2) - xp.gammaln(nu / 2)
    return normalised - 0.5 * xp.log(nu * pi) - xp.log(sigma)


def _cauchy(xp, x, alpha, beta):
    z = (x - alpha) / beta
    return -xp.log1p(z * z), -2.0 * z / (1.0 + z * z) / beta


def _laplace(xp, x, mu, b):
    return -abs(x - mu) / b, (-1.0 if x > mu else 1.0 if x < mu else 0.0) / b


def _logistic(xp, x, mu, s):
    z = (x - mu) / s
    return -z - 2.0 * xp.softplus(-z), (1.0 - 2.0 * xp.expit(z)) / s


def _half_normal(xp, x, sigma):
    z = x / sigma
    return -0.5 * z * z, -z / sigma


def _half_cauchy(xp, x, beta):
    z = x / beta
    return -xp.log1p(z * z), -2.0 * z / (1.0 + z * z) / beta


def _half_student_t(xp, x, nu, sigma):
    z = x / sigma
    density = -0.5 * (nu + 1.0) * xp.log1p(z * z / nu)
    return density, -(nu + 1.0) * z / (nu + z * z) / sigma


def _exponential(xp, x, lam):
    return -lam * x, -lam


def _gamma(xp, x, alpha, beta):
    return (alpha - 1.0) * xp.log(x) - beta * x, (alpha - 1.0) / x - beta


def _inverse_gamma(xp, x, alpha, beta):
    return -(alpha + 1.0) * xp.log(x) - beta / x, (beta / x - alpha - 1.0) / x


def _gamma_constant(xp, alpha, beta):
    return alpha * xp.log(beta) - xp.gammaln(alpha)


def _lognormal(xp, x, mu, sigma):
    log_x = xp.log(x)
    z = (log_x - mu) / sigma
    return -0.5 * z * z - log_x, (-z / sigma - 1.0) / x


def _normal_constant(xp, mu, sigma):
    return -0.5 * xp.log(2 * pi) - xp.log(sigma)


def _beta(xp, x, alpha, beta):
    density = (alpha - 1.0) * xp.log(x) + (beta - 1.0) * xp.log1p(-x)
    return density, (alpha - 1.0) / x - (beta - 1.0) / (1.0 - x)


FAMILIES = {
    "normal": PriorFamily(
        ("mu", "sigma"), "real", "Normal", _normal, _normal_constant, location="mu"
    ),
    "student_t": PriorFamily(
        ("nu", "mu", "sigma"), "real", "StudentT", _student_t, _student_t_constant,
        location="mu", heavy_tails=True,
    ),
    "cauchy": PriorFamily(
        ("alpha", "beta"), "real", "Cauchy", _cauchy,
        lambda xp, alpha, beta: -xp.log(pi * beta),
        location="alpha", heavy_tails=True,
    ),
    "laplace": PriorFamily(
        ("mu", "b"), "real", "Laplace", _laplace,
        lambda xp, mu, b: -xp.log(2 * b),
        location="mu",
    ),
    "logistic": PriorFamily(
        ("mu", "s"), "real", "Logistic", _logistic,
        lambda xp, mu, s: -xp.log(s),
        location="mu",
    ),
    "half_normal": PriorFamily(
        ("sigma",), "positive", "HalfNormal", _half_normal,
        lambda xp, sigma: 0.5 * xp.log(2 / pi) - xp.log(sigma),
    ),
    "half_cauchy": PriorFamily(
        ("beta",), "positive", "HalfCauchy", _half_cauchy,
        lambda xp, beta: xp.log(2 / pi) - xp.log(beta),
    ),
    "half_student_t": PriorFamily(
        ("nu", "sigma"), "positive", "HalfStudentT", _half_student_t,
        lambda xp, nu, sigma: xp.log(2) + _student_t_constant(xp, nu, 0, sigma),
    ),
    "exponential": PriorFamily(
        ("lam",), "positive", "Exponential", _exponential, lambda xp, lam: xp.log(lam)
    ),
    "gamma": PriorFamily(("alpha", "beta"), "positive", "Gamma", _gamma, _gamma_constant),
    "inverse_gamma": PriorFamily(
        ("alpha", "beta"), "positive", "InverseGamma", _inverse_gamma, _gamma_constant
    ),
    "lognormal": PriorFamily(
        ("mu", "sigma"), "positive", "LogNormal", _lognormal, _normal_constant, location="mu"
    ),
    "beta": PriorFamily(
        ("alpha", "beta"), "probability", "Beta", _beta,
        lambda xp, alpha, beta: xp.gammaln(alpha + beta) - xp.gammaln(alpha) - xp.gammaln(beta),
    ),
    "lkj": PriorFamily(("eta",), "correlation", "LKJCorr"),
}  # fmt: skip
