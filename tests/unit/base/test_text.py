"""Numbers in short text."""

import pytest

from partialpool.base import text


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1.00273, 1.0015, 1.004], ["1.003", "1.002", "1.004"]),
        ([2.345, 1.5, 4.0], ["2.35", "1.5", "4"]),
        ([1.0, 1.0, 1.0], ["1", "1", "1"]),
    ],
)
def test_ratios_close_to_one_are_told_apart(values, shown):
    assert text.apart(values) == shown


@pytest.mark.parametrize(
    ("x", "sd", "shown"),
    [
        (7.534e-12, 4e-13, "7.53e−12"),
        (-7.534e-12, 4e-13, "−7.53e−12"),
        (4e-13, 4e-13, "4.0e−13"),
        (4e-16, 4e-13, "0"),
        (1.25, 4e-13, "1.25000000"),
        (0.0, 1e-12, "0"),
        (0.00012345, 1e-6, "0.0001234"),
    ],
)
def test_a_small_number_is_not_rounded_to_zero(x, sd, shown):
    assert text.fixed(x, text.decimals(sd)) == shown


def test_a_huge_number_has_few_letters():
    assert text.fixed(-1.23456e80, 2) == "−1.23e+80" and text.fixed(float("inf"), 2) == "inf"


@pytest.mark.parametrize(
    ("x", "shown"),
    [(1.0, "1"), (-0.00004, "−4e−05"), (12345.678, "12,346"), (0.25, "0.25"), (0.0, "0")],
)
def test_numbers(x, shown):
    assert text.number(x, 5) == shown
