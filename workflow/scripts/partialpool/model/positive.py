"""Families of responses over zero: lognormal, gamma, Weibull and exponential."""

from math import log, pi, sqrt

from partialpool.base.wording import wording
from partialpool.model.continuous import SIGMA
from partialpool.model.family import INFINITY, MEANS, Parameter, ResponseFamily, Words

GAMMA_SHAPE = Parameter("alpha", prior="half_cauchy(5)", initial=2.0, symbol=wording("α"))
WEIBULL_SHAPE = Parameter("alpha", prior="half_cauchy(2)", initial=1.0, symbol=wording("α"))
SMALLEST = 1e-300  # response that is drawn: a prior may allow smaller ones than numbers can hold
LEAST_SHAPE, LARGEST_SHAPE = 0.05, 1e4  # rough values


def _initial(y, trials, offset, centre, xp):
    return xp.log(y) - offset


def _log_jacobian(y, trials, xp):
    return -xp.log(y)


def _lognormal(y, eta, parameters, trials, xp):
    sigma = parameters["sigma"]
    return -0.5 * ((xp.log(y) - eta) / sigma) ** 2 - xp.log(sigma)


def _lognormal_row(xp, y, eta, trials, sigma):
    left = (xp.log(y) - eta) / sigma
    squared = left * left
    return -0.5 * squared - xp.log(sigma), left / sigma, (squared - 1.0) / sigma


def _draw_lognormal(rng, eta, parameters, trials, xp):
    drawn = xp.exp(eta + parameters["sigma"] * rng.standard_normal(xp.shape(eta)))
    return xp.maximum(drawn, SMALLEST)


def _lognormal_working(y, eta, parameters, trials, count, xp):
    weight = count * xp.full_like(eta, parameters["sigma"] ** -2)
    return weight, weight * (xp.log(y) - eta)


def _lognormal_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    left = xp.log(y) - offset - linear
    return {"sigma": xp.sqrt((count * left**2).sum() / freedom())}


def _gamma(y, eta, parameters, trials, xp):
    alpha = parameters["alpha"]
    normalised = alpha * xp.log(alpha) - xp.gammaln(alpha)
    return normalised + alpha * (xp.log(y) - eta - y * xp.exp(-eta))


def _gamma_row(xp, y, eta, trials, alpha):
    ratio, log_alpha = y * xp.exp(-eta), xp.log(alpha)
    left = xp.log(y) - eta - ratio
    density = alpha * (log_alpha + left) - xp.gammaln(alpha)
    return density, alpha * (ratio - 1.0), log_alpha + 1.0 - xp.digamma(alpha) + left


def _draw_gamma(rng, eta, parameters, trials, xp):
    alpha = xp.broadcast_to(parameters["alpha"], xp.shape(eta))
    return xp.maximum(xp.exp(eta) * (rng.gamma(alpha) / alpha), SMALLEST)


def _gamma_working(y, eta, parameters, trials, count, xp):
    weight = count * xp.full_like(eta, parameters["alpha"])
    return weight, weight * (y * xp.exp(-eta) - 1)


def _gamma_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    """alpha by moments: the variance of a response over its mean is 1 / alpha."""
    left = y * xp.exp(-linear - offset) - 1
    variance = (count * left**2).sum() / freedom()
    return {"alpha": float(xp.clip(1 / variance, LEAST_SHAPE, LARGEST_SHAPE))}


def _weibull(y, eta, parameters, trials, xp):
    alpha = parameters["alpha"]
    log_hazard = alpha * (xp.log(y) - eta)
    return xp.log(alpha) + log_hazard - xp.exp(log_hazard)


def _weibull_row(xp, y, eta, trials, alpha):
    left = xp.log(y) - eta
    log_hazard = alpha * left
    over = xp.exp(log_hazard) - 1.0
    density = xp.log(alpha) + log_hazard - over - 1.0
    return density, alpha * over, 1.0 / alpha - left * over


def _draw_weibull(rng, eta, parameters, trials, xp):
    hazard = rng.standard_exponential(xp.shape(eta))
    return xp.maximum(xp.exp(eta + xp.log(hazard) / parameters["alpha"]), SMALLEST)


def _weibull_working(y, eta, parameters, trials, count, xp):
    alpha = parameters["alpha"]
    score = count * alpha * (xp.exp(alpha * (xp.log(y) - eta)) - 1)
    return count * xp.full_like(eta, alpha**2), score


def _weibull_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    """alpha by the variance of the logarithm of a response, which is pi^2 / (6 alpha^2)."""
    left = xp.log(y) - linear - offset
    left = left - (count * left).sum() / count.sum()
    spread = xp.sqrt((count * left**2).sum() / freedom())
    return {"alpha": float(xp.clip(pi / sqrt(6) / spread, LEAST_SHAPE, LARGEST_SHAPE))}


def _exponential_row(xp, y, eta, trials):
    ratio = y * xp.exp(-eta)
    return -eta - ratio, ratio - 1.0


def _draw_exponential(rng, eta, parameters, trials, xp):
    return xp.maximum(xp.exp(eta) * rng.standard_exponential(xp.shape(eta)), SMALLEST)


def _exponential_working(y, eta, parameters, trials, count, xp):
    return count * xp.full_like(eta, 1.0), count * (y * xp.exp(-eta) - 1)


_SCALE = wording("Coefficients are on the scale of the log of {expected}.")
_SUPPORT = wording("numbers over 0")

LOGNORMAL = ResponseFamily(
    name="lognormal",
    link="log",
    bounds=(0, INFINITY),
    parameters=(SIGMA,),
    kernel=_lognormal,
    row_slopes=_lognormal_row,
    constant=lambda y, trials, xp: -xp.log(y) - 0.5 * log(2 * pi),
    draw=_draw_lognormal,
    mean=lambda eta, parameters, xp: xp.exp(eta + 0.5 * parameters["sigma"] ** 2),
    working=_lognormal_working,
    initial=_initial,
    estimate=_lognormal_estimate,
    confounded_in_single_rows=True,
    words=wording(
        Words(
            support=_SUPPORT,
            response="The logarithm of {y} is normal around log m, where m is the median of {y}.",
            expected="mean",
            linked="median",
            difference="expected {y}",
            distribution="LogNormal",
            arguments=("expected", "sigma"),
            symbol="m",
            scale=_SCALE,
            ratio="ratio",
            compared="means and medians",
            sigma="standard deviation of the logarithm",
        )
    ),
)

GAMMA = ResponseFamily(
    name="gamma",
    link="log",
    bounds=(0, INFINITY),
    parameters=(GAMMA_SHAPE,),
    kernel=_gamma,
    row_slopes=_gamma_row,
    constant=_log_jacobian,
    draw=_draw_gamma,
    working=_gamma_working,
    initial=_initial,
    estimate=_gamma_estimate,
    confounded_in_single_rows=True,
    words=wording(
        Words(
            support=_SUPPORT,
            response="{y} is gamma with expected value μ and variance μ²/α: α is its shape.",
            expected="mean",
            difference="expected {y}",
            distribution="Gamma",
            arguments=("expected", "alpha"),
            scale=_SCALE,
            ratio="ratio of means",
            compared="means",
        )
    ),
)

WEIBULL = ResponseFamily(
    name="weibull",
    link="log",
    bounds=(0, INFINITY),
    parameters=(WEIBULL_SHAPE,),
    kernel=_weibull,
    row_slopes=_weibull_row,
    constant=_log_jacobian,
    draw=_draw_weibull,
    mean=lambda eta, parameters, xp: xp.exp(eta + xp.gammaln(1 + 1 / parameters["alpha"])),
    working=_weibull_working,
    initial=_initial,
    estimate=_weibull_estimate,
    confounded_in_single_rows=True,
    words=wording(
        Words(
            support=_SUPPORT,
            response="{y} is Weibull with shape α and scale λ, which 63% of responses are below.",
            expected="mean",
            linked="scale",
            difference="expected {y}",
            distribution="Weibull",
            arguments=("alpha", "expected"),
            symbol="λ",
            scale=_SCALE,
            ratio="ratio",
            compared="scales and means",
        )
    ),
)

EXPONENTIAL = ResponseFamily(
    name="exponential",
    link="log",
    bounds=(0, INFINITY),
    merging=MEANS,
    kernel=lambda y, eta, parameters, trials, xp: -eta - y * xp.exp(-eta),
    row_slopes=_exponential_row,
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)),
    draw=_draw_exponential,
    working=_exponential_working,
    initial=_initial,
    words=wording(
        Words(
            support=_SUPPORT,
            response="{y} is exponential with expected value μ.",
            expected="mean",
            difference="expected {y}",
            distribution="Exponential",
            arguments=("expected",),
            scale=_SCALE,
            ratio="ratio of means",
            compared="means",
        )
    ),
)
