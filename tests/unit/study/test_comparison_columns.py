"""Differences in elpd that decide, and those that do not."""

import pytest

from partialpool.study import comparison_columns


@pytest.mark.parametrize(
    ("difference", "error", "expected"),
    [(0, 0, True), (-3.9, 0.1, True), (-4, 1, False), (-9, 5, True), (-10, 5, False)],
)
def test_a_difference_decides_from_both_limits_on(difference, error, expected):
    assert comparison_columns.too_close(difference, error) is expected
