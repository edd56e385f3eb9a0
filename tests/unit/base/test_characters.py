"""Texts compared by their appearance."""

import pytest

from partialpool.base.characters import alike, appearance, looks_like, plain, spelled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a  b\t", "a b"),
        ("\u22121", "-1"),
        ("\u00bd", "1/2"),
        ("2\u00bd", "2 1/2"),
        ("m\u00b2", "m^2"),
        ("\uff11\uff12", "12"),
        ("\u0663", "3"),
        ("a\u200bb", "ab"),
        ("\u201cx\u201d", '"x"'),
        ("\u2013", "-"),
        ("\u00e9", "\u00e9"),
    ],
)
def test_plain_text(text, expected):
    assert plain(text) == expected
    assert plain(expected) == expected


@pytest.mark.parametrize(
    ("one", "other", "same", "characters_differ"),
    [
        ("North", "north ", True, False),
        ("\u00e9", "e\u0301", True, True),
        ("A", "\u0410", True, True),  # Cyrillic
        ("a\u00a0b", "a b", True, False),
        ("a-b", "a\u2010b", True, True),
        ("\u00df", "ss", True, False),
        ("a", "b", False, False),
        ("e", "\u00e9", False, False),
    ],
)
def test_texts_that_look_alike(one, other, same, characters_differ):
    assert (appearance(one) == appearance(other)) == same
    assert looks_like(one, other) == looks_like(other, one) == characters_differ


def test_groups_of_texts_that_look_alike():
    assert alike(["b", "A", "x", "\u0410", "B", "a"]) == [["b", "B"], ["A", "\u0410", "a"]]
    assert spelled("\u0410") == r"'\u0410'"
