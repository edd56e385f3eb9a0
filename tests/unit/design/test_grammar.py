"""Formulas of all kinds are fitted, or refused in one line that says what to write."""

import time

import numpy as np
import pandas as pd
import pytest
from formulas import FITTED, REFUSED

from partialpool.base.errors import UserError
from partialpool.design import reserved_names
from partialpool.design.formula import Formula
from partialpool.design.grammar import check_columns
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.table import ingest
from partialpool.table.reader import TableFile


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
    formula = Formula.read(text, [*TableFile(path, "t.csv").columns(), *columns])
    family = "bernoulli" if text.startswith("I(k") else "gaussian"
    to = path.with_suffix(".parquet")
    return ingest.ingest(
        path, formula, Outcome(family=family), to=to, source="t.csv"
    ).learned.design


@pytest.mark.parametrize(("text", "coefficients", "factors"), FITTED)
def test_formulas_that_are_fitted(path, text, coefficients, factors):
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
def test_formulas_that_are_refused(path, text, telling):
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
def test_formulas_that_would_take_forever_are_refused_at_once(path, text, telling):
    assert telling in refusal(text, path)


def test_long_sums_are_read(path):
    assert ingested("y ~ " + "+".join(["x"] * 3000), path).coefficients == ["Intercept", "x"]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(700, 601)), columns=["y", *(f"x{i}" for i in range(600))])
    design = Formula("y ~ " + " + ".join(table.columns[1:])).design(table)
    assert design.coefficients == ["Intercept", *table.columns[1:]]


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
    reserved_names.check(Formula(text(most)), Outcome(), families.parameter_names())
    with pytest.raises(UserError) as caught:
        reserved_names.check(Formula(text(most + 1)), Outcome(), families.parameter_names())
    assert telling in str(caught.value)


SIGNED = ["b-c", "a-b-c", "a-b", "c d", "b-c d", "b-c-1"]


@pytest.mark.parametrize("name", SIGNED)
def test_column_names_that_contain_one_another(name):
    for text in ("y ~ {} + x", "y ~ x + log({}) + (1 | g)", "{} ~ x", "y ~ x + (1 | {})"):
        for columns in (SIGNED, SIGNED[::-1]):
            with pytest.raises(UserError) as caught:
                check_columns(text.format(name), [*columns, "y", "x"])
            better = repr(text.format(f"`{name}`"))
            assert f"has a column {name!r}, whose name goes in backticks: {better}" in str(
                caught.value
            )
