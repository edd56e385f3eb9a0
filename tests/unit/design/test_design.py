"""The design of new rows, and the predictors that a grid varies and holds fixed."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula


def test_new_rows_keep_the_state_of_the_fitted_table(table):
    design = Formula("y ~ scale(x) + bs(floor + x, df=4) + kind + (center(x) | county)").design(
        table
    )
    rows = table.drop(columns="y").iloc[[3, 1]]
    at = design.for_rows(rows.assign(county=["01", "new"]))
    assert at.y is None
    assert list(at.factors[0].groups) == ["01", "new"]
    assert list(at.factors[0].index) == [0, -1]
    assert at.factors[0].levels == design.factors[0].levels
    np.testing.assert_allclose(at.matrix, design.matrix[[3, 1]])
    # Types may differ where the meaning does not.
    period = Formula("y ~ C(period)").design(table)
    floats = period.for_rows(table.assign(period=table["period"].astype(float)))
    np.testing.assert_array_equal(floats.matrix, period.matrix)


def test_new_rows_find_the_groups_of_every_factor(table):
    design = Formula("y ~ (1 | county/town) + (0 + x | kind)").design(table)
    rows = pd.DataFrame(
        {"county": [10, 2, 3], "town": ["2", "9", "1"], "kind": ["z", "a", "c"], "x": [1.0, 2, 3]}
    )
    county, town, kind = design.for_rows(rows).factors
    assert [county.levels[i] if i >= 0 else None for i in county.index] == ["10", "2", None]
    assert [town.levels[i] if i >= 0 else None for i in town.index] == ["10:2", None, None]
    assert list(town.groups) == ["10:2", "2:9", "3:1"]  # new labels are kept
    assert [kind.levels[i] if i >= 0 else None for i in kind.index] == [None, "a", "c"]
    for factor, fitted in zip((county, town, kind), design.factors, strict=True):
        assert (factor.name, factor.varying) == (fitted.name, fitted.varying)
        assert factor.levels == fitted.levels
    np.testing.assert_array_equal(design.for_rows(rows).select_columns(["x"])[:, 0], rows["x"])
    with pytest.raises(UserError, match="no column 'town'"):
        design.for_rows(rows.drop(columns="town"))
    with pytest.raises(UserError, match="column 'town' has a missing value in row 2"):
        design.for_rows(rows.assign(town=["1", None, "2"]))


def test_new_rows_that_cannot_be_predicted(table):
    design = Formula("y ~ x + kind + C(period) + (1 | county)").design(table)
    for changed, telling in (
        ({"kind": "z"}, "'z' in row 1 of 'kind' was not in the fitted table; known: 'a', 'b', 'c'"),
        ({"period": 9}, "'9' in row 1 of 'C(period)'"),
        ({"x": "high"}, "column 'x' must be numbers; row 1 is 'high'"),
        ({"x": np.nan}, "column 'x' has a missing value in row 1"),
    ):
        with pytest.raises(UserError, match="formula 'y ~ x") as caught:
            design.for_rows(table.assign(**changed))
        assert telling in str(caught.value)
    with pytest.raises(UserError, match="no column 'county'"):
        design.for_rows(table.drop(columns="county"))


@pytest.mark.parametrize(
    ("text", "along", "held"),
    [
        ("y ~ floor + kind + (1 + kind | county)", "kind", ("floor",)),
        ("y ~ floor + x + period:kind + (1 | county) + (0 + x | town)", "x", "floor period kind"),
        ("y ~ floor + log(x) + (1 | county)", "floor", ("x",)),
        ("y ~ county + floor + x + (1 + log(x) | county/town)", "x", ("floor",)),
        ("y ~ 1 + (1 | county)", None, ()),
        ("y ~ county + (1 | county)", None, ()),
    ],
)
def test_the_predictor_that_varies_and_those_held_fixed(table, text, along, held):
    """The first predictor that varies by group, or else the first."""
    design = Formula(text).design(table)
    assert design.along == along
    assert design.held == (tuple(held.split()) if isinstance(held, str) else held)
