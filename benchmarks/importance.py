"""The reference posterior: importance sampling from the exact likelihood, in plain NumPy.

It shares no code with the package or with any peer: group effects are integrated out on paper,
from sums over each group's rows, and the draws are independent ones, weighted. Priors are the
package's defaults, as config/README.md has them.
"""

import numpy as np
from scipy import optimize, stats
from simulated import PARAMETERS, Totals

FREEDOM = 7  # of the Student-t the draws come from: wider in the tails than what is weighted
NUMBERS = 2e8  # groups times draws


def log_likelihood(theta: np.ndarray, data: Totals) -> np.ndarray:
    """Log density of all responses.

    With S the sums of squares and products of one group's (1, x), G the covariance of its
    effects and r its residuals at the population's line, the covariance of its responses is
    V = sigma^2 I + Z G Z', so with M = I + G S / sigma^2

        log |V| = 2 n log sigma + log |M|,  r'V^-1 r = (r'r - (Z'r)' M^-1 G Z'r / sigma^2) / sigma^2

    Parameters
    ----------
    theta : numpy.ndarray
        Shape `(draw, parameter)`, in the order of `PARAMETERS`.
    data : Totals

    Returns
    -------
    numpy.ndarray
        Shape `(draw,)`.
    """
    b0, b1, s0, s1, cor, sigma = theta.T[:, :, None]
    g00, g01, g11, v = s0**2, cor * s0 * s1, s1**2, sigma**2
    rr = (
        data.yy
        - 2 * (b0 * data.y + b1 * data.xy)
        + b0**2 * data.n
        + 2 * b0 * b1 * data.x
        + b1**2 * data.xx
    )
    r0 = data.y - b0 * data.n - b1 * data.x
    r1 = data.xy - b0 * data.x - b1 * data.xx
    m00 = 1 + (g00 * data.n + g01 * data.x) / v
    m01 = (g00 * data.x + g01 * data.xx) / v
    m10 = (g01 * data.n + g11 * data.x) / v
    m11 = 1 + (g01 * data.x + g11 * data.xx) / v
    determinant = m00 * m11 - m01 * m10
    h0, h1 = g00 * r0 + g01 * r1, g01 * r0 + g11 * r1
    explained = (r0 * (m11 * h0 - m01 * h1) + r1 * (m00 * h1 - m10 * h0)) / determinant / v
    log_v = data.n * np.log(2 * np.pi * v) + np.log(determinant)
    return -0.5 * (log_v + (rr - explained) / v).sum(axis=1)


def log_prior(theta: np.ndarray, data: Totals) -> np.ndarray:
    """Log density of the package's default priors."""
    b0, b1, s0, s1, cor, sigma = theta.T
    wide, steep = 2.5 * data.sd_y, 2.5 * data.sd_y / data.sd_x
    return (
        stats.norm.logpdf(b0 + b1 * data.mean_x, data.mean_y, wide)
        + stats.norm.logpdf(b1, 0, steep)
        + stats.halfnorm.logpdf(s0, scale=wide)
        + stats.halfnorm.logpdf(s1, scale=steep)
        + stats.beta.logpdf((1 + cor) / 2, 2, 2)  # LKJ(2) of one correlation
        + stats.t.logpdf(sigma / data.sd_y, 4)
    )


def constrain(free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parameters from coordinates without bounds, and the logarithm of the Jacobian."""
    logs = free[:, [2, 3, 5]]
    cor = np.tanh(free[:, 4])
    theta = np.column_stack([free[:, :2], np.exp(logs[:, :2]), cor, np.exp(logs[:, 2])])
    return theta, logs.sum(axis=1) + np.log1p(-(cor**2))


def log_density(free: np.ndarray, data: Totals) -> np.ndarray:
    """Log posterior density of coordinates without bounds, up to a constant."""
    theta, jacobian = constrain(free)
    step = max(1, int(2e6 / len(data.n)))  # so that arrays stay in the processor's cache
    parts = [log_likelihood(theta[i : i + step], data) for i in range(0, len(theta), step)]
    return np.concatenate(parts) + log_prior(theta, data) + jacobian


def _curvature(centre: np.ndarray, data: Totals, step: float = 1e-3) -> np.ndarray:
    """Minus the matrix of second derivatives of the log density, by central differences."""
    size = len(centre)
    steps = step * np.eye(size)
    ends = [(a, b) for a in (1, -1) for b in (1, -1)]
    points = [
        centre + a * steps[i] + b * steps[j]
        for a, b in ends
        for i in range(size)
        for j in range(size)
    ]
    values = log_density(np.array(points), data).reshape(len(ends), size, size)
    signs = np.array([a * b for a, b in ends])[:, None, None]
    return -(signs * values).sum(axis=0) / (4 * step**2)


def posterior(data: Totals, seed: int = 1) -> dict:
    """Mean and sd of every parameter, and the effective number of independent draws.

    From a normal approximation at the mode, then from the mean and covariance that gave.
    """
    start = np.array([data.mean_y, 0, *np.log([data.sd_y / 2] * 2), 0, np.log(data.sd_y / 2)])
    # Without derivatives: along that of ten million rows the first step leaves all numbers behind.
    found = optimize.minimize(
        lambda free: -log_density(free[None], data)[0],
        start,
        method="Nelder-Mead",
        options={"adaptive": True, "xatol": 1e-6, "fatol": 1e-6, "maxiter": 10_000},
    )
    centre = found.x
    covariance = np.linalg.inv(_curvature(centre, data))
    rng = np.random.default_rng(seed)
    draws = int(np.clip(NUMBERS / len(data.n), 10_000, 100_000))
    for size in (draws // 4, draws, draws):
        proposal = stats.multivariate_t(centre, covariance, FREEDOM)
        free = proposal.rvs(size, random_state=rng)
        weight = log_density(free, data) - proposal.logpdf(free)
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        centre, covariance = weight @ free, np.cov(free.T, aweights=weight)
    theta, _ = constrain(free)
    mean = weight @ theta
    sd = np.sqrt(weight @ (theta - mean) ** 2)
    return {
        "mean": dict(zip(PARAMETERS, mean.tolist(), strict=True)),
        "sd": dict(zip(PARAMETERS, sd.tolist(), strict=True)),
        "ess": float(1 / (weight**2).sum()),
    }
