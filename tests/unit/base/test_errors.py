"""Formatting of values and suggestions in messages of errors."""

import pytest

from partialpool.base.errors import nearest, quoted, quoted_list


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [("flor", "; nearest: 'floor'"), ("FLOOR", "; nearest: 'floor'"), ("county", "")],
)
def test_the_nearest_valid_word_is_suggested_whatever_its_case(word, suggestion):
    assert nearest(word, ["floor", "uranium"]) == suggestion


def test_ten_names_are_listed_and_the_number_of_all():
    assert quoted_list(["a", 1]) == "'a', '1'"
    assert quoted_list(range(11)).endswith("'9', ... (11 in all)")
    assert quoted_list(range(10)).endswith("'9'")


def test_a_value_is_shown_on_one_line_of_at_most_80_characters():
    assert quoted("two\n lines") == "'two lines'"
    assert len(quoted("x" * 78)) == 80
    assert quoted("x" * 79).endswith("...'") and len(quoted("x" * 79)) == 80
