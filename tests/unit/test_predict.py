"""Predictions: known groups, new groups, and what cannot be said."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool import ingest, predict
from partialpool.formula import Formula

TABLE = pd.DataFrame(
    {
        "g": np.repeat(["a", "b", "c"], 4),
        "x": np.tile([0.0, 1.0, 2.0, 4.0], 3),
        "y": np.arange(12.0) ** 1.5,
    }
)
FORMULA = Formula("y ~ x + (1 + x | g)")


@pytest.fixture
def posterior() -> xr.Dataset:
    rng = np.random.default_rng(1)
    shape = (4, 2500)
    sd, correlation = np.array([2.0, 0.5]), np.array([[1, 0.6], [0.6, 1]])
    return xr.Dataset(
        {
            "beta": (("chain", "draw", "coefficient"), [1, 2] + 0.1 * rng.normal(size=(*shape, 2))),
            "sigma": (("chain", "draw"), np.full(shape, 0.7)),
            "sd_g": (("chain", "draw", "g_coefficient"), np.tile(sd, (*shape, 1))),
            "cor_g": (
                ("chain", "draw", "g_coefficient", "g_coefficient_bis"),
                np.tile(correlation, (*shape, 1, 1)),
            ),
            "u_g": (
                ("chain", "draw", "g", "g_coefficient"),
                np.tile([[3.0, 0.0], [0.0, 1.0], [-3.0, -1.0]], (*shape, 1, 1)),
            ),
        },
        coords={"coefficient": ["Intercept", "x"], "g": ["a", "b", "c"]},
    )


def predicted(posterior, rows, variant="hierarchical", **options):
    rows = pd.DataFrame(rows)
    defaults = {"passed": True, "interval": 0.9, "seed": 3}
    design = FORMULA.design(TABLE).at(rows)
    return predict.predict(posterior, rows, design, variant=variant, **defaults | options)


def test_a_known_group_is_its_own_line(posterior):
    found = predicted(posterior, {"g": ["a", "b"], "x": [2.0, 2.0], "name": ["first", "second"]})
    assert list(found["name"]) == ["first", "second"]
    assert list(found["group_status"]) == ["known", "known"]
    assert found["mean"].to_numpy() == pytest.approx([1 + 3 + 4, 1 + 4 + 2], abs=0.02)
    assert found["sd"].to_numpy() == pytest.approx(0.1 * 5**0.5, rel=0.05)
    spread = (0.1**2 * 5 + 0.7**2) ** 0.5
    width = (found["outcome_upper"] - found["outcome_lower"]).to_numpy()
    assert width == pytest.approx(2 * 1.645 * spread, rel=0.05)


def test_a_new_group_has_the_between_group_spread_and_one_draw_for_its_rows(posterior):
    found = predicted(posterior, {"g": ["new"] * 2, "x": [0.0, 3.0]})
    assert list(found["group_status"]) == ["new", "new"]
    assert found["mean"].to_numpy() == pytest.approx([1, 7], abs=0.15)
    spread = np.sqrt(np.array([2**2, 2**2 + 2 * 3 * 0.6 * 2 * 0.5 + (3 * 0.5) ** 2]))
    assert found["sd"].to_numpy() == pytest.approx(spread, rel=0.05)
    draws = predict.Draws(posterior, FORMULA.design(TABLE).at(pd.DataFrame({"g": "n", "x": [0.0]})))
    first, second = (predict._new_group(draws, "n", seed=3) for _ in range(2))
    assert (first == second).all()
    assert (first != predict._new_group(draws, "m", seed=3)).any()


def test_what_an_unpooled_fit_cannot_say_is_said(posterior):
    found = predicted(posterior, {"g": ["new", "a"], "x": [0.0, 0.0]}, "unpooled", passed=False)
    assert found.loc[0, ["mean", "lower", "outcome_upper"]].isna().all()
    assert predict.NO_NEW_GROUP in found["note"][0]
    assert predict.FAILED in found["note"][1]
    assert not found["fit_passed"].any()


def test_sigma_of_a_new_group_and_missing_standard_errors_are_not_invented(posterior):
    by_group = posterior.assign(
        sigma=posterior["sigma"].expand_dims(g=["a", "b", "c"]).transpose("chain", "draw", "g")
    )
    found = predicted(by_group, {"g": ["new", "b"], "x": [0.0, 0.0]})
    assert np.isnan(found["outcome_lower"][0])
    assert predict.NO_NEW_SIGMA in found["note"][0]
    assert np.isfinite(found["outcome_lower"][1])
    errors = ingest.standard_errors(pd.DataFrame({"x": [1.0]}), "se")
    found = predicted(
        posterior.drop_vars("sigma"), {"g": ["a"], "x": [0.0]}, standard_errors=errors
    )
    assert np.isfinite(found["mean"][0])
    assert predict.NO_ERROR in found["note"][0]


def test_the_grid_is_each_groups_own_range():
    table = TABLE.assign(x=TABLE["x"] + np.repeat([0, 10, 20], 4) + np.arange(12) * 0.01)
    grid = predict.grid(table, FORMULA, FORMULA.design(table))
    span = grid.groupby("g")["x"].agg(["min", "max"])
    own = table.groupby("g")["x"].agg(["min", "max"])
    assert span.to_numpy() == pytest.approx(own.to_numpy())
    assert FORMULA.design(table).at(grid).matrix.shape == (len(grid), 2)


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("y ~ 1", 1, []),
        ("y ~ 1 + (1 | g)", 3, ["g", "e"]),
        ("y ~ e + x + (1 + x | g)", 12, ["g", "x", "e"]),
        ("y ~ x", 4, ["x"]),
    ],
)
def test_the_grid_has_what_the_formula_needs(text, rows, columns):
    table, formula = TABLE.assign(e=np.arange(12) ** 0.5), Formula(text)
    design = formula.design(table)
    grid = predict.grid(table, formula, design, "e" if "e" in columns else None)
    assert list(grid.columns) == columns
    assert design.at(grid).matrix.shape == (rows, len(design.columns))
    if "e" in columns and "g" in columns and rows == 3:
        assert grid["e"].to_numpy() == pytest.approx(table.groupby("g")["e"].mean().to_numpy())
