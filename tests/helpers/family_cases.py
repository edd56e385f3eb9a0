"""Parameters, responses and moments to test the response families with, and SciPy's densities."""

import numpy as np
import pytest
from scipy import special, stats

from partialpool.model.families import FAMILIES

MODERATE = np.array([-6.0, -1.0, 0.0, 0.3, 2.5, 8.0])
EXTREME = np.array([-700.0, -300.0, -40.0, 40.0, 300.0, 700.0])
ETA = np.concatenate([EXTREME, MODERATE])


def binomial(y, eta, trials):
    """By the smaller of the two probabilities, which the other would round away."""
    return np.where(
        eta < 0,
        stats.binom.logpmf(y, trials, special.expit(eta)),
        stats.binom.logpmf(trials - y, trials, special.expit(-eta)),
    )


def negative_binomial(y, eta, alpha):
    """scipy's where its probability is neither 0 nor 1; else from the ratio of alpha and mu."""
    mu = np.exp(eta)
    ways = special.gammaln(y + alpha) - special.gammaln(alpha) - special.gammaln(y + 1)
    far = ways - alpha * np.log1p(mu / alpha) - y * np.log1p(alpha / mu)
    near = stats.nbinom.logpmf(y, alpha, alpha / (alpha + mu))
    return np.where(np.abs(eta) < 20, near, far)


def beta(y, eta, phi):
    """scipy's, by the two shapes."""
    return stats.beta.logpdf(y, special.expit(eta) * phi, special.expit(-eta) * phi)


def beta_binomial(y, eta, phi, trials):
    """By the ratio of two beta functions."""
    a, b = special.expit(eta) * phi, special.expit(-eta) * phi
    ways = -np.log1p(trials) - special.betaln(trials - y + 1, y + 1)
    return ways + special.betaln(y + a, trials - y + b) - special.betaln(a, b)


def inflated(base, y, zi):
    """Log probability of zero-inflated counts, from that of the counts and of zero."""
    counts, zero = base
    return np.where(y == 0, np.logaddexp(np.log(zi), np.log1p(-zi) + zero), np.log1p(-zi) + counts)


def hurdle(base, y, hu):
    """Log density of a hurdle model, from that of the base and its log probability of zero."""
    positive, zero = base
    left = 0.0 if zero is None else np.log(-np.expm1(zero))
    return np.where(y == 0, np.log(hu), np.log1p(-hu) + positive - left)


def poisson(y, eta):
    return stats.poisson(np.exp(eta)).logpmf(y), -np.exp(eta)


def overdispersed(y, eta, alpha):
    return negative_binomial(y, eta, alpha), -alpha * np.logaddexp(0, eta - np.log(alpha))


# By family: parameters, trials, responses, and the same density by scipy.
CASES = {
    "gaussian": [
        ({"sigma": s}, None, [-3.0, 0.0, 2.5, 1e6], lambda y, e, s=s: stats.norm(e, s).logpdf(y))
        for s in (1e-3, 1.0, 400.0)
    ],
    "student_t": [
        (
            {"sigma": sigma, "nu": nu},
            None,
            [-3.0, 0.0, 2.5, 1e6],
            lambda y, e, s=sigma, nu=nu: stats.t(nu, e, s).logpdf(y),
        )
        for sigma, nu in ((1.0, 0.5), (0.01, 4.0), (3.0, 200.0))
    ],
    "bernoulli": [({}, None, [0.0, 1.0], lambda y, e: binomial(y, e, 1))],
    "binomial": [
        ({}, trials, [0.0, 1.0, trials - 1, trials], lambda y, e, n=trials: binomial(y, e, n))
        for trials in (1.0, 7.0, 10_000.0)
    ],
    "poisson": [
        ({}, None, [0.0, 1.0, 3.0, 5_000.0], lambda y, e: stats.poisson(np.exp(e)).logpmf(y))
    ],
    "negative_binomial": [
        (
            {"alpha": alpha},
            None,
            [0.0, 1.0, 3.0, 5_000.0],
            lambda y, e, a=alpha: negative_binomial(y, e, a),
        )
        for alpha in (0.01, 1.5, 1e4)
    ],
    "lognormal": [
        (
            {"sigma": s},
            None,
            [1e-6, 0.3, 40.0],
            lambda y, e, s=s: stats.norm(e, s).logpdf(np.log(y)) - np.log(y),
        )
        for s in (0.05, 1.0, 20.0)
    ],
    "gamma": [
        (
            {"alpha": a},
            None,
            [1e-6, 0.3, 40.0],
            lambda y, e, a=a: stats.gamma.logpdf(y, a, scale=np.exp(e) / a),
        )
        for a in (0.05, 1.0, 300.0)
    ],
    "weibull": [
        (
            {"alpha": a},
            None,
            [1e-6, 0.3, 40.0],
            lambda y, e, a=a: stats.weibull_min.logpdf(y, a, scale=np.exp(e)),
        )
        for a in (0.05, 0.4, 0.9)
    ],
    "exponential": [
        ({}, None, [1e-6, 0.3, 40.0], lambda y, e: stats.expon.logpdf(y, scale=np.exp(e)))
    ],
    "beta": [
        ({"phi": phi}, None, [1e-6, 0.2, 0.999], lambda y, e, phi=phi: beta(y, e, phi))
        for phi in (0.05, 3.0, 2_000.0)
    ],
    "beta_binomial": [
        (
            {"phi": phi},
            trials,
            [0.0, 1.0, trials - 1, trials],
            lambda y, e, phi=phi, n=trials: beta_binomial(y, e, phi, n),
        )
        for phi in (0.05, 3.0, 2_000.0) for trials in (1.0, 7.0, 1_000.0)
    ],
    "zero_inflated_poisson": [
        ({"zi": zi}, None, [0.0, 1.0, 300.0], lambda y, e, zi=zi: inflated(poisson(y, e), y, zi))
        for zi in (1e-6, 0.3, 0.999)
    ],
    "zero_inflated_negative_binomial": [
        (
            {"alpha": alpha, "zi": 0.3},
            None,
            [0.0, 1.0, 300.0],
            lambda y, e, a=alpha: inflated(overdispersed(y, e, a), y, 0.3),
        )
        for alpha in (0.01, 1.5, 1e4)
    ],
    "hurdle_poisson": [
        ({"hu": hu}, None, [0.0, 1.0, 300.0], lambda y, e, hu=hu: hurdle(poisson(y, e), y, hu))
        for hu in (1e-6, 0.3, 0.999)
    ],
    "hurdle_negative_binomial": [
        (
            {"alpha": alpha, "hu": 0.3},
            None,
            [0.0, 1.0, 300.0],
            lambda y, e, a=alpha: hurdle(overdispersed(y, e, a), y, 0.3),
        )
        for alpha in (0.01, 1.5, 1e4)
    ],
    "hurdle_lognormal": [
        (
            {"sigma": 0.7, "hu": hu},
            None,
            [0.0, 0.3, 40.0],
            lambda y, e, hu=hu: hurdle(
                (stats.norm(e, 0.7).logpdf(np.log(np.maximum(y, 1e-9)))
                 - np.log(np.maximum(y, 1e-9)), None), y, hu),
        )
        for hu in (0.01, 0.9)
    ],
    "hurdle_gamma": [
        (
            {"alpha": 2.5, "hu": hu},
            None,
            [0.0, 0.3, 40.0],
            lambda y, e, hu=hu: hurdle(
                (stats.gamma.logpdf(np.maximum(y, 1e-9), 2.5, scale=np.exp(e) / 2.5), None), y, hu
            ),
        )
        for hu in (0.01, 0.9)
    ],
}  # fmt: skip


def mixed(zero: float, mean: float, variance: float) -> tuple[float, float]:
    """Mean and variance of a response that is zero with a probability, and else has these."""
    return (1 - zero) * mean, (1 - zero) * (variance + mean**2) - ((1 - zero) * mean) ** 2


def truncated(zero: float, mean: float, variance: float) -> tuple[float, float]:
    """Mean and variance of counts over zero, from those of all and the probability of zero."""
    above = mean / (1 - zero)
    return above, (variance + mean**2) / (1 - zero) - above**2


MEAN = np.exp(0.7)
CONTINUOUS = [name for name, family in FAMILIES.items() if family.link == "identity"]


# By family: parameters, linear predictor, trials, and the mean and variance of a response.
MOMENTS = {
    "zero_inflated_poisson": ({"zi": 0.3}, 0.7, None, *mixed(0.3, MEAN, MEAN)),
    "zero_inflated_negative_binomial": (
        {"alpha": 2.5, "zi": 0.3},
        0.7,
        None,
        *mixed(0.3, MEAN, MEAN + MEAN**2 / 2.5),
    ),
    "hurdle_poisson": (
        {"hu": 0.3},
        0.7,
        None,
        *mixed(0.3, *truncated(np.exp(-MEAN), MEAN, MEAN)),
    ),
    "hurdle_negative_binomial": (
        {"alpha": 2.5, "hu": 0.3},
        0.7,
        None,
        *mixed(0.3, *truncated((1 + MEAN / 2.5) ** -2.5, MEAN, MEAN + MEAN**2 / 2.5)),
    ),
    "hurdle_lognormal": (
        {"sigma": 0.6, "hu": 0.3},
        0.7,
        None,
        *mixed(0.3, np.exp(0.7 + 0.18), np.expm1(0.36) * np.exp(1.4 + 0.36)),
    ),
    "hurdle_gamma": ({"alpha": 3.0, "hu": 0.3}, 0.7, None, *mixed(0.3, MEAN, MEAN**2 / 3)),
    "gaussian": ({"sigma": 3.0}, 2.0, None, 2.0, 9.0),
    "student_t": ({"sigma": 3.0, "nu": 12.0}, 2.0, None, 2.0, 9.0 * 12 / 10),
    "bernoulli": ({}, -1.0, None, special.expit(-1), special.expit(-1) * special.expit(1)),
    "binomial": ({}, -1.0, 9.0, 9 * special.expit(-1), 9 * special.expit(-1) * special.expit(1)),
    "poisson": ({}, 1.5, None, np.exp(1.5), np.exp(1.5)),
    "negative_binomial": ({"alpha": 2.5}, 1.5, None, np.exp(1.5), np.exp(1.5) + np.exp(3) / 2.5),
    "lognormal": (
        {"sigma": 0.6},
        0.7,
        None,
        np.exp(0.7 + 0.18),
        np.expm1(0.36) * np.exp(1.4 + 0.36),
    ),
    "gamma": ({"alpha": 3.0}, 0.7, None, np.exp(0.7), np.exp(1.4) / 3),
    "weibull": (
        {"alpha": 1.7},
        0.7,
        None,
        stats.weibull_min(1.7, scale=np.exp(0.7)).mean(),
        stats.weibull_min(1.7, scale=np.exp(0.7)).var(),
    ),
    "exponential": ({}, 0.7, None, np.exp(0.7), np.exp(1.4)),
    "beta": (
        {"phi": 4.0},
        0.8,
        None,
        special.expit(0.8),
        special.expit(0.8) * special.expit(-0.8) / 5,
    ),
    "beta_binomial": (
        {"phi": 4.0},
        -1.0,
        9.0,
        9 * special.expit(-1),
        9 * special.expit(-1) * special.expit(1) * (1 + 8 / 5),
    ),
}


def check_density(name: str) -> None:
    """Compare the log density of a family with SciPy's."""
    for parameters, trials, responses, expected in CASES[name]:
        y = np.array(responses)[:, None]
        found = FAMILIES[name].log_density(y, ETA, parameters, trials)
        assert found.shape == (len(responses), len(ETA))
        # Sums of terms as large as the linear predictor times the response.
        size = 1 + np.abs(y * ETA)
        assert np.isfinite(found).all()
        assert found / size == pytest.approx(expected(y, ETA) / size, rel=1e-9, abs=1e-11)


def check_draws(name: str) -> None:
    """Compare draws with the mean and the variance, and with the probability of zero.

    Within 4 standard errors, by a fixed seed: a false alarm in 16,000 for each number.
    """
    parameters, eta, trials, mean, variance = MOMENTS[name]
    family, size = FAMILIES[name], 200_000
    drawn = family.responses(np.random.default_rng(8), np.full(size, eta), parameters, trials)
    assert not family.outside(drawn.astype(float), trials).any()
    assert family.expected(eta, parameters) * (trials or 1) == pytest.approx(mean)
    squares = (drawn - mean) ** 2
    assert drawn.mean() == pytest.approx(mean, abs=4 * (variance / size) ** 0.5)
    assert squares.mean() == pytest.approx(variance, abs=4 * squares.std() / size**0.5)
    if family.discrete:
        zero = float(np.exp(family.log_density(0.0, eta, parameters, trials)))
        error = (zero * (1 - zero) / size) ** 0.5
        assert (drawn == 0).mean() == pytest.approx(zero, abs=4 * error)


def check_total(name: str, parameters: dict, trials: float | None, last: int) -> None:
    """Check that probabilities up to a response add up to one."""
    y = np.arange(last + 1.0)[:, None]
    eta = np.array([-2.0, 0.7, 3.0])
    total = np.exp(FAMILIES[name].log_density(y, eta, parameters, trials)).sum(axis=0)
    assert total == pytest.approx(1, abs=1e-9)
