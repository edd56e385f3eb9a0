"""The columns that vary by a grouping factor."""

from partialpool.base.grouping_factor import GroupingFactor


def test_the_columns_of_all_blocks_vary():
    factor = GroupingFactor("g", (("Intercept", "x"), ("z",)), ("a", "b"))
    assert factor.varying == ("Intercept", "x", "z")
    assert GroupingFactor("g", (), ()).varying == ()
