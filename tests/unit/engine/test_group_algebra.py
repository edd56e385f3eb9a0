"""Linear algebra of a few columns, against NumPy's of whole matrices."""

import numpy as np
import pytest
from scipy import stats

from partialpool.engine import group_algebra

SIZE, GROUPS = 3, 5


def matrices(rng) -> np.ndarray:
    """Positive definite matrices, `(group, row, column)`."""
    root = rng.normal(size=(GROUPS, SIZE + 1, SIZE + 1))
    return root @ root.swapaxes(1, 2) + np.eye(SIZE + 1)


def test_orthogonalised_columns_are_a_qr_decomposition():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(GROUPS, 7, SIZE)), rng.normal(size=(GROUPS, 7))
    directions, triangle = group_algebra.orthogonalise(list(a.transpose(2, 1, 0)), np)
    residual, along = group_algebra.remove(directions, b.T)
    for group in range(GROUPS):
        q = np.stack([direction[:, group] for direction in directions], axis=1)
        r = np.zeros((SIZE, SIZE))
        for (i, k), entry in triangle.items():
            r[i, k] = entry[group]
        assert q.T @ q == pytest.approx(np.eye(SIZE), abs=1e-12)
        assert q @ r == pytest.approx(a[group])
        found = np.linalg.solve(r, [one[group] for one in along])
        coefficients, squares, *_ = np.linalg.lstsq(a[group], b[group])
        assert found == pytest.approx(coefficients)
        assert (residual[:, group] ** 2).sum() == pytest.approx(squares[0])


def test_stacked_columns_are_the_design_times_the_scale_over_the_residual_sd():
    rng = np.random.default_rng(2)
    design, scale = rng.normal(size=(SIZE, SIZE, GROUPS)), np.tril(rng.normal(size=(SIZE, SIZE)))
    entries = [[scale[i, k] for k in range(i + 1)] for i in range(SIZE)]
    found = np.stack(group_algebra.stacked(design, entries, np.float64(1.7), np), axis=1)
    for group in range(GROUPS):
        expected = np.vstack([design[..., group] @ scale, 1.7 * np.eye(SIZE)])
        assert found[..., group] == pytest.approx(expected)


def test_the_cholesky_factor_follows_from_quadratic_forms():
    p, pairs = matrices(np.random.default_rng(3)), group_algebra.pairs(SIZE + 1)
    forms = np.einsum("ip,gik,kp->pg", pairs, p, pairs)
    found = group_algebra.triangle_of(forms, SIZE, np)
    for group in range(GROUPS):
        upper = np.linalg.cholesky(p[group]).T
        for (row, column), entry in found.items():
            assert entry[group] == pytest.approx(upper[row, column])
    assert len(found) == SIZE * (SIZE + 1) / 2 + SIZE


def test_the_scale_of_effects_is_the_cholesky_factor_of_their_covariance():
    sd, partial = np.array([[0.5, 2.0], [3.0, 1.0]]), {(1, 0): np.array([0.3, -0.8])}
    entries = group_algebra.effects_scale(sd, partial, 2, np)
    for draw in range(2):
        correlation = np.array([[1, partial[1, 0][draw]], [partial[1, 0][draw], 1]])
        covariance = np.outer(sd[:, draw], sd[:, draw]) * correlation
        found = [entries[0][0][draw], entries[1][0][draw], entries[1][1][draw]]
        assert found == pytest.approx(np.linalg.cholesky(covariance)[np.tril_indices(2)])


def test_partial_correlations_make_an_lkj_matrix():
    """Under LKJ(eta) each correlation of q is 2 Beta(eta + q/2 - 1, same) - 1."""
    rng, eta, draws = np.random.default_rng(2), 1.5, 20_000
    blocks = ("single",), ("four", "that", "are", "correlated"), ("another",)
    shapes = group_algebra.partial_correlations(blocks, eta)
    partial = {p: 2 * rng.beta(shape, shape, draws) - 1 for p, shape in shapes.items()}
    factor = group_algebra.cholesky(partial, 6, np)
    assert [factor[0], factor[5]] == [[1], [0, 0, 0, 0, 0, 1]]
    assert not any(row[0] for row in factor[1:])
    factor = [row[1:] for row in factor[1:5]]
    size = len(factor)
    shape = eta + size / 2 - 1
    for row in range(1, size):
        for other in range(row):
            correlation = sum(
                np.broadcast_to(a, draws) * np.broadcast_to(b, draws)
                for a, b in zip(factor[row], factor[other], strict=False)
            )
            marginal = stats.beta(shape, shape, loc=-1, scale=2)
            # Six tests with a fixed seed, each a false alarm once in a thousand.
            assert stats.kstest(correlation, marginal.cdf).pvalue > 1e-3
