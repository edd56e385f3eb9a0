"""Tokens of a formula, and the characters and signs that are refused with their place."""

import pytest

from partialpool.design import refusals
from partialpool.design.tokens import InvalidFormula, scan


def test_tokens_have_a_kind_and_a_value():
    tokens = scan("y ~ .5*`a b`**2 + C(k, 'u') + (1 || g)")
    kinds = "IDENTIFIER TILDE NUMBER STAR BQNAME STAR_STAR NUMBER PLUS IDENTIFIER LEFT_PAREN"
    kinds += " IDENTIFIER COMMA STRING RIGHT_PAREN PLUS LEFT_PAREN NUMBER PIPE IDENTIFIER"
    assert [token.kind for token in tokens] == [*kinds.split(), "RIGHT_PAREN", "EOF"]
    assert [token.literal for token in tokens if token.kind in ("NUMBER", "STRING")] == [
        0.5, 2, "u", 1,
    ]  # fmt: skip
    assert [token.lexeme for token in tokens if token.kind == "PIPE"] == ["||"]


@pytest.mark.parametrize("sign", refusals.SIGNS)
def test_a_sign_without_meaning_has_its_remedy(sign):
    with pytest.raises(InvalidFormula) as caught:
        scan(f"y ~ x {sign} z")
    assert str(caught.value) == refusals.SIGNS[sign]


@pytest.mark.parametrize("word", refusals.WORDS)
def test_a_word_of_r_has_its_remedy_unless_it_is_called(word):
    with pytest.raises(InvalidFormula) as caught:
        scan(f"y ~ x + {word}")
    assert str(caught.value) == refusals.WORDS[word]
    scan(f"y ~ x + {word}(x)")


def test_a_character_that_looks_like_another_is_named_with_its_place():
    with pytest.raises(InvalidFormula, match=r"character 7, '\u2212', is MINUS SIGN, U\+2212"):
        scan("y ~ x \u2212 z")
    with pytest.raises(InvalidFormula, match="character 6 is invisible"):
        scan("y ~ x\u200b")
