"""Calls as text that names a coefficient, and their equality."""

import pytest
from formulae.terms import Call

from partialpool.design.grammar import parse
from partialpool.design.resolver import Resolver


def call(text):
    [atom] = parse(f"y ~ {text}").population[1]
    return Resolver(atom.node).resolve()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("I((x+z)*2)", "I((x + z) * 2)"),
        ("I(x+z*2)", "I(x + z * 2)"),
        ("log( x )", "log(x)"),
        ("I(((x)))", "I(x)"),
        ("bs(x,df=4)", "bs(x, df=4)"),
        ("scale(log(x + 1))", "scale(log(x + 1))"),
    ],
)
def test_parentheses_of_arithmetic_stay_and_spaces_are_uniform(written, name):
    assert str(call(written)) == name


def test_calls_are_equal_if_they_are_written_alike():
    assert call("log(x+z)") == call("log( x + z )")
    assert hash(call("log(x)")) == hash(call("log( x)"))
    assert call("log(x)") != call("log(z)")
    assert call("log(x)") != "log(x)"
    assert {Call(call("log(x)")).name, Call(call("log(x )")).name} == {"log(x)"}
