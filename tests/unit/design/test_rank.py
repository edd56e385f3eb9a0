"""Linearly dependent columns are found, and named with a remedy."""

import numpy as np
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.design.parsed_formula import ParsedFormula
from partialpool.design.rank import check_rank, collinear

X, Z, W = np.random.default_rng(5).normal(size=(3, 40))


@pytest.mark.parametrize(
    ("columns", "dependent"),
    [
        ([X, Z, W], []),
        ([X, Z, 2 * X], [0, 2]),
        ([X, Z, W, X - 3 * W], [0, 2, 3]),
        ([1e-8 * X, 1e8 * X, Z], [0, 1]),
        ([X, X + 1e-9 * Z], []),  # far above rounding
        ([X, X + 1e-14 * Z], [0, 1]),
    ],
)
def test_the_columns_that_depend_on_one_another_are_found(columns, dependent):
    matrix = np.column_stack(columns)
    assert collinear(matrix) == dependent
    assert collinear(np.linalg.qr(matrix, mode="r")) == dependent


@pytest.mark.parametrize(
    ("columns", "rows", "telling"),
    [
        ({"x": X, "z": 2 * X}, 40, "columns 'x', 'z' are collinear; leave one out"),
        ({"x": X, "z": 0 * X}, 40, "column 'z' is zero in every row; leave it out"),
        ({"x": X, "z": Z}, 1, "2 coefficients cannot be estimated from 1 rows: 'x', 'z'"),
    ],
)
def test_the_remedy_of_columns_that_are_dependent(columns, rows, telling):
    with pytest.raises(UserError) as caught:
        check_rank(
            ParsedFormula("y ~ x + z"), [*columns], np.column_stack([*columns.values()]), rows
        )
    assert str(caught.value) == f"formula 'y ~ x + z': {telling}"


def test_large_mean_is_not_collinear(table):
    design = Formula("y ~ x").design(table.assign(x=1e8 + table["x"]))
    assert design.columns == ["Intercept", "x"]
