"""What formulas may say: each is fitted, or refused by name in one line, at once."""

import re
import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from formulas import FITTED, REFUSED
from hypothesis import given, settings
from hypothesis import strategies as st

from partialpool.base.errors import UserError
from partialpool.design import reserved_names
from partialpool.design.formula import Formula
from partialpool.design.functions import ARGUMENTS, LABELLING
from partialpool.design.grammar import check_columns, parse
from partialpool.design.terms import term_name
from partialpool.study.study import Outcome
from partialpool.table import ingest
from partialpool.table.reader import File


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng, size = np.random.default_rng(3), 80
    numbers = {name: rng.normal(size=size) for name in ("y", "x", "x y", "a.b", "été")}
    labels = {name: rng.permutation(np.resize([*own], size)) for name, own in LABELS.items()}
    counts = {name: rng.poisson(3, size) for name in "cn"} | {"b": rng.integers(0, 2, size)}
    table = pd.DataFrame(numbers | labels | counts | {"z": rng.uniform(1, 5, size)}).round(3)
    found = tmp_path_factory.mktemp("formulas") / "t.csv"
    table.assign(w=np.arange(size) % 3 + 1).to_csv(found, index=False)
    return found


LABELS = {"g": "abcdef", "h": "pqr", "k": "tuvw"}


def ingested(text, path, columns=()):
    """The design of a formula, after the step that reads the table."""
    formula = Formula.read(text, [*File(path, "t.csv").columns(), *columns])
    family = "bernoulli" if text.startswith("I(k") else "gaussian"
    to = path.with_suffix(".parquet")
    return ingest.ingest(
        path, formula, Outcome(family=family), to=to, source="t.csv"
    ).learned.design


@pytest.mark.parametrize(("text", "coefficients", "factors"), FITTED)
def test_fitted(path, text, coefficients, factors):
    design = ingested(text, path)
    assert ", ".join(design.coefficients) == coefficients
    blocks = (f"{f.name}: " + " | ".join(map(", ".join, f.blocks)) for f in design.factors)
    assert "; ".join(blocks) == factors


def refusal(text, path, columns=()):
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        ingested(text, path, columns)
    assert time.process_time() - started < 30  # far from what it takes
    said = str(caught.value)
    assert said == " ".join(said.split())
    assert len(said) < 700
    return said


@pytest.mark.parametrize(("text", "telling"), REFUSED)
def test_refused(path, text, telling):
    assert telling in refusal(text, path)


@pytest.mark.parametrize(
    ("column", "text", "better"),
    [
        ("dose-max", "y ~ dose-max + (1 | g)", "y ~ `dose-max` + (1 | g)"),
        ("blood pressure", "y ~ blood pressure + x", "y ~ `blood pressure` + x"),
        ("x*z", "y ~ x*z", "y ~ `x*z`"),
        ("dose/kg", "y ~ log(dose/kg)", "y ~ log(`dose/kg`)"),
        ("1st", "y ~ x + 1st", "y ~ x + `1st`"),
        ("body mass (kg)", "y ~ body mass (kg)", "y ~ `body mass (kg)`"),
        ("ward id", "y ~ x + (1 | ward id)", "y ~ x + (1 | `ward id`)"),
        ("y-1", "y-1 ~ x", "`y-1` ~ x"),
    ],
)
def test_a_name_with_signs_is_shown_in_backticks(path, column, text, better):
    assert f"has a column {column!r}, whose name goes in backticks: {better!r}" in refusal(
        text, path, [column]
    )


def test_signs_with_spaces_around_them_are_signs(path):
    assert ingested("y ~ x * z", path, ["x*z"]).coefficients == ["Intercept", "x", "z", "x:z"]
    assert ingested("y ~ `x y`", path).coefficients == ["Intercept", "x y"]
    check_columns("y ~ 1 + x + I(x**2)", ["1", "2", " x", "+", "2020-21"])
    check_columns("y ~ `a-b` + C(k, Treatment('a-b'))", ["a-b"])


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("y ~ " + "(" * 300 + "x" + ")" * 300, "has more than 40 parentheses within each other"),
        ("y ~ I(" + "-" * 600 + "x)", "has more than 40 signs in a row"),
        ("y ~ I(" + " + ".join(["x"] * 400) + ")", "has more than 100 operators and calls"),
        ("y ~ " + ":".join(["x"] * 400), "has more than 100 operators and calls"),
        ("y ~ I(x * " + "1" * 5000 + ")", "is too large"),
        ("y ~ " + " * ".join(f"x{i}" for i in range(30)), "an interaction has more than 6 columns"),
        ("y ~ (" + " + ".join(f"x{i}" for i in range(90)) + ")**5", "has more than 1000 terms"),
        ("y ~ x + " + " " * 30_000 + "z", "has 30009 characters; 20000 are possible"),
        ("y ~ I(" + "(" * 30 + "x" + "**2)" * 30 + ")", "a term has "),
        (" + ".join(f"x{i}" for i in range(1100)).join(["y ~ ", ""]), "has more than 1000 terms"),
    ],
    ids=lambda text: text[:20],
)
def test_what_would_never_end_is_refused_at_once(path, text, telling):
    assert telling in refusal(text, path)


def test_long_sums_are_no_matter(path):
    assert ingested("y ~ " + "+".join(["x"] * 3000), path).coefficients == ["Intercept", "x"]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(700, 601)), columns=["y", *(f"x{i}" for i in range(600))])
    design = Formula("y ~ " + " + ".join(table.columns[1:])).design(table)
    assert design.coefficients == ["Intercept", *table.columns[1:]]


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


# A limit, formulas by a number, and what is said of those beyond it.
LIMITS = [
    (40, lambda n: "y ~ " + "(" * n + "x" + ")" * n, "parentheses within each other"),
    (40, lambda n: f"y ~ x {'+' * n} z", "signs in a row"),
    (20_000, lambda n: "y ~ x + z".ljust(n), "characters; 20000 are possible"),
    (1000, lambda n: "y ~ " + " + ".join(f"x{i}" for i in range(n)), "has more than 1000 terms"),
    (6, lambda n: "y ~ " + ":".join("abcdefg"[:n]), "an interaction has more than 6 columns"),
    (5, lambda n: f"y ~ (a + b)**{n}", "up to a power of 2 to 5"),
    (-2, lambda n: f"y ~ (a + b)**{-n}", "up to a power of 2 to 5"),
    (20, lambda n: f"y ~ I(x**{n})", "a power is from -20 to 20"),
    (20, lambda n: f"y ~ I(x**-{n})", "a power is from -20 to 20"),
    (101, lambda n: "y ~ " + ":".join("x" * n), "more than 100 operators and calls"),
    (200, lambda n: f"y ~ log({'x' * (n - 5)})", "a term has 201 characters"),
    (20, lambda n: f"y ~ poly(x, {n})", "'degree' of poly() must be a whole number from 1 to 20"),
    (-1, lambda n: f"y ~ poly(x, degree={-n})", "a whole number from 1 to 20"),
    (5, lambda n: f"y ~ bs(x, df=9, degree={n})", "a whole number from 1 to 5"),
    (100, lambda n: f"y ~ bs(x, df={n})", "'df' of bs() must be a whole number from 1 to 100"),
    (-3, lambda n: f"y ~ bs(x, df={-n})", "'df' of bs() must be 3 or more here, not 2"),
    (-4, lambda n: f"y ~ bs(x, df={-n}, center=False)", "must be 4 or more here, not 3"),
    (-5, lambda n: f"y ~ bs(x, df={-n}, degree=5)", "must be 5 or more here, not 4"),
    (-2, lambda n: f"y ~ cr(x, df={-n}, center=False)", "must be 2 or more here, not 1"),
    (-2, lambda n: f"y ~ cc(x, 12, df={-n}, center=False)", "must be 2 or more here, not 1"),
    (8, lambda n: f"y ~ bs(x, 4, lower_bound={n}, upper_bound=9)", "below 'upper_bound'"),
    (239, lambda n: f"y ~ 1 + (1 | {'g' * n})", "the grouping factor cannot be called"),
]


@pytest.mark.parametrize(("most", "text", "telling"), LIMITS, ids=[one[-1] for one in LIMITS])
def test_formulas_at_a_limit_are_read_and_those_beyond_are_not(most, text, telling):
    reserved_names.check(Formula(text(most)), Outcome())
    with pytest.raises(UserError) as caught:
        reserved_names.check(Formula(text(most + 1)), Outcome())
    assert telling in str(caught.value)


# What a posterior and the tables made of it have, of the response and of a factor g.
RESULTS = [
    "alpha",
    "beta",
    "nu",
    "sigma",
    "sd_log_sigma",
    "sigma_median",
    "chain",
    "draw",
    "coefficient",
    "summary",
    "unit",
]
RESULTS += ["sd_g", "cor_g", "u_g", "coef_g", "nu_g", "g_coefficient", "g_coefficient_bis"]


@pytest.mark.parametrize("name", RESULTS)
def test_a_group_cannot_have_the_name_of_a_result(name):
    for text in (f"y ~ (1 | g) + (1 | {name})", f"y ~ (1 | {name}) + (1 | g)"):
        with pytest.raises(UserError, match="the grouping factor cannot be called"):
            reserved_names.check(Formula(text), Outcome())
    reserved_names.check(Formula(f"y ~ {name} + (1 | g) + (1 | {name}_1)"), Outcome())


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


def test_the_arguments_of_every_function_are_held():
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


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("(1 | g)", "(1 | g)", "(1 | g) is there twice; leave one out"),
        ("(0 + x | g)", "(0 + x | g)", "(0 + x | g) is there twice; leave one out"),
        ("(0 + x | g)", "(1 + x | g)", "write (1 + x | g) for one term with corr"),
        ("(0 + x | g)", "(0 + x + z | g)", "write (0 + x + z | g) for one term with corr"),
        ("(0 + z | g)", "(0 + x + z | g)", "lations, or (0 + z + x || g) without"),
        ("(1 | g:h)", "(1 + x | g:h)", "lations, or (1 + x || g:h) without"),
    ],
)
def test_of_two_group_terms_with_something_in_common_one_is_made(first, second, one):
    with pytest.raises(UserError) as caught:
        Formula(f"y ~ x + {first} + {second}")
    assert one in str(caught.value)


SIGNED = ["b-c", "a-b-c", "a-b", "c d", "b-c d", "b-c-1"]


@pytest.mark.parametrize("name", SIGNED)
def test_of_names_within_one_another_the_one_that_was_written_is_shown(name):
    for text in ("y ~ {} + x", "y ~ x + log({}) + (1 | g)", "{} ~ x", "y ~ x + (1 | {})"):
        for columns in (SIGNED, SIGNED[::-1]):
            with pytest.raises(UserError) as caught:
                check_columns(text.format(name), [*columns, "y", "x"])
            better = repr(text.format(f"`{name}`"))
            assert f"has a column {name!r}, whose name goes in backticks: {better}" in str(
                caught.value
            )


CALLS = {"bs": "bs(x, df=4)", "cc": "cc(x, 12)", "poly": "poly(x, 2)", "Sum": "Sum('a')"}
CALLS |= {"Treatment": "Treatment('a')"}
INSIDE = {
    **dict.fromkeys(("bs", "cc", "cr", "poly"), "gives several columns and cannot be inside"),
    **dict.fromkeys("CST", "gives labels and cannot be inside"),
    **dict.fromkeys(("Sum", "Treatment"), "is written inside C(), as in C(x, "),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_a_function_gives_decides_where_it_stands(name):
    call = CALLS.get(name, f"{name}(x)")
    for outer in ("log", "np.sqrt", "scale", "center", "I", "poly", "cr", "C", "T"):
        if name in ("Sum", "Treatment") and outer in "CT":
            continue
        text = f"y ~ {outer}({call})"
        if name in INSIDE:
            with pytest.raises(UserError) as caught:
                parse(text)
            said = str(caught.value)
            assert f"{name}() {INSIDE[name]}" in said or f"{name} {INSIDE[name]}{name})" in said
        else:
            assert [use.name for use in parse(text).uses] == ["y", "x"]
    if name in ("Sum", "Treatment"):
        with pytest.raises(UserError, match="is written inside C"):
            parse(f"y ~ {call}")
        assert parse(f"y ~ C(k, {call})").uses[-1] == ("k", "label")
    else:
        role = "label" if name in LABELLING else "number"
        assert parse(f"y ~ {call}").uses[-1] == ("x", role)
        bare = f"y ~ {name}()"
        with pytest.raises(UserError, match="needs a column, which comes first, as in"):
            parse(bare)
