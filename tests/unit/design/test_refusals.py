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


# Terms in the text of a remedy: a call, an interaction, a name in backticks, a group term.
TERM = re.compile(
    r"\b(?:cr|bs|cc|C|I|log)\([^()]*(?:\([^()]*\))?[^()]*\)"
    r"|\ba(?::| \* )b\b|`a b`|\([\w +]+ \|\|? g\)"
)
EXAMPLES = [
    (name, term) for name, remedy in refusals.FUNCTIONS.items() for term in TERM.findall(remedy)
]
# Their remedy is a key of the study or another table, or there is none.
WITHOUT_EXAMPLE = (
    "cbind p prop proportion trials mvbind mvbrmsformula bf resp weights weighted se rate cens "
    "censored Surv trunc truncated subset me mi cs as.numeric as.integer cut constrained"
)


@pytest.mark.parametrize(("name", "term"), EXAMPLES)
def test_what_a_remedy_says_to_write_is_a_formula(name, term):
    parse(f"y ~ x + {term}")


def test_every_other_remedy_has_no_example():
    assert {*refusals.FUNCTIONS} - {name for name, _ in EXAMPLES} == {*WITHOUT_EXAMPLE.split()}


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
