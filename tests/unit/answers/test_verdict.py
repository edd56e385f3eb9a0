"""The verdict of a run names the fits that failed, and their checks."""

import pytest

from partialpool.answers import verdict
from partialpool.base.errors import UserError


def test_the_run_stops_naming_what_failed():
    checks = [{"name": "rhat", "passed": False}, {"name": "ess_bulk", "passed": True}]
    passed, failed = {"passed": True, "checks": checks[1:]}, {"passed": False, "checks": checks}
    found = {
        ("radon", "pooled"): failed,
        ("radon", "unpooled"): passed,
        ("schools", "unpooled"): failed,
        ("schools", "hierarchical"): passed,
    }
    collected = verdict.collect(found)
    assert not collected["passed"]
    fits = [(fit["study"], fit["variant"], fit["passed"]) for fit in collected["fits"]]
    assert fits == [(*names, one["passed"]) for names, one in found.items()]
    said = r"^2 of 4 fits .*: radon/pooled \(rhat\); schools/unpooled \(rhat\); .*index.html"
    with pytest.raises(UserError, match=said):
        verdict.enforce(collected, "results/index.html")
    accepted = verdict.collect({names: one for names, one in found.items() if one is passed})
    assert accepted["passed"]
    verdict.enforce(accepted, "results/index.html")
