"""Zero-inflated counts: zero with probability zi, and else a count, which may be zero too.

Lambert (1992), https://doi.org/10.2307/1269547.
"""

from dataclasses import replace

from partialpool.base.wording import wording
from partialpool.model.counts import NEGATIVE_BINOMIAL, POISSON, SCALE
from partialpool.model.family import COPIES, Parameter, ResponseFamily, Words

ZI = Parameter("zi", prior="beta(1, 1)", initial=0.2, symbol=wording("π"))
# Rough value of a probability of zero, and of its complement.
LEAST = 0.01


def _no_event(eta, parameters, xp):
    """Log probability that a Poisson count is zero."""
    return -xp.exp(eta)


def _no_overdispersed_event(eta, parameters, xp):
    """Log probability that a negative binomial count is zero."""
    return -parameters["alpha"] * xp.softplus(eta - xp.log(parameters["alpha"]))


LOG_ZERO = {POISSON.name: _no_event, NEGATIVE_BINOMIAL.name: _no_overdispersed_event}


def _inflated(base: ResponseFamily):
    """Kernel of a zero-inflated family."""
    log_zero = LOG_ZERO[base.name]

    def kernel(y, eta, parameters, trials, xp):
        zi = parameters["zi"]
        zero = xp.log(zi + (1 - zi) * xp.exp(log_zero(eta, parameters, xp)))
        more = xp.log1p(-zi) + base.kernel(y, eta, parameters, trials, xp)
        return xp.where(xp.eq(y, 0), zero, more)

    return kernel


def _inflated_poisson_row(xp, y, eta, trials, zi):
    mean = xp.exp(eta)
    none = xp.exp(-mean)
    zero = zi + (1.0 - zi) * none
    share = (1.0 - zi) * none / zero  # of zeros that are of the counts
    density = xp.log(zero) if y == 0.0 else xp.log1p(-zi) + y * eta - mean
    in_eta = -share * mean if y == 0.0 else y - mean
    return density, in_eta, (1.0 - none) / zero if y == 0.0 else -1.0 / (1.0 - zi)


def _inflated_negative_binomial_row(xp, y, eta, trials, alpha, zi):
    log_alpha, total = xp.log(alpha), y + alpha
    above, share = xp.softplus_expit(eta - log_alpha)  # share of the mean in alpha + mean
    none = xp.exp(-alpha * above)
    zero = zi + (1.0 - zi) * none
    counted = (1.0 - zi) * none / zero
    log_sum = log_alpha + above
    density = xp.gammaln(total) - xp.gammaln(alpha) + alpha * log_alpha + y * eta - total * log_sum
    in_alpha = xp.digamma(total) - xp.digamma(alpha) + log_alpha + 1.0 - log_sum
    in_alpha = in_alpha - total * (1.0 - share) / alpha
    return (
        xp.log(zero) if y == 0.0 else xp.log1p(-zi) + density,
        -counted * alpha * share if y == 0.0 else y - total * share,
        counted * (share - above) if y == 0.0 else in_alpha,
        (1.0 - none) / zero if y == 0.0 else -1.0 / (1.0 - zi),
    )


def mixed(name: str, base: ResponseFamily):
    """Draws: zero with the probability `name`, and else of the base."""

    def draw(rng, eta, parameters, trials, xp):
        drawn = base.draw(rng, eta, parameters, trials, xp)
        return xp.where(rng.uniform(size=xp.shape(eta)) < parameters[name], 0, drawn)

    return draw


def of_counts(base: ResponseFamily, y, eta, parameters, xp):
    """Information and score of a count, its score at zero, and the probability of that."""
    information, score = base.working(y, eta, parameters, None, 1.0, xp)
    _, at_zero = base.working(0.0 * y, eta, parameters, None, 1.0, xp)
    return information, score, at_zero, xp.exp(LOG_ZERO[base.name](eta, parameters, xp))


def _inflated_working(base: ResponseFamily):
    def working(y, eta, parameters, trials, count, xp):
        information, score, at_zero, none = of_counts(base, y, eta, parameters, xp)
        zi = parameters["zi"]
        zero = zi + (1 - zi) * none
        share = (1 - zi) * none / zero
        found = zero * (share * at_zero) ** 2 + (1 - zi) * (information - none * at_zero**2)
        return count * found, count * xp.where(xp.eq(y, 0), share * at_zero, score)

    return working


def share_of_zeros(y, count, xp):
    return (count * xp.eq(y, 0)).sum() / count.sum()


def _inflated_estimate(base: ResponseFamily):
    """zi by the zeros there are beyond those of the counts."""

    def estimate(y, linear, offset, parameters, trials, count, freedom, xp):
        none = xp.exp(LOG_ZERO[base.name](linear + offset, parameters, xp))
        expected = (count * none).sum() / count.sum()
        found = (share_of_zeros(y, count, xp) - expected) / (1 - expected)
        return {"zi": float(xp.clip(found, LEAST, 1 - LEAST))}

    return estimate


def _inflated_mean(eta, parameters, xp):
    return (1 - parameters["zi"]) * xp.exp(eta)


COUNTS = wording(
    Words(
        support="whole numbers, 0 or more",
        response="",
        expected="expected count",
        expected_per_exposure="rate",
        difference="expected {y}",
        distribution="",
        arguments=(),
        scale=SCALE,
        ratio="rate ratio",
        compared="rates, for the same exposure,",
    )
)


def _inflated_family(base: ResponseFamily, row_slopes, words: Words) -> ResponseFamily:
    """The zero-inflated family of a family of counts."""
    return replace(
        base,
        name=f"zero_inflated_{base.name}",
        parameters=(*base.parameters, ZI),
        merging=COPIES,
        kernel=_inflated(base),
        row_slopes=row_slopes,
        constant=lambda y, trials, xp: xp.where(xp.eq(y, 0), 0.0, base.constant(y, trials, xp)),
        draw=mixed("zi", base),
        mean=_inflated_mean,
        working=_inflated_working(base),
        estimate=_inflated_estimate(base),
        log_concave=False,
        zero_probability=None,
        wider="",
        words=words,
    )


ZERO_INFLATED_POISSON = _inflated_family(
    POISSON,
    _inflated_poisson_row,
    wording(
        replace(
            COUNTS,
            linked="expected count without extra zeros",
            response="{y} is 0 with probability π, and else a Poisson count with expected value μ.",
            distribution="ZeroInflatedPoisson",
            arguments=("zi", "expected"),
        )
    ),
)


ZERO_INFLATED_NEGATIVE_BINOMIAL = _inflated_family(
    NEGATIVE_BINOMIAL,
    _inflated_negative_binomial_row,
    wording(
        replace(
            COUNTS,
            linked="expected count without extra zeros",
            response="{y} is 0 with probability π, and else a count with expected value μ and "
            "variance μ + μ²/α.",
            distribution="ZeroInflatedNegativeBinomial",
            arguments=("zi", "expected", "alpha"),
        )
    ),
)
