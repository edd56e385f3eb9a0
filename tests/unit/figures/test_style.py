"""Labels fit their place and stay distinct."""

import pytest

from partialpool.figures import (
    style,
)


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 10, "short"),
        ("a long name of a group", 10, "a long na…"),
        ("北京大学第一医院", 7, "北京大…"),
        ("two\nlines\x00", 20, "two lines"),
    ],
)
def test_short_names(text, columns, shown):
    assert style.fit_label(text, columns) == shown


def test_shortened_names_stay_distinct():
    labels = style.distinct(["x" * 100 + "1", "x" * 100 + "2"])
    assert len(set(labels)) == 2
    assert all(len(label) <= style.LABEL for label in labels)
