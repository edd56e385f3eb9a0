"""The form `name(number, ...)`."""

import pytest

from partialpool.study.calls import call


@pytest.mark.parametrize(
    ("text", "name", "numbers"),
    [
        ("normal(0, 10)", "normal", (0.0, 10.0)),
        (" normal ( -0.5,+1e-3 ) ", "normal", (-0.5, 0.001)),
        ("half_normal(.5)", "half_normal", (0.5,)),
        ("f(1.)", "f", (1.0,)),
        ("flat()", "flat", ()),
    ],
)
def test_a_name_and_numbers(text, name, numbers):
    assert call(text) == (name, numbers)


@pytest.mark.parametrize(
    "text",
    ["", "normal", "normal(", "normal(a)", "normal(0,)", "normal(0 1)", "normal(1, 2) + 1",
     "normal(nan)", "normal(inf)", "normal(1e)", "2normal(1)", "normal(__import__('os'))"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    assert call(text) is None
