"""Functions of formulas: which may be called, and with which arguments."""

import re

import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.design.functions import ARGUMENTS
from partialpool.design.grammar import parse


@pytest.mark.parametrize(
    "text",
    [
        "y ~ __import__('os').system('true')",
        "y ~ eval('1')",
        "y ~ np.random.normal(x)",
        "y ~ np.linalg.norm(x)",
        "y ~ open('x')",
        "y ~ (lambda)(x)",
        "y ~ print(x)",
        "y ~ I(np)",
        "y ~ log(x, out=twice)",
        "y ~ I(9**9**9**9)",
        "y ~ I(x**9**9**9**9)",
        "y ~ I('a' * 999999999)",
        "y ~ I(kind * 999999999)",
        "y ~ offset(x)",
    ],
)
def test_nothing_outside_the_closed_list_is_reached(table, text):
    before = table.copy()
    with pytest.raises(UserError):
        Formula(text).design(table)
    pd.testing.assert_frame_equal(table, before)


def test_unknown_function_names_the_list(table):
    with pytest.raises(UserError, match=r"function 'log3' cannot be used; nearest: 'log.*known: C"):
        Formula("y ~ log3(x)")


BAD_NUMBER, BAD_FLAG, BAD_LABEL = ("True", "'1'", "x"), ("1", "0", "'a'", "x"), ("True", "x")


A_NUMBER = ("-9", "0", "2.5"), BAD_NUMBER, "a number"


A_FLAG = ("True", "False"), BAD_FLAG, "True or False"


A_LABEL = ("'a'", "0", "1.5"), BAD_LABEL, "a label in quotes, or a number"


LEFT_OUT = (), ("1", "'a'", "True", "x"), "left out"


DF = ("5", "100"), ("101", "0", "-5", "5.0", *BAD_NUMBER), "a whole number from 1 to 100"


def whole(most: int):
    refused = ("0", str(most + 1), "-1", "1.5", *BAD_NUMBER)
    return ("1", str(most)), refused, f"a whole number from 1 to {most}"


# Each argument of each function: a call, what may be in it, what may not, and what is said then.
TAKES = {
    ("C", "contrast"): (
        "C(k, {})",
        ("Sum", "Treatment", "Sum('a')", "Treatment('a')"),
        ("1", "'a'", "x", "True", "log(x)"),
        "Sum or Treatment",
    ),
    ("S", "omit"): ("S(k, omit={})", *A_LABEL),
    ("T", "ref"): ("T(k, ref={})", *A_LABEL),
    ("Sum", "omit"): ("C(k, Sum({}))", *A_LABEL),
    ("Treatment", "reference"): ("C(k, Treatment({}))", *A_LABEL),
    ("bs", "degree"): ("bs(x, df=9, degree={})", *whole(5)),
    ("poly", "degree"): ("poly(x, {})", *whole(20)),
    ("poly", "raw"): ("poly(x, 2, raw={})", *A_FLAG),
    ("cc", "period"): (
        "cc(x, period={})",
        ("1", "0.001", "365.25"),
        ("0", "0.0", "-0.001", *BAD_NUMBER),
        "a number over 0",
    ),
    ("bs", "intercept"): ("bs(x, df=5, intercept={})", *LEFT_OUT),
    **{(name, "levels"): (f"{name}(k, levels={{}})", *LEFT_OUT) for name in "CST"},
    **{
        (name, key): (f"{name}(x, {given}{key}={{}})", *rule)
        for name, given in (("bs", "df=5, "), ("cc", "period=12, "), ("cr", ""))
        for key, rule in (
            *(("knots", LEFT_OUT), ("lower_bound", A_NUMBER), ("center", A_FLAG)),
            *([("upper_bound", A_NUMBER)] * (name != "cc")),
        )
    },
    ("bs", "df"): ("bs(x, df={})", *DF),
    ("cr", "df"): ("cr(x, df={})", *DF),
    ("cc", "df"): ("cc(x, 12, df={})", *DF),
}


def test_the_arguments_of_every_function_are_tested():
    assert TAKES.keys() == {(name, key) for name, keys in ARGUMENTS.items() for key in keys}


@pytest.mark.parametrize(("name", "key"), TAKES)
def test_an_argument_at_its_limit_is_taken_and_one_beyond_is_named(name, key):
    call, taken, refused, telling = TAKES[name, key]
    for value in taken:
        parse(f"y ~ {call.format(value)}")
    for value in refused:
        with pytest.raises(UserError) as caught:
            parse(f"y ~ {call.format(value)}")
        said = str(caught.value)
        assert f"{key!r} of {name}() must be {telling}" in said, value
        if re.fullmatch(r"-?[\d.]+|True", value):
            assert said.endswith(f", not {value}")
