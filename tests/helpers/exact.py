"""Posteriors and densities found without the engine, to hold it against."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats


@dataclass
class OneWay:
    """Exact posterior moments of y_j ~ N(theta_j, se_j^2), theta_j ~ N(mu, tau^2).

    By quadrature over tau on a fine grid in log tau; given tau, mu and theta are
    normal (Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, section 5.4).
    """

    mu: tuple[float, float]  # mean, sd
    tau: tuple[float, float]
    theta: np.ndarray  # (group, 2)
    u: np.ndarray  # (group, 2): theta - mu

    @classmethod
    def integrate(cls, y, se, mu_prior: tuple[float, float], tau_prior) -> "OneWay":
        """`mu_prior` is the mean and sd of a normal, `tau_prior` a frozen scipy distribution."""
        y, variance = np.asarray(y, dtype=float), np.asarray(se, dtype=float) ** 2
        location, scale = mu_prior
        log_tau = np.linspace(-14, 9, 20_001)
        tau = np.exp(log_tau)[:, None]
        weight = 1 / (variance + tau**2)
        precision = weight.sum(axis=1) + scale**-2
        mean = ((weight * y).sum(axis=1) + location / scale**2) / precision
        # log p(y | tau), mu integrated out, by p(y | mu) p(mu) / p(mu | y) at its mean
        log_density = (
            stats.norm.logpdf(y, mean[:, None], np.sqrt(1 / weight)).sum(axis=1)
            + stats.norm.logpdf(mean, location, scale)
            + 0.5 * np.log(2 * np.pi / precision)
            + tau_prior.logpdf(tau[:, 0])
            + log_tau  # d tau = tau d log tau
        )
        mass = np.exp(log_density - log_density.max())
        mass /= mass.sum()

        def moments(first, second):
            average = mass @ first
            return np.stack([average, np.sqrt(mass @ second - average**2)], axis=-1)

        kept = 1 / (1 + variance / tau**2)  # share of a group's own mean in theta's
        theta = kept * y + (1 - kept) * mean[:, None]
        spread = kept * variance + (1 - kept) ** 2 / precision[:, None]
        u = kept * (y - mean[:, None])
        spread_of_u = kept * variance + kept**2 / precision[:, None]
        return cls(
            mu=tuple(moments(mean, mean**2 + 1 / precision)),
            tau=tuple(moments(tau[:, 0], tau[:, 0] ** 2)),
            theta=moments(theta, theta**2 + spread),
            u=moments(u, u**2 + spread_of_u),
        )


def log_density(y, mean, covariance) -> float:
    """Log density of a multivariate normal in exact rational arithmetic.

    Takes floats or fractions, as ill-conditioned as they like; only the logarithms
    and the final sum are rounded.
    """
    size = len(y)
    matrix = [[Fraction(v) for v in row] for row in covariance]
    residual = [Fraction(a) - Fraction(b) for a, b in zip(y, mean, strict=True)]
    pivots, squares = [], Fraction(0)
    for i in range(size):
        pivots.append(matrix[i][i])
        squares += residual[i] ** 2 / matrix[i][i]
        for k in range(i + 1, size):
            ratio = matrix[k][i] / matrix[i][i]
            residual[k] -= ratio * residual[i]
            for column in range(i + 1, size):
                matrix[k][column] -= ratio * matrix[i][column]
    logs = sum(math.log(p.numerator) - math.log(p.denominator) for p in pivots)
    return -0.5 * (size * np.log(2 * np.pi) + logs + float(squares))
