"""Comparisons rank variants and say what a reader must know first."""

import numpy as np
import pytest
import xarray as xr

from partialpool import compare, recover, verdict
from partialpool.errors import UserError


def tree(shift: float, noise=0.01, units=40) -> xr.DataTree:
    rng = np.random.default_rng(1)
    base = rng.normal(size=units) - shift
    density = base + noise * rng.normal(size=(4000, units))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "coefficient"), rng.normal(size=(4, 1000, 1)))}
    )
    return compare._tree(density, posterior, 2 * units)


def test_the_better_variant_comes_first():
    trees = {"pooled": tree(1.0), "hierarchical": tree(0.0), "unpooled": tree(0.001)}
    table = compare.compare(trees, dict.fromkeys(trees, True)).set_index("variant")
    assert list(table.index) == ["hierarchical", "unpooled", "pooled"]
    assert table["elpd_diff"].iloc[0] == 0
    assert table.loc["pooled", "elpd_diff"] == pytest.approx(-40, rel=0.01)
    assert "too close to call" in table.loc["unpooled", "note"]
    assert table.loc["pooled", "note"] == ""
    assert table.loc["pooled", "units_total"] == 80


def test_high_pareto_k_and_failed_fits_are_said():
    trees = {"pooled": tree(0.0), "unpooled": tree(0.0, noise=5)}
    table = compare.compare(trees, {"pooled": False, "unpooled": True}).set_index("variant")
    assert "Pareto k too high for" in table.loc["unpooled", "note"]
    assert table.loc["unpooled", "pareto_k_over"] > 0
    assert compare.FAILED in table.loc["pooled", "note"]


def test_one_variant_and_none():
    table = compare.compare({"pooled": tree(0.0)}, {"pooled": True})
    assert table["weight"].tolist() == [1.0]
    assert compare.compare({}, {}).columns.tolist() == list(compare.COLUMNS)


def test_the_run_stops_naming_what_failed():
    checks = [{"name": "rhat", "passed": False}, {"name": "ess_bulk", "passed": True}]
    found = {
        ("radon", "pooled"): {"passed": True, "checks": []},
        ("radon", "unpooled"): {"passed": False, "checks": checks},
    }
    collected = verdict.collect(found)
    with pytest.raises(UserError, match=r"1 of 2 fits failed.*radon/unpooled \(rhat\).*index.html"):
        verdict.enforce(collected, "results/index.html")
    del found["radon", "unpooled"]
    verdict.enforce(verdict.collect(found), "results/index.html")


def test_recovery_has_a_row_for_each_truth_that_is_estimated():
    import pandas as pd

    summary = pd.DataFrame(
        {"name": ["a", "b", "c"], "mean": [0.0, 1, 2], "lower": [-1.0, 0, 1], "upper": [1.0, 2, 3]}
    )
    table = recover.recover({"a": 0.5, "c": 9.0, "d": 1.0}, {"pooled": summary})
    assert table["name"].tolist() == ["a", "c"]
    assert table["covered"].tolist() == [True, False]
