"""Group effects integrated out of Gaussian models, against dense covariance matrices."""

import numpy as np
import pytest
from scipy import stats
from three_group_table import one_group

from partialpool.engine import collapse

# One scale for all groups, or one for each group, as Student-t effects have.
STRETCHES = [np.ones(1), np.array([0.4, 1.0, 2.5])]


@pytest.mark.parametrize("stretch", STRETCHES, ids=len)
@pytest.mark.parametrize("sigma", ["estimated", "se"])
def test_deviations_are_drawn_from_their_exact_conditional(sigma, stretch):
    design, data, scale, noise = one_group(sigma)
    draws, beta, turned = 40_000, np.array([0.7, 1.2]), np.array([[1.0, -0.6], [0.0, 1.0]])
    u = collapse.draw_deviations(
        data,
        np.tile(beta, (draws, 1)),
        [[np.tile(stretch * scale[i, k], (draws, 1)) for k in range(i + 1)] for i in range(2)],
        np.full(draws, 1.0 if sigma == "se" else 1.3),
        turned,
        np.random.default_rng(1),
    )
    [factor] = design.factors
    for index in range(len(factor.levels)):
        at = factor.index == index
        z = design.matrix[at]
        weighted = z / noise[at, None] ** 2
        between = np.broadcast_to(stretch, 3)[index] * turned @ scale
        covariance = np.linalg.inv(np.linalg.inv(between @ between.T) + z.T @ weighted)
        mean = covariance @ weighted.T @ (design.y[at] - z @ beta)
        error = np.sqrt(np.diag(covariance) / draws)
        assert np.abs(u[:, index].mean(axis=0) - mean).max() < 4 * error.max()
        assert np.cov(u[:, index].T) == pytest.approx(covariance, rel=0.05, abs=0.002)


@pytest.mark.parametrize("stretch", STRETCHES, ids=len)
@pytest.mark.parametrize("sigma", ["estimated", "se"])
def test_density_of_a_whole_group_is_that_of_its_rows(sigma, stretch):
    design, data, scale, noise = one_group(sigma)
    beta = np.array([[0.7, 1.2], [1.0, 0.9]])
    entries = [[np.tile(stretch * scale[i, k], (2, 1)) for k in range(i + 1)] for i in range(2)]
    spread = np.full(2, 1.0 if sigma == "se" else 1.3)
    with_deviations = collapse.group_log_density(data, beta, entries, spread)
    without = collapse.group_log_density(data, beta, [], spread)
    [factor] = design.factors
    for index in range(len(factor.levels)):
        at = factor.index == index
        z, residual = design.matrix[at], design.y[at] - design.matrix[at] @ beta[0]
        covariance = np.diag(noise[at] ** 2)
        assert without[0, index] == pytest.approx(
            stats.multivariate_normal(cov=covariance).logpdf(residual), rel=1e-8
        )
        between = np.broadcast_to(stretch, 3)[index] * z @ scale
        covariance = covariance + between @ between.T
        assert with_deviations[0, index] == pytest.approx(
            stats.multivariate_normal(cov=covariance).logpdf(residual), rel=1e-8
        )
