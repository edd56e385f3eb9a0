"""Families of continuous responses that can be any number: Gaussian and Student-t."""

from math import log, pi

from partialpool.base.wording import wording
from partialpool.model.family import TRIANGLES, Parameter, ResponseFamily, Words

SIGMA = Parameter(
    "sigma", prior="half_student_t(4, {scale})", initial=0.5, symbol=wording("σ"), scaled=True
)
# Juárez & Steel (2010), https://doi.org/10.1198/jbes.2009.07145
NU = Parameter("nu", prior="gamma(2, 0.1)", initial=5.0, symbol=wording("ν"))


def _gaussian(y, eta, parameters, trials, xp):
    sigma = parameters["sigma"]
    return -0.5 * ((y - eta) / sigma) ** 2 - xp.log(sigma)


def _gaussian_working(y, eta, parameters, trials, count, xp):
    weight = xp.full_like(eta, parameters["sigma"] ** -2)
    return weight, weight * (y - eta)


def _gaussian_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    left = y - offset - linear
    return {"sigma": xp.sqrt((left**2).sum() / freedom())}


def _student_t(y, eta, parameters, trials, xp):
    sigma, nu = parameters["sigma"], parameters["nu"]
    normalised = xp.gammaln((nu + 1) / 2) - xp.gammaln(nu / 2) - 0.5 * xp.log(nu) - xp.log(sigma)
    return normalised - (nu + 1) / 2 * xp.log1p(((y - eta) / sigma) ** 2 / nu)


def _student_t_row(xp, y, eta, trials, sigma, nu):
    left = (y - eta) / sigma
    squared = left * left
    logarithm = xp.log1p(squared / nu)
    half = 0.5 * (nu + 1.0)
    constant = xp.gammaln(half) - xp.gammaln(0.5 * nu) - 0.5 * xp.log(nu) - xp.log(sigma)
    weight = (nu + 1.0) / (nu + squared)
    of_nu = 0.5 * (xp.digamma(half) - xp.digamma(0.5 * nu) - 1.0 / nu)
    return (
        constant - half * logarithm,
        weight * left / sigma,
        (weight * squared - 1.0) / sigma,
        of_nu - 0.5 * logarithm + 0.5 * weight * squared / nu,
    )


def _student_t_working(y, eta, parameters, trials, count, xp):
    nu, squared = parameters["nu"], parameters["sigma"] ** 2
    weight = count * (nu + 1) / (nu + 3) / squared
    return weight, count * (nu + 1) * (y - eta) / (nu * squared + (y - eta) ** 2)


def _student_t_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    left, nu = y - offset - linear, parameters["nu"]
    weights = count * (nu + 1) / (nu + (left / parameters["sigma"]) ** 2)
    return {"sigma": xp.sqrt((weights * left**2).sum() / freedom())}


def _initial(y, trials, offset, centre, xp):
    return y - offset


GAUSSIAN = ResponseFamily(
    name="gaussian",
    link="identity",
    parameters=(SIGMA,),
    takes=("sigma", "precision_weights"),
    sigma_by_group=True,
    merging=TRIANGLES,
    kernel=_gaussian,
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)) - 0.5 * log(2 * pi),
    draw=lambda rng, eta, p, trials, xp: eta + p["sigma"] * rng.standard_normal(xp.shape(eta)),
    working=_gaussian_working,
    initial=_initial,
    estimate=_gaussian_estimate,
    confounded_in_single_rows=True,
    words=wording(
        Words(
            support="numbers",
            response="{y} is normal around its expected value μ.",
            expected="mean",
            difference="expected {y}",
            distribution="Normal",
            arguments=("expected", "sigma"),
            sigma="standard deviation",
            sigma_squared="variance",
        )
    ),
)

STUDENT_T = ResponseFamily(
    name="student_t",
    link="identity",
    parameters=(SIGMA, NU),
    takes=("sigma", "precision_weights"),
    kernel=_student_t,
    row_slopes=_student_t_row,
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)) - 0.5 * log(pi),
    draw=lambda rng, eta, p, trials, xp: eta + p["sigma"] * rng.standard_t(p["nu"], xp.shape(eta)),
    working=_student_t_working,
    initial=_initial,
    estimate=_student_t_estimate,
    robust=True,
    log_concave=False,
    confounded_in_single_rows=True,
    unbounded_at_ties=True,
    words=wording(
        Words(
            support="numbers",
            response="{y} is Student-t around μ with ν degrees of freedom: rows far from the "
            "others count for less than they would under a normal distribution.",
            expected="mean",
            difference="expected {y}",
            distribution="StudentT",
            arguments=("nu", "expected", "sigma"),
        )
    ),
)
