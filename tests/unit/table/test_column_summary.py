"""Summaries of columns in batches, and the numbers in them that may stand for something else."""

import numpy as np
import pandas as pd
import pytest

from partialpool.table.column_summary import LabelSummary, NumberSummary


def summary(kind, *batches):
    found = kind()
    for batch in batches:
        found.add(pd.Series(batch))
    return found


def test_labels_are_counted_in_all_batches():
    batches = (pd.Series(["b", "a", "b"], dtype="category"), ["a", "c"])
    found = summary(LabelSummary, *batches).description(missing=2)
    assert found == {"type": "text", "missing": 2, "levels": {"a": 2, "b": 2, "c": 1}}


def test_numbers_have_the_moments_of_all_batches():
    values = np.random.default_rng(4).normal(size=50)
    found = summary(NumberSummary, values[:7], values[7:]).description(missing=0)
    assert (found["min"], found["max"]) == (values.min(), values.max())
    assert found["mean"] == pytest.approx(values.mean())
    assert found["sd"] == pytest.approx(values.std(ddof=1))
    assert summary(NumberSummary, [3]).description(0)["sd"] == 0


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([1, 5, -999], {-999: 1}),
        ([1, 5, -999, 99, 99], {-999: 1, 99: 2}),
        ([1, 50, 99], {99: 1}),
        ([1, 51, 99], {}),  # nearer than the others' range
        ([99, 99], {}),  # there are no others
        ([5, 5, 99], {}),
        ([1, 5, 998], {}),
    ],
)
def test_codes_are_far_from_all_other_numbers(values, codes):
    for batches in ([values], [values[:1], values[1:]], [values[::-1]]):
        assert summary(NumberSummary, *batches).codes_far_out == codes


@pytest.mark.parametrize(
    ("values", "example"),
    [
        ([987, 1.234, 12.345, 23.456, 1.111, 9.876], 1.234),
        ([987, 1.234, 12.345, 23.456, 1.111], None),  # too few with a point
        ([987, 1.2345, 12.345, 23.456, 1.111, 9.876], None),  # four decimals
        ([9, 1.234, 12.345, 23.456, 1.111, 9.876], None),  # whole numbers are as small
        ([1987, 1.234, 12.345, 23.456, 1.111, 9.876], None),  # a thousand without a point
        ([1.234, 12.345, 23.456, 1.111, 9.876, 3.003], None),  # no whole number
    ],
)
def test_points_that_may_separate_thousands(values, example):
    assert summary(NumberSummary, values).thousands.example == example
    assert summary(NumberSummary, values[:3], values[3:]).thousands.example == example
