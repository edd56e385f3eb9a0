"""Names and roles of columns in a formula, and the columns that `formulae` is given."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.parsed_formula import ParsedFormula

TEXT = "log(y) ~ `my column` + C(period) + log(x) + year + kind + (1 + x | county) + (1 | year)"


def test_roles_of_columns():
    formula = ParsedFormula(TEXT)
    assert formula.response == "log(y)"
    assert formula.response_columns == {"y"}
    assert formula.factors == {"county": ("county",), "year": ("year",)}
    assert formula.group_columns == ("county", "year")
    assert formula.predictors == ("my column", "period", "x", "year", "kind")
    assert formula.grouping_predictors == ("year",)
    assert formula.variables == ("y", *formula.predictors, "county")
    assert formula.needed_to_predict == (*formula.predictors, "county", "year")
    assert formula.labels == ("period",)
    assert formula.numbers == ("y", "x")
    assert str(formula.error("no")) == f"formula {' '.join(TEXT.split())[:75]!r}"[:-1] + "...': no"


def test_columns_to_evaluate_are_float_or_text():
    table = pd.DataFrame(
        {
            "y": [1, 2], "my column": [3, 4], "period": [1, 2], "x": [1.5, 2.5],
            "year": ["1990", "2000"], "kind": pd.Categorical(["a", "b"]), "county": ["01", "2"],
        },
        index=[7, 9],
    )  # fmt: skip
    formula = ParsedFormula(TEXT)
    mask = formula.mask(table, formula.variables)
    assert list(mask.columns) == [name for name in formula.variables if name != "county"]
    assert {name for name in mask if mask[name].dtype == float} == {"y", "my column", "x", "year"}
    assert mask["kind"].tolist() == ["a", "b"] and mask["kind"].dtype == object
    assert list(mask.index) == [0, 1]
    # A year that is no number makes labels of all years; a part of the table may not show it.
    late = table.assign(year=["1990", "late"])
    assert formula.numeric_grouping_predictors(table) == {"year"}
    assert formula.numeric_grouping_predictors(late) == frozenset()
    assert formula.mask(late, ["year"])["year"].tolist() == ["1990", "late"]
    assert formula.mask(table, ["year"], numeric=())["year"].tolist() == ["1990", "2000"]
    with pytest.raises(UserError, match="column 'year' must be numbers; row 2 is 'late'"):
        formula.mask(late, ["year"], text=set())


def test_predictors_that_a_column_crosses():
    formula = ParsedFormula("y ~ kind * C(period) + x:kind + (x | g)")
    assert formula.crossed_labels("kind[b]:C(period)[2]") == ["kind", "period"]
    assert formula.crossed_labels("x:kind[b]") == ["kind"]
    assert formula.crossed_labels("kind[b]") == formula.crossed_labels("x") == []


def test_any_error_of_an_evaluation_quotes_the_formula():
    with (
        pytest.raises(UserError, match=r"'y ~ x': poly\(x, 9\) cannot be computed from this table"),
        ParsedFormula("y ~ x").evaluating("poly(x, 9)"),
    ):
        np.linalg.inv(np.zeros((2, 2)))
