"""The limits of checks in words."""

import pytest

from partialpool.report import checks


@pytest.mark.parametrize(
    ("name", "limit", "shown"),
    [
        *(("rhat", 1.01, "at most 1.01"), ("ess_bulk", 400, "at least 400")),
        *(("ebfmi", 0.3, "at least 0.3"), ("divergences", 2, "at most 2")),
        *(("divergences", 0, "none"), ("ess_tail", 0, "none")),
    ],
)
def test_the_limit_of_a_check_is_said(name, limit, shown):
    for worst, passed in (("beta[x]", False), (None, True)):
        found = {"name": name, "value": 3, "threshold": limit, "passed": passed, "worst": worst}
        said = checks.check(found)
        assert (said["threshold"], said["passed"]) == (shown, passed)
        assert said["worst"] == (worst or "")
        assert float(said["value"]) == 3
