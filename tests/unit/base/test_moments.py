"""Moments merged from parts, and robust location and scale."""

import numpy as np
import pytest
from scipy import stats

from partialpool.base.moments import Moments, robust


@pytest.mark.parametrize("weighted", [False, True])
def test_parts_merge_to_the_moments_of_all_rows(weighted):
    """Without loss of digits to a mean of a million standard deviations."""
    rng = np.random.default_rng(1)
    values, weights = 1e6 + rng.normal(size=(50, 2)), rng.integers(1, 4, 50)
    parts = slice(0, 7), slice(7, 20), slice(20, 50)
    first, second, third = (Moments.of(values[p], weights[p] if weighted else None) for p in parts)
    found = first + (second + third)
    rows = np.repeat(values, weights, axis=0) if weighted else values
    assert found.weight == len(rows)
    assert found.mean == pytest.approx(rows.mean(axis=0), rel=1e-14)
    assert found.sd == pytest.approx(rows.std(axis=0), rel=1e-9)


def test_robust_location_and_scale_are_median_and_mad():
    values = np.random.default_rng(1).standard_cauchy(101)
    location, scale = robust(values)
    assert location == np.median(values)
    assert scale == pytest.approx(stats.median_abs_deviation(values, scale="normal"))
    weights = np.arange(1, 102) % 3 + 1.0
    assert robust(values, weights) == pytest.approx(robust(np.repeat(values, weights.astype(int))))


def test_the_mean_deviation_is_used_if_most_values_are_equal():
    location, scale = robust(np.array([2.0] * 8 + [7.0, 7.0]))
    assert (location, scale) == (2, pytest.approx(np.sqrt(np.pi / 2)))
