"""Names and keys of terms, and group terms as text."""

import pytest

from partialpool.design.grammar import parse
from partialpool.design.terms import group_text, term_key, term_name


def test_the_order_of_a_product_changes_its_name_and_not_its_key():
    _, one = parse("y ~ a:log(b)").population
    _, other = parse("y ~ log(b):a").population
    assert (term_name(one), term_name(other)) == ("a:log(b)", "log(b):a")
    assert term_key(one) == term_key(other)
    assert term_name(()) == "Intercept" and term_key(()) == frozenset()


def test_a_column_called_like_a_call_is_another_term():
    _, call = parse("y ~ log(x)").population
    _, column = parse("y ~ `log(x)`").population
    assert term_name(call) == term_name(column) and term_key(call) != term_key(column)


@pytest.mark.parametrize("written", ["(1 | g)", "(1 + a:b | g)", "(0 + log(x) + z | g)"])
def test_a_group_term_as_text(written):
    [group] = parse(f"y ~ x + {written}").groups
    assert group_text(group.terms, term_name(group.factor)) == written
    assert group_text(group.terms, "h", "||") == written.replace("| g", "|| h")


def test_each_component_is_a_new_object():
    """It learns the coding that its own term needs."""
    [atom] = parse("y ~ C(k)").population[1]
    assert atom.component() is not atom.component()
    assert atom.component().name == "C(k)"
