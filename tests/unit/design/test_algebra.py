"""Terms of sums, products and powers, as R has them."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.design.grammar import parse
from partialpool.design.terms import term_name


def meaning(node) -> set[frozenset]:
    """The terms of a sum or product by the rules of R: sets of columns."""
    if isinstance(node, str):
        return {frozenset(node)}
    left, sign, right = node
    if sign == "**":
        return {frozenset().union(*some) for some in product(meaning(left), repeat=right)}
    one, other = meaning(left), meaning(right)
    across = {a | b for a in one for b in other}
    within = {frozenset().union(*one) | b for b in other}
    return {"+": one | other, ":": across, "*": one | other | across, "/": one | within}[sign]


def spelled(node) -> str:
    if isinstance(node, str | int):
        return str(node)
    left, sign, right = map(spelled, node)
    return f"({left} {sign} {right})" if sign != "**" else f"({left})**{right}"


NODE = st.recursive(
    st.sampled_from("abcde"),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+:*/"), inner),
        # A power is of several terms.
        st.tuples(inner.filter(lambda node: len(meaning(node)) > 1), st.just("**"), st.just(2)),
        st.just((("a", "+", ("b", "+", "c")), "**", 3)),
    ),
    max_leaves=5,
)


PIECE = st.one_of(
    st.tuples(st.sampled_from("+-"), st.sampled_from("01")),
    st.tuples(st.just("+"), NODE),
    # Of a sum, each piece must be there to be taken away.
    st.tuples(st.just("-"), NODE.filter(lambda node: "+" not in node)),
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(first=NODE, pieces=st.lists(PIECE, max_size=3))
def test_sums_and_products_have_the_terms_they_have_in_r(first, pieces):
    text, terms, intercept, nothing = f"y ~ {spelled(first)}", meaning(first), True, False
    for sign, node in pieces:
        text += f" {sign} {spelled(node)}"
        if node in ("0", "1"):
            intercept = (sign, node) in (("+", "1"), ("-", "0"))
        elif sign == "+":
            terms |= meaning(node)
        else:
            nothing = nothing or not terms & meaning(node)
            terms -= meaning(node)
    if nothing or not (terms or intercept):
        with pytest.raises(UserError, match="which is not there" if nothing else "no population"):
            Formula(text)
        return
    found = [term_name(term) for term in parse(text).population]
    assert (found[:1] == ["Intercept"]) == intercept
    found = [frozenset(name.split(":")) for name in found[intercept:]]
    assert len(found) == len(terms) and {*found} == terms


@pytest.mark.parametrize(
    "written",
    [
        *("(1 | g)", "(1 + x | g)", "(0 + x | g)", "(0 + x + z | g)", "(1 + x + z | g)"),
        *("(1 + x || g)", "(0 + x || g)", "(0 + log(z) | g:h)", "(1 + x:z || g:h)"),
        *("(1 | g/h)", "(0 + x || g/h/k)", "(1 | g:h/k)"),
    ],
)
def test_a_group_term_is_quoted_as_it_was_written(written):
    with pytest.raises(UserError) as caught:
        parse(f"y ~ x - {written}")
    assert str(caught.value).endswith(f": {written} is taken away; leave it out")
