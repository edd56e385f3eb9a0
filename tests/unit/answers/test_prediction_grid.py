"""Where no rows are given, each group is predicted over its own range of a predictor."""

import io

import numpy as np
import pandas as pd
import pytest
from predictions import FORMULA, GAUSSIAN, TABLE

from partialpool.answers import prediction_grid
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.table.table_summary import TableSummary, read_groups


def of_grid(table, design, outcome, most=None):
    """The grid of a table, or of its first rows and what is known of its groups."""
    summary = TableSummary(design, outcome, table)
    for batch in (table[:5], table[5:]):  # of which neither has all labels and groups
        own = design.for_rows(batch, response=True)
        summary.add(batch, own, families.columns(batch, outcome))
    stored = io.StringIO(summary.groups(design).to_csv(index=False))
    return prediction_grid.grid(table[:most], design, outcome, read_groups(stored))


def test_the_grid_is_each_groups_own_range():
    table = TABLE.assign(x=TABLE["x"] + np.repeat([0, 10, 20], 4) + np.arange(12) * 0.01)
    design, own = FORMULA.design(table), table.groupby("g")["x"].agg(["min", "max"])
    for rows in (12, 7):  # of seven rows none is of the last group
        found = of_grid(table, design, Outcome(), rows)
        span = found.groupby("g")["x"].agg(["min", "max"])
        assert span.to_numpy() == pytest.approx(own.to_numpy())
        assert design.for_rows(found).matrix.shape == (len(found), 2)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("y ~ x + (1 | g)", 12), ("y ~ x + (1 | g) + (1 | h)", 12), ("y ~ 1 + (1 | g/h)", 6)],
)
def test_the_grid_of_many_groups_has_few_rows(monkeypatch, text, rows):
    """Two of each group at least; of combinations of groups, some that are among the rows."""
    monkeypatch.setattr(prediction_grid, "ROWS", rows)
    table = TABLE.assign(x=np.arange(12.0) ** 2)
    design = Formula(text).design(table)
    found = of_grid(table, design, Outcome())
    assert 0 < len(found) <= rows
    columns = [column for column in ("g", "h") if column in found]
    kept, every = (set(map(tuple, t[columns].to_numpy())) for t in (found, table))
    assert kept <= every
    ordered = sorted(every)
    assert {ordered[0], ordered[-1]} <= kept
    assert len(kept) == min(len(every), rows // 2 if len(columns) > 1 else rows)
    if "x" in found:
        ends = found.groupby(columns)["x"].agg(["min", "max", "size"])
        own = table.groupby(columns)["x"].agg(["min", "max"]).loc[ends.index]
        assert (ends[["min", "max"]].to_numpy() == own.to_numpy()).all()
        assert (ends["size"] >= 2).all()


@pytest.mark.parametrize("text", ["y ~ x + z + (1 | g)", "y ~ x + z + (1 | g) + (1 | h)"])
def test_the_grid_does_not_depend_on_the_order_of_rows(text):
    table = TABLE.assign(z=np.random.default_rng(1).normal(size=12), n=np.arange(2.0, 14))
    design, outcome = Formula(text).design(table), Outcome("binomial", trials="n")
    shuffled = table.sample(frac=1, random_state=2, ignore_index=True)
    assert not shuffled["g"].is_monotonic_increasing
    expected = of_grid(table, design, outcome)
    pd.testing.assert_frame_equal(of_grid(shuffled, design, outcome), expected)


def test_what_the_grid_holds_fixed_is_each_groups_own():
    table = TABLE.assign(
        soil=["007"] * 4 + ["NA", "NA", "007", "NA"] + ["x, y"] * 4,  # constant in two groups
        uranium=np.repeat([0.25, 1.5, 3], 4) + np.tile([-0.125, 0.125], 6),
        storey=[0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0],  # in the last group both are as frequent
        clay=np.repeat([0.486, 0.1, 0.7], 4),
        period=np.repeat([3, 1, 2], 4),
        firms=np.repeat([1, 4, 2], 4) + np.tile([0, 1, 1, 2], 3),
        x=np.repeat([5.0, 6, 7], 4),
    )
    # As many columns as there are would be collinear in three groups; a grid asks for no fit.
    formula = Formula("y ~ x + soil + uranium + clay + storey + C(period) + log(firms) + (1 | g)")
    design = formula.evaluate(formula.terms(), table)
    assert prediction_grid.held(table, design) == {
        "soil": "most frequent label",
        "uranium": "mean",
        "clay": "mean",
        "storey": "most frequent value",
        "period": "most frequent value",
        "firms": "mean",
    }
    for most in (None, 7):  # of seven rows none is of the last group
        found = of_grid(table, design, GAUSSIAN, most)
        assert found["g"].tolist() == ["a", "b", "c"]
        assert found["x"].tolist() == [5, 6, 7]  # the grid's own predictor, constant in a group
        assert found["soil"].tolist() == ["007", "NA", "x, y"]
        assert found["uranium"].tolist() == [0.25, 1.5, 3]
        assert found["clay"].tolist() == [0.486, 0.1, 0.7]  # as they are, but for no digit
        assert found["storey"].tolist() == [0, 1, 0]
        assert found["period"].tolist() == [3, 1, 2]
        assert found["firms"].tolist() == [2, 5, 3]
        assert design.for_rows(found).matrix.shape == (3, len(design.columns))


def test_the_grid_goes_along_labels_that_a_group_has():
    design = Formula("y ~ soil + (1 | g)").design(
        table := TABLE.assign(soil=np.repeat(list("pqr"), 4))
    )
    for most in (None, 7):
        found = of_grid(table, design, GAUSSIAN, most)
        assert found[["g", "soil"]].to_numpy().tolist() == [["a", "p"], ["b", "q"], ["c", "r"]]


def test_the_grid_goes_along_numbers_that_are_labels():
    table = pd.concat([TABLE] * 2).assign(year=np.repeat(np.arange(2000, 2008), 3))
    years = table.groupby("g")["year"].unique().map(sorted).map(list)
    for text in ("y ~ C(year) + (1 | g)", "y ~ x + (1 | g) + (0 + C(year) | h)", "y ~ C(year)"):
        formula = Formula(text)
        design = formula.evaluate(formula.terms(), table)
        for most in (None, 20):
            found = of_grid(table, design, GAUSSIAN, most)
            assert design.for_rows(found).matrix.shape == (len(found), len(design.columns))
            if text == "y ~ C(year) + (1 | g)" and most is None:
                assert found.groupby("g")["year"].apply(list).to_dict() == years.to_dict()
            if text == "y ~ C(year)":
                assert found["year"].tolist() == [*range(2000, 2007 if most else 2008)]


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("y ~ 1", 1, []),
        ("y ~ 1 + (1 | g)", 3, ["g", "n"]),
        ("y ~ e + x + (1 + x | g)", 12, ["g", "x", "e"]),
        ("y ~ x", 4, ["x", "n"]),
        ("y ~ h + x + (1 | g)", 6, ["g", "h", "x", "n"]),
        ("y ~ n + (1 | h)", 6, ["h", "n"]),
        ("y ~ 1 + (1 | g/h)", 6, ["g", "h"]),
        ("y ~ x + (1 | g) + (1 | h)", 12, ["g", "h", "x", "n"]),
        ("y ~ h + (1 | g/h)", 6, ["g", "h"]),
        ("y ~ h + x + (1 | g/h)", 12, ["g", "h", "x"]),
    ],
)
def test_the_grid_has_what_the_formula_and_the_outcome_need(text, rows, columns):
    table, formula = TABLE.assign(e=np.arange(12) ** 0.5), Formula(text)
    design = formula.design(table)
    outcome = Outcome(family="binomial", trials="n") if "n" in columns else Outcome()
    found = of_grid(table, design, outcome)
    assert list(found.columns) == columns
    assert design.for_rows(found).matrix.shape == (rows, len(design.columns))
    if "n" in columns:
        assert set(found["n"]) == ({10.0} if rows == 4 else {7.0, 10, 14})
        trials = found["n"].to_numpy()
        assert not families.FAMILIES["binomial"].outside(trials, trials).any()
