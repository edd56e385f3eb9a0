"""Small matrices and parameters of compiled densities: derivatives against differences."""

import numpy as np
import pytest

from partialpool.engine import group_algebra, kernel_parts


def slopes(function, x, step=1e-6):
    """Central differences of a number in every entry of an array."""
    found = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        change = np.zeros_like(x)
        change[at] = step
        found[at] = (function(x + change) - function(x - change)) / (2 * step)
    return found


@pytest.mark.parametrize("size", [1, 2, 4])
def test_cholesky_and_its_derivative(size):
    rng, width = np.random.default_rng(size), size + 1
    root = rng.normal(size=(width + 3, width))
    matrix, weights = root.T @ root, rng.normal(size=(width, width))

    def factor(upper):
        found = np.zeros((width, width))
        kernel_parts.cholesky(np.ascontiguousarray(upper), found, size, width)
        return found

    found = factor(matrix)
    assert np.allclose((found.T @ found)[:size], matrix[:size])
    into, back = np.triu(weights), np.zeros((width, width))
    kernel_parts.cholesky_back(matrix, found, into.copy(), back, size, width)
    expected = np.triu(slopes(lambda m: (np.triu(weights) * factor(m))[:size].sum(), matrix))
    assert np.allclose(back[:size], expected[:size], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("blocks", [((0, 1, 2, 3),), ((0, 1), (2, 3)), ((0,), (1,))])
def test_scale_of_effects_and_its_derivative(blocks):
    size = sum(map(len, blocks))
    pairs = group_algebra.partial_correlations(blocks)
    rng = np.random.default_rng(size)
    theta = np.concatenate([rng.uniform(0.5, 2, size), rng.uniform(0.2, 0.8, len(pairs))])
    partial = np.full((size, size), -1)
    for number, pair in enumerate(pairs):
        partial[pair] = size + number
    weights = np.tril(rng.normal(size=(size, size)))
    scale, correlation, roots = np.zeros((3, size, size))

    def total(theta):
        kernel_parts.effects_scale(scale, correlation, roots, theta[:size], partial, theta)
        return (weights * scale).sum()

    expected = slopes(total, theta)
    total(theta)
    ours = {pair: 2 * theta[size + i] - 1 for i, pair in enumerate(pairs)}
    dense = group_algebra.effects_scale(theta[:size], ours, size, np)
    assert all(np.allclose(scale[i, : i + 1], row) for i, row in enumerate(dense))
    slope = np.zeros(len(theta))
    kernel_parts.effects_scale_back(
        weights, correlation, roots, theta[:size], partial, theta, slope, 0
    )
    assert np.allclose(slope, expected, rtol=1e-6, atol=1e-8)


def test_codes_are_of_all_families_that_have_a_kernel():
    assert set(kernel_parts.CODES) == {*kernel_parts.PRIORS}
    assert "normal" in kernel_parts.CODES and "lkj" not in kernel_parts.CODES
    density, slope = kernel_parts.prior(kernel_parts.CODES["normal"], 3.0, 1.0, 2.0, 0.0)
    assert (density, slope) == (-0.5, -0.5)
    assert np.isnan(kernel_parts.prior(len(kernel_parts.CODES), 3.0, 1.0, 2.0, 0.0)).sum() == 0
