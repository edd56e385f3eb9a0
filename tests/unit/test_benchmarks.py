"""The benchmark of peers: its tables, its reference posterior and what it says of a fit."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Import a module of benchmarks/, where scripts import one another by name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def test_the_reference_likelihood_is_that_of_the_rows(benchmark):
    simulated, importance = benchmark("simulated"), benchmark("importance")
    y, x, group = simulated.simulate(60, 7)
    theta = np.array([[1.1, 1.8, 0.9, 0.4, -0.3, 1.2], [0, 0, 2, 0.01, 0.6, 0.5]])
    expected = []
    for b0, b1, s0, s1, cor, sigma in theta:
        between = np.array([[s0**2, cor * s0 * s1], [cor * s0 * s1, s1**2]])
        rows = [np.column_stack([np.ones((group == g).sum()), x[group == g]]) for g in range(7)]
        expected.append(
            sum(
                stats.multivariate_normal.logpdf(
                    y[group == g], z @ [b0, b1], z @ between @ z.T + sigma**2 * np.eye(len(z))
                )
                for g, z in enumerate(rows)
            )
        )
    found = importance.log_likelihood(theta, simulated.totals(y, x, group))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("rows", [2_000, 5_000_000])
def test_the_reference_posterior_holds_the_truth(benchmark, rows):
    simulated, importance = benchmark("simulated"), benchmark("importance")
    found = importance.posterior(simulated.totals(*simulated.simulate(rows, 40)))
    assert found["ess"] > 10_000
    for name, value in simulated.TRUTH.items():
        assert abs(found["mean"][name] - value) < 4 * found["sd"][name]


def test_the_table_is_the_one_that_was_drawn(benchmark, tmp_path):
    simulated = benchmark("simulated")
    simulated.write(tmp_path, 101, 4, parts=3)
    y, _, group = simulated.simulate(101, 4)
    drawn = pd.read_csv(tmp_path / "table.csv")
    assert drawn["y"].tolist() == y.tolist()
    assert drawn["g"].tolist() == [f"g{number}" for number in group]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "parts"), drawn)


def test_a_fit_is_judged_by_its_worst_parameter(benchmark):
    simulated, findings = benchmark("simulated"), benchmark("findings")
    reference = {
        "mean": dict.fromkeys(simulated.PARAMETERS, 0.0),
        "sd": dict.fromkeys(simulated.PARAMETERS, 2.0),
    }
    rng = np.random.default_rng(1)
    chain, draw = np.indices((4, 500)).reshape(2, -1)
    drawn = {name: rng.normal(0, 2, 2000) for name in simulated.PARAMETERS}
    slow = np.cumsum(rng.normal(size=2000)) / 10
    drawn["sd[x]"] = 3 + 3 * (slow - slow.mean()) / slow.std()
    frame = pd.DataFrame({"chain": chain, "draw": draw, **drawn}).sample(frac=1, random_state=1)
    found = findings.judge(frame, reference)
    assert found["furthest"] == "sd[x]"
    assert found["distance"] == pytest.approx(1.5)
    assert found["sd_ratio"] == pytest.approx(1.5, rel=1e-3)
    assert found["ess"] < 100
    assert found["rhat"] > 1.1
    point = findings.judge(pd.DataFrame({"chain": [0], "draw": [0], "sigma": [1.0]}), reference)
    assert point == {"distance": 0.5, "furthest": "sigma"}


def test_what_was_left_out_is_said_and_what_was_repeated_is_a_median(benchmark, tmp_path):
    findings, peers = benchmark("findings"), benchmark("peers")

    def ran(tool, rows, seconds, ess):
        return {
            "rows": rows, "groups": 50, "tool": tool, "cache": "warm", "seed": 1, "note": "",
            "seconds": 2 * seconds, "fit_seconds": seconds, "ess": ess, "rhat": 1.001,
            "ess_per_second": ess / seconds, "divergences": 0, "distance": 0.01,
            "furthest": "cor", "sd_ratio": 1.0, "process_mb": 400.0, "tree_mb": 500.0,
        }  # fmt: skip

    ours = [ran(peers.FIT, 1000, seconds, 3000) for seconds in (2, 3, 30)]
    results = [*ours, ran(peers.WHOLE, 1000, 5, 3000), ran("Bambi", 1000, 10, 100)]
    slow = ran("Bambi", 10_000, 50, 100)
    assert peers.too_long(results, "Bambi", 10_000, 50, 600) == ""
    note = peers.too_long([slow, *results], "Bambi", 100_000, 50, 600)
    assert note == "left out: 100 s at 10,000 × 50"
    left_out = {"rows": 100_000, "groups": 50, "tool": "Bambi", "cache": "none", "note": note}
    assert peers.too_long([*results, slow, left_out], "Bambi", 10**6, 50, 600) == note

    found = [row | {"date": "2026-01-02", "machine": "one"} for row in [left_out, *results]]
    frame = pd.DataFrame(found)
    path = tmp_path / "results.csv"
    frame.to_csv(path, index=False)
    again = findings.kept(path, [(1000, 50)], [peers.FIT])
    assert [row["tool"] for row in again] == ["Bambi", peers.WHOLE, "Bambi"]
    assert again[0]["note"] == note
    assert again[1]["note"] == ""
    page = findings.page(frame, ["Bambi", peers.FIT, peers.WHOLE], peers.FIT, peers.WHOLE)
    assert page.startswith("one, 2026-01-02:")
    assert page.index("| Bambi | warm |") < page.index(f"| {peers.FIT} | warm |")
    assert page.index(f"| {peers.WHOLE} | warm |") < page.index("| Bambi | none |")
    assert "| 1,000 × 50 | 100 (60) |" in findings.ratios(frame, peers.FIT, peers.WHOLE)
    table = findings.table(frame)
    assert "| 1,000 × 50 | partialpool, fit | warm | 6.0 | 3.0 | 3,000 | 1,000 |" in table
    assert f"| 100,000 × 50 | Bambi | none | {note} |" in table
