"""A check is one record: all that computes, limits, shows and documents checks reads it."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import reports
import xarray as xr
from running import ROOT

from partialpool.answers import diagnose, verdict
from partialpool.base.errors import UserError
from partialpool.report import index
from partialpool.report.sections import provenance
from partialpool.study import checks, config, schema
from partialpool.study.checks import CHECKS, Check, Limit, Presentation

EFFORT = {
    "sampler": {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.9},
    "last": {"draws": 1000, "tune": 1000, "target_accept": 0.9},
    "factors": {},
}
STUDY = {"studies": {"a": {"data": "a.csv", "formula": "y ~ 1"}}}


@pytest.fixture
def depth(monkeypatch):
    """A check that the package does not have, of the mean depth of NUTS's trees."""
    values = {"description": "a depth from 1 to 10", "type": "number", "maximum": 10, "default": 8}
    check = Check(
        lambda summary, statistics, earlier: (float(statistics["tree_depth"].mean()), "chain 1"),
        at_most=True,
        limit=Limit("max_depth", values, retry_limit=2.0, per_chain=True),
        shown=Presentation(
            label="tree depth",
            decimals=1,
            finding="Trees of {worst} were {value:.1f} deep on average",
            setting="tune",
        ),
    )
    monkeypatch.setitem(CHECKS, "depth", check)
    read = (schema.load, schema.with_families, schema._validator)
    for cached in read:
        cached.cache_clear()
    yield check
    for cached in read:
        cached.cache_clear()


def judged(limits: dict, depth: float) -> dict:
    """The verdict on a fit without fault, but for the depth of its trees."""
    columns = {"name": ["beta[x]"], "rhat": [1.0], "ess_bulk": [4000.0], "ess_tail": [4000.0]}
    rng, dims = np.random.default_rng(1), ("chain", "draw")
    statistics = xr.Dataset(
        {
            "diverging": (dims, np.zeros((4, 200), bool)),
            "energy": (dims, rng.normal(size=(4, 200))),
            "tree_depth": (dims, np.full((4, 200), depth)),
        }
    )
    return diagnose.verdict(pd.DataFrame(columns), statistics, limits, EFFORT)


def test_a_new_record_is_a_key_of_the_config_with_a_default(depth):
    assert config.read(STUDY)["a"].convergence["max_depth"] == 8
    given = STUDY | {"convergence": {"max_depth": 5}}
    limits = config.read(given)["a"].convergence
    assert limits["max_depth"] == 5 and limits["max_rhat"] == 1.01
    with pytest.raises(
        UserError, match=r"convergence\.max_depth: 11; it must be a depth from 1 to"
    ):
        config.read(STUDY | {"convergence": {"max_depth": 11}})
    assert checks.published_limits(4)["max_depth"] == 8
    assert checks.published_limits(2)["max_depth"] == 4


def test_a_new_record_is_judged_and_advised_on(depth):
    limits = config.read(STUDY)["a"].convergence
    passed, failed = judged(limits, 8.0), judged(limits, 8.25)
    assert passed["passed"] and not failed["passed"]
    expected = {"name": "depth", "threshold": 8, "worst": "chain 1"}
    assert passed["checks"][-1] == expected | {"value": 8.0, "passed": True}
    assert failed["checks"][-1] == expected | {"value": 8.25, "passed": False}
    assert failed["advice"] == [
        "Trees of chain 1 were 8.2 deep on average.",
        "Set `sampler: {tune: 2000}` for this study.",
    ]
    # So far from the limit that longer tuning would not do.
    assert "look at the model" in judged(limits, 800.0)["advice"][-1]
    collected = verdict.collect({("a", "pooled"): passed, ("a", "hierarchical"): failed})
    with pytest.raises(UserError, match=r"1 of 2 fits failed .* a/hierarchical \(depth\)"):
        verdict.enforce(collected, "results/index.html")


def test_a_new_record_is_on_the_pages(depth, tmp_path):
    found = judged(config.read(STUDY)["a"].convergence, 8.25)
    results = reports.results(failed=["hierarchical"])
    *others, fit = results.fits
    attempt = fit.attempts[0] | {"failed": [found["checks"][-1]]}
    fit = dataclasses.replace(
        fit, checks=found["checks"], advice=found["advice"], attempts=[attempt]
    )
    results.fits[:] = [*others, fit]
    page = reports.page(results, tmp_path)
    assert "✗ failed: tree depth" in page
    assert re.search(r"tree depth\b.*\n?.*8\.2.*\n?.*at most 8", page)
    assert "Trees of chain 1 were 8.2 deep on average." in page
    assert "tree depth (8.2 at chain 1)" in str(provenance.attempts(results))
    study = {"a": {"formula": "y ~ x", "data": "a.csv"}}
    fits = {("a", "hierarchical"): found}
    assert "tree depth" in index.index(study, fits, {"a": results.data}, reports.TEMPLATES)


def test_every_check_and_limit_has_its_line_in_the_docs():
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for check in CHECKS.values():
        kind, _, name = check.shown.label.partition(" ")
        names = {check.shown.label, f"{name}, {kind}"}  # ESS, bulk
        assert any(f"| {one} | " in table for one in names), check.shown.label
    for key, limit in checks.limits().items():
        assert f"| `{key}` |" in page
        assert limit.schema["default"] == limit.retry_limit * (4 if limit.per_chain else 1)


def test_checks_are_read_without_scientific_libraries():
    code = (
        "import sys; from partialpool.study.checks import CHECKS, limits; "
        "print([check.text(None) for check in CHECKS.values()], [*limits()]); "
        "assert not {'numpy', 'pandas', 'xarray', 'arviz_stats', 'pymc'} & {*sys.modules}"
    )
    scripts = ROOT / "workflow/scripts"
    subprocess.run([sys.executable, "-c", code], cwd=scripts, check=True, capture_output=True)
