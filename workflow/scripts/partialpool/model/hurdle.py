"""Hurdle responses: zero with probability hu, and else of a distribution without zeros.

That is one of counts, truncated at zero, or a density (Mullahy 1986,
https://doi.org/10.1016/0304-4076(86)90002-3).
"""

from dataclasses import replace

from partialpool.base.wording import wording
from partialpool.model.counts import LARGEST_RATE, NEGATIVE_BINOMIAL, POISSON, SMALLEST_ALPHA
from partialpool.model.family import COPIES, Parameter, ResponseFamily, Words
from partialpool.model.positive import GAMMA, LOGNORMAL
from partialpool.model.zero_inflated import (
    COUNTS,
    LEAST,
    LOG_ZERO,
    mixed,
    of_counts,
    share_of_zeros,
)

HU = Parameter("hu", prior="beta(1, 1)", initial=0.3, symbol=wording("π"))


def _truncated(base: ResponseFamily):
    """Kernel of a hurdle family of counts."""
    log_zero = LOG_ZERO[base.name]

    def kernel(y, eta, parameters, trials, xp):
        hu = parameters["hu"]
        left = xp.log(-xp.expm1(log_zero(eta, parameters, xp)))
        more = xp.log1p(-hu) + base.kernel(y, eta, parameters, trials, xp) - left
        return xp.where(xp.eq(y, 0), xp.log(hu), more)

    return kernel


def _hurdle_poisson_row(xp, y, eta, trials, hu):
    mean = xp.exp(eta)
    some = -xp.expm1(-mean)  # probability of a count over zero
    density = xp.log(hu) if y == 0.0 else xp.log1p(-hu) + y * eta - mean - xp.log(some)
    in_eta = 0.0 if y == 0.0 else y - mean / some
    return density, in_eta, 1.0 / hu if y == 0.0 else -1.0 / (1.0 - hu)


def _hurdle_negative_binomial_row(xp, y, eta, trials, alpha, hu):
    log_alpha, total = xp.log(alpha), y + alpha
    above, share = xp.softplus_expit(eta - log_alpha)
    some = -xp.expm1(-alpha * above)
    odds = (1.0 - some) / some
    log_sum = log_alpha + above
    density = xp.gammaln(total) - xp.gammaln(alpha) + alpha * log_alpha + y * eta - total * log_sum
    in_alpha = xp.digamma(total) - xp.digamma(alpha) + log_alpha + 1.0 - log_sum
    in_alpha = in_alpha - total * (1.0 - share) / alpha
    return (
        xp.log(hu) if y == 0.0 else xp.log1p(-hu) + density - xp.log(some),
        0.0 if y == 0.0 else y - total * share - odds * alpha * share,
        0.0 if y == 0.0 else in_alpha + odds * (share - above),
        1.0 / hu if y == 0.0 else -1.0 / (1.0 - hu),
    )


def _hurdle_lognormal_row(xp, y, eta, trials, sigma, hu):
    left = (xp.log(y if y > 0.0 else 1.0) - eta) / sigma
    squared = left * left
    return (
        xp.log(hu) if y == 0.0 else xp.log1p(-hu) - 0.5 * squared - xp.log(sigma),
        0.0 if y == 0.0 else left / sigma,
        0.0 if y == 0.0 else (squared - 1.0) / sigma,
        1.0 / hu if y == 0.0 else -1.0 / (1.0 - hu),
    )


def _hurdle_gamma_row(xp, y, eta, trials, alpha, hu):
    ratio, log_alpha = y * xp.exp(-eta), xp.log(alpha)
    left = xp.log(y if y > 0.0 else 1.0) - eta - ratio
    return (
        xp.log(hu) if y == 0.0 else xp.log1p(-hu) + alpha * (log_alpha + left) - xp.gammaln(alpha),
        0.0 if y == 0.0 else alpha * (ratio - 1.0),
        0.0 if y == 0.0 else log_alpha + 1.0 - xp.digamma(alpha) + left,
        1.0 / hu if y == 0.0 else -1.0 / (1.0 - hu),
    )


def _beyond_zero(base: ResponseFamily):
    """Kernel of a hurdle family of a density."""

    def kernel(y, eta, parameters, trials, xp):
        hu, none = parameters["hu"], xp.eq(y, 0)
        more = xp.log1p(-hu) + base.kernel(xp.where(none, 1.0, y), eta, parameters, trials, xp)
        return xp.where(none, xp.log(hu), more)

    return kernel


def _draw_truncated(base: ResponseFamily):
    """Draws of a hurdle family of counts, by the time of the first event.

    A count over zero is that of a Poisson process of length one that has an event: the first at a
    time t, and those after it. If the rate is gamma with shape alpha and rate b, it is gamma with
    shape alpha + 1 and rate b + t given the first event.
    """
    log_zero = LOG_ZERO[base.name]

    def draw(rng, eta, parameters, trials, xp):
        size, mean = xp.shape(eta), xp.minimum(xp.exp(eta), LARGEST_RATE)
        # Minus the log of the probability of no event until t.
        hazard = -xp.log1p(rng.uniform(size=size) * xp.expm1(log_zero(eta, parameters, xp)))
        if "alpha" in parameters:
            alpha = xp.broadcast_to(xp.maximum(parameters["alpha"], SMALLEST_ALPHA), size)
            rate = alpha / mean
            t = xp.minimum(rate * xp.expm1(hazard / alpha), 1.0)
            more = rng.gamma(alpha + 1) / (rate + t) * (1 - t)
        else:
            more = xp.maximum(mean - hazard, 0.0)
        drawn = 1 + rng.poisson(xp.minimum(more, LARGEST_RATE))
        return xp.where(rng.uniform(size=size) < parameters["hu"], 0, drawn)

    return draw


def _truncated_working(base: ResponseFamily):
    def working(y, eta, parameters, trials, count, xp):
        information, score, at_zero, none = of_counts(base, y, eta, parameters, xp)
        centre = none * at_zero / (1 - none)  # minus the mean score of counts over zero
        found = (information - none * at_zero**2) / (1 - none) - centre**2
        own = xp.where(xp.eq(y, 0), 0.0, score + centre)
        return count * (1 - parameters["hu"]) * found, count * own

    return working


def _beyond_zero_working(base: ResponseFamily):
    def working(y, eta, parameters, trials, count, xp):
        none = xp.eq(y, 0)
        found, score = base.working(xp.where(none, 1.0, y), eta, parameters, trials, count, xp)
        return (1 - parameters["hu"]) * found, xp.where(none, 0.0, score)

    return working


def _hurdle_estimate(base: ResponseFamily | None):
    """hu by the share of zeros; the base's own from the other rows, if it is a density."""

    def estimate(y, linear, offset, parameters, trials, count, freedom, xp):
        share = share_of_zeros(y, count, xp)
        found = {"hu": float(xp.clip(share, LEAST, 1 - LEAST))}
        if base is not None:
            none = xp.eq(y, 0)
            own, positive = xp.where(none, 0.0, count), xp.where(none, 1.0, y)
            found |= base.estimate(
                *(positive, linear, offset, parameters, trials, own),
                lambda: freedom() * (1 - share),
                xp,
            )
        return found

    return estimate


def _initial_beyond_zero(y, trials, offset, centre, xp):
    return xp.where(xp.eq(y, 0), centre, xp.log(xp.where(xp.eq(y, 0), 1.0, y)) - offset)


def _truncated_mean(base: ResponseFamily):
    log_zero = LOG_ZERO[base.name]

    def mean(eta, parameters, xp):
        # Of few events nearly all counts over zero are one.
        some = xp.maximum(-xp.expm1(log_zero(eta, parameters, xp)), 1e-300)
        return (1 - parameters["hu"]) * xp.exp(eta) / some

    return mean


def _beyond_zero_mean(base: ResponseFamily):
    def mean(eta, parameters, xp):
        own = base.mean(eta, parameters, xp) if base.mean else xp.exp(eta)
        return (1 - parameters["hu"]) * own

    return mean


def _constant_beyond_zero(base: ResponseFamily):
    def constant(y, trials, xp):
        none = xp.eq(y, 0)
        return xp.where(none, 0.0, base.constant(xp.where(none, 1.0, y), trials, xp))

    return constant


def _truncated_family(base: ResponseFamily, row_slopes, words: Words) -> ResponseFamily:
    """The hurdle family of a family of counts."""
    return replace(
        base,
        name=f"hurdle_{base.name}",
        parameters=(*base.parameters, HU),
        merging=COPIES,
        kernel=_truncated(base),
        row_slopes=row_slopes,
        draw=_draw_truncated(base),
        mean=_truncated_mean(base),
        working=_truncated_working(base),
        estimate=_hurdle_estimate(None),
        log_concave=False,
        zero_probability=None,
        wider="",
        words=words,
    )


def _beyond_zero_family(base: ResponseFamily, row_slopes, words: Words) -> ResponseFamily:
    """The hurdle family of a family of positive responses."""
    return replace(
        base,
        name=f"hurdle_{base.name}",
        parameters=(*base.parameters, HU),
        atoms=(0.0,),
        kernel=_beyond_zero(base),
        row_slopes=row_slopes,
        constant=_constant_beyond_zero(base),
        draw=mixed("hu", base),
        mean=_beyond_zero_mean(base),
        working=_beyond_zero_working(base),
        initial=_initial_beyond_zero,
        estimate=_hurdle_estimate(base),
        words=words,
    )


HURDLE_POISSON = _truncated_family(
    POISSON,
    _hurdle_poisson_row,
    wording(
        replace(
            COUNTS,
            linked="expected count before truncation",
            response="{y} is 0 with probability π, and else a count over 0: a Poisson count with "
            "expected value μ, of which the zeros are taken out.",
            distribution="HurdlePoisson",
            arguments=("hu", "expected"),
        )
    ),
)


HURDLE_NEGATIVE_BINOMIAL = _truncated_family(
    NEGATIVE_BINOMIAL,
    _hurdle_negative_binomial_row,
    wording(
        replace(
            COUNTS,
            linked="expected count before truncation",
            response="{y} is 0 with probability π, and else a count over 0: a count with expected "
            "value μ and variance μ + μ²/α, of which the zeros are taken out.",
            distribution="HurdleNegativeBinomial",
            arguments=("hu", "expected", "alpha"),
        )
    ),
)


HURDLE_LOGNORMAL = _beyond_zero_family(
    LOGNORMAL,
    _hurdle_lognormal_row,
    wording(
        replace(
            LOGNORMAL.words,
            support="numbers, 0 or more",
            response="{y} is 0 with probability π; where it is not, its logarithm is normal "
            "around log m.",
            linked="median of what is over 0",
            distribution="HurdleLogNormal",
            arguments=("hu", "expected", "sigma"),
        )
    ),
)


HURDLE_GAMMA = _beyond_zero_family(
    GAMMA,
    _hurdle_gamma_row,
    wording(
        replace(
            GAMMA.words,
            support="numbers, 0 or more",
            response="{y} is 0 with probability π, and else gamma with expected value μ and "
            "variance μ²/α.",
            linked="mean of what is over 0",
            distribution="HurdleGamma",
            arguments=("hu", "expected", "alpha"),
        )
    ),
)
