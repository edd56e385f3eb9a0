"""Notation of other packages: every function that is known has a remedy that can be parsed."""

import re

import pytest

from partialpool.base.errors import UserError
from partialpool.design import refusals
from partialpool.design.functions import ARGUMENTS
from partialpool.design.grammar import parse
from partialpool.design.refusals import lookalike


@pytest.mark.parametrize("name", refusals.FUNCTIONS)
def test_a_function_of_another_package_is_refused_with_its_remedy(name):
    assert name not in ARGUMENTS
    with pytest.raises(UserError) as caught:
        parse(f"y ~ {name}(x)")
    assert str(caught.value).endswith(f"{name}() is not available in a formula; "
                                      f"{refusals.FUNCTIONS[name]}")  # fmt: skip


@pytest.mark.parametrize("remedy", sorted({*refusals.FUNCTIONS.values()}))
def test_what_a_remedy_says_to_write_is_a_formula(remedy):
    for written in re.findall(r"\b(?:cr|bs|cc|C|I|log)\([^()]*(?:\([^()]*\))?[^()]*\)", remedy):
        parse(f"y ~ {written}")
    for written in re.findall(r"\([\w +]+ \|\|? g\)", remedy):
        parse(f"y ~ x + {written}")


@pytest.mark.parametrize(
    ("character", "description"),
    [
        ("\u00d7", "is MULTIPLICATION SIGN, U+00D7; write '*'"),
        ("\u2264", "is LESS-THAN OR EQUAL TO, U+2264; write '<='"),
        ("\u00b2", "is SUPERSCRIPT TWO, U+00B2; write '**2'"),
        ("\u00a0", "is a space of another kind (NO-BREAK SPACE, U+00A0); write a plain one"),
        ("\u00ad", "is invisible (SOFT HYPHEN, U+00AD); leave it out"),
        ("\u0663", "is ARABIC-INDIC DIGIT THREE, U+0663; write 3"),
        *((character, None) for character in "x7~|+ \n\u00e9\u00df\u4e2d"),
    ],
)
def test_characters_that_look_like_others(character, description):
    assert lookalike(character) == description
