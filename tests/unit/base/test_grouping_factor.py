"""The columns that vary by a grouping factor."""

from partialpool.base.grouping_factor import GroupingFactor, unit


def test_the_columns_of_all_blocks_vary():
    factor = GroupingFactor("g", (("Intercept", "x"), ("z",)), ("a", "b"))
    assert factor.varying == ("Intercept", "x", "z")
    assert GroupingFactor("g", (), ()).varying == ()


def test_a_group_is_within_those_of_the_columns_before():
    assert unit(["school"]) == "school"
    assert unit(name for name in ("town", "school", "class")) == "class within school within town"
