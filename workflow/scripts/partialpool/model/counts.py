"""Families of counts: Poisson and negative binomial."""

from partialpool.base.wording import wording
from partialpool.model.family import EXPOSURES, INFINITY, Parameter, ResponseFamily, Words

# The variance of a negative binomial response is mu + mu^2 / alpha.
ALPHA = Parameter("alpha", prior="half_cauchy(1)", initial=1.0, symbol=wording("α"))
LARGEST_RATE = 1e15  # a prior may allow rates that no generator of counts can hold
SMALLEST_ALPHA = 1e-10  # and an alpha that rounds to 0


def _poisson(y, eta, parameters, trials, xp):
    return y * eta - xp.exp(eta)


def _poisson_row(xp, y, eta, trials):
    mean = xp.exp(eta)
    return y * eta - mean, y - mean


def _draw_poisson(rng, eta, parameters, trials, xp):
    return rng.poisson(xp.minimum(xp.exp(eta), LARGEST_RATE))


def _poisson_working(y, eta, parameters, trials, count, xp):
    rate = xp.exp(eta)
    return rate, y - rate


def _negative_binomial(y, eta, parameters, trials, xp):
    alpha = parameters["alpha"]
    ways = xp.gammaln(y + alpha) - xp.gammaln(alpha)
    return ways + alpha * xp.log(alpha) + y * eta - (y + alpha) * xp.logaddexp(xp.log(alpha), eta)


def _negative_binomial_row(xp, y, eta, trials, alpha):
    log_alpha, total = xp.log(alpha), y + alpha
    above, share = xp.softplus_expit(eta - log_alpha)  # share of the mean in alpha + mean
    log_sum = log_alpha + above
    density = xp.gammaln(total) - xp.gammaln(alpha) + alpha * log_alpha + y * eta - total * log_sum
    in_alpha = xp.digamma(total) - xp.digamma(alpha) + log_alpha + 1.0 - log_sum
    return density, y - total * share, in_alpha - total * (1.0 - share) / alpha


def _draw_negative_binomial(rng, eta, parameters, trials, xp):
    alpha = xp.broadcast_to(xp.maximum(parameters["alpha"], SMALLEST_ALPHA), xp.shape(eta))
    return rng.poisson(xp.minimum(xp.exp(eta) * rng.gamma(alpha) / alpha, LARGEST_RATE))


def _negative_binomial_working(y, eta, parameters, trials, count, xp):
    rate = xp.exp(eta)
    weight = count * rate / (1 + rate / parameters["alpha"])
    return weight, count * (y - rate) / (1 + rate / parameters["alpha"])


def _negative_binomial_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    """alpha by moments."""
    rate = xp.exp(linear + offset)
    excess = (count * ((y - rate) ** 2 - rate)).sum() / (count * rate**2).sum()
    return {"alpha": float(xp.clip(1 / max(excess, 1e-3), 0.05, 100))}


def _negative_binomial_zeros(y, mean, xp):
    """With 1 / alpha by moments; without excess variance the Poisson probability."""
    spread = max(0.0, ((y - mean) ** 2 - mean).sum() / (mean**2).sum())
    return xp.exp(-mean) if spread == 0 else (1 + spread * mean) ** (-1 / spread)


def _initial(y, trials, offset, centre, xp):
    """Half way to the rate of all rows, which is above 0 for rows without events too."""
    own = xp.log(y + 0.5) - offset
    return (own + centre) / 2


def _log_factorial(y, trials, xp):
    return -xp.gammaln(y + 1)


SCALE = wording("Coefficients are on the scale of the log of {expected}.")

POISSON = ResponseFamily(
    name="poisson",
    link="log",
    bounds=(0, INFINITY),
    discrete=True,
    takes=("exposure",),
    merging=EXPOSURES,
    kernel=_poisson,
    row_slopes=_poisson_row,
    constant=_log_factorial,
    draw=_draw_poisson,
    working=_poisson_working,
    initial=_initial,
    zero_probability=lambda y, mean, xp: xp.exp(-mean),
    wider="negative_binomial",
    words=wording(
        Words(
            support="whole numbers, 0 or more",
            response="{y} is a count with expected value μ, which is its variance too.",
            expected="expected count",
            expected_per_exposure="rate",
            difference="expected count",
            distribution="Poisson",
            arguments=("expected",),
            scale=SCALE,
            ratio="rate ratio",
            compared="rates, for the same exposure,",
        )
    ),
)

NEGATIVE_BINOMIAL = ResponseFamily(
    name="negative_binomial",
    link="log",
    bounds=(0, INFINITY),
    discrete=True,
    takes=("exposure",),
    parameters=(ALPHA,),
    kernel=_negative_binomial,
    row_slopes=_negative_binomial_row,
    constant=_log_factorial,
    draw=_draw_negative_binomial,
    working=_negative_binomial_working,
    initial=_initial,
    estimate=_negative_binomial_estimate,
    zero_probability=_negative_binomial_zeros,
    words=wording(
        Words(
            support="whole numbers, 0 or more",
            response="{y} is a count with expected value μ and variance μ + μ²/α: the smaller α, "
            "the more it varies beyond a Poisson count.",
            expected="expected count",
            expected_per_exposure="rate",
            difference="expected count",
            distribution="NegativeBinomial",
            arguments=("expected", "alpha"),
            scale=SCALE,
            ratio="rate ratio",
            compared="rates, for the same exposure,",
        )
    ),
)
