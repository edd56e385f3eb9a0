"""Warnings about grouping factors that the data cannot separate from other terms."""

import numpy as np
import pytest
from tables import Y, warnings, warnings_or_error


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (np.arange(60) % 6, 5 - np.arange(60) % 6, True),
        (np.arange(60) % 6, np.arange(60) // 10, False),  # crossed
        (np.arange(60) % 6, np.arange(60) % 12, False),  # nested, either way
        (np.arange(60) % 12, np.arange(60) % 6, False),
        (np.arange(60) % 6, np.where(np.arange(60) == 7, 5, np.arange(60) % 6), False),
    ],
)
def test_factors_of_the_same_groups_are_pointed_out(tmp_path, first, second, same):
    said = warnings_or_error(
        tmp_path, {"y": Y, "g": first, "h": second}, "y ~ 1 + (1 | g) + (1 | h)"
    )
    assert said.startswith("'g' and 'h' divide the rows into the same groups") if same else not said


def test_varying_slopes_of_predictors_far_from_zero(tmp_path):
    rows = "".join(
        f"{g},{1000 + x},{x * (1 + i) + x**2}\n" for i, g in enumerate("abc") for x in range(4)
    )
    path, text = tmp_path / "t.csv", "g,x,y\n" + rows
    assert "Write center(x)" in warnings(path, text, "y ~ x + (1 + x | g)")
    assert "Write center(log(x))" in warnings(path, text, "y ~ log(x) + (1 + log(x) | g)")
    for fine in ("y ~ x + (1 | g)", "y ~ center(x) + (1 + center(x) | g)", "y ~ x + (0 + x | g)"):
        assert "center" not in warnings(path, text, fine)


def test_a_label_that_nearly_all_rows_have_is_not_to_be_centred(tmp_path):
    kinds = ["b"] * 397 + ["a"] * 3
    rows = "".join(f"{'fgh'[i % 3]},{kind},{i % 7}\n" for i, kind in enumerate(kinds))
    said = warnings(tmp_path / "t.csv", "g,kind,y\n" + rows, "y ~ kind + (1 + kind | g)")
    assert "center" not in said


@pytest.mark.parametrize(
    ("formula", "own"),
    [
        ("y ~ g + (1 | g)", "'Intercept'"),
        ("y ~ 0 + x * g + (x | g)", "'Intercept', 'x'"),
        ("y ~ g + x + (0 + x | g)", ""),
        ("y ~ g + (1 | g:h)", ""),
        ("y ~ x + (1 | g)", ""),
    ],
)
def test_groups_that_are_predictors_too_are_pointed_out(tmp_path, formula, own):
    rows = (f"g{i % 3},h{i // 3 % 2},{i**0.5:.3f},{i**1.5 % 7:.3f}\n" for i in range(24))
    said = warnings(tmp_path / "t.csv", "g,h,x,y\n" + "".join(rows), formula)
    assert (f"give each group of 'g' its own {own}, so only its prior" in said) == bool(own)
    assert ("its own" in said) == bool(own)
