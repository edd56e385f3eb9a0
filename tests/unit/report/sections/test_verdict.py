"""The verdict on all fits."""

from dataclasses import replace

import pytest
from reports import VARIANTS, results

from partialpool.report.sections import verdict


@pytest.mark.parametrize("failed", [(), VARIANTS[:1], VARIANTS[:2], VARIANTS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_verdict_counts_the_fits_and_those_that_failed(failed, count):
    found = results(failed=failed)
    found = replace(found, fits=found.fits[:count])
    said = verdict.verdict(found)
    bad = min(len(failed), count)
    states = ("passed", "Passed") if not bad else ("failed", "Failed")
    assert (said["state"], said["word"]) == (
        states if bad in (0, count) else ("mixed", "Failed in part")
    )
    expected = {
        (1, 0): "This fit can be trusted.",
        (2, 0): "Both fits can be trusted.",
        (3, 0): "All three fits can be trusted.",
        (1, 1): "This fit cannot be trusted.",
        (2, 2): "None of the fits can be trusted.",
        (3, 3): "None of the fits can be trusted.",
        (2, 1): "Do not rely on the pooled fit.",
        (3, 1): "Do not rely on the pooled fit.",
        (3, 2): "Do not rely on the pooled and unpooled fits.",
    }
    assert said["headline"] == expected[count, bad]
    use = " ".join(said["use"])
    assert ("Do not use this fit before" in use) == (count == bad == 1)
    assert ("Do not use any of them before" in use) == (count == bad > 1)
    assert ("nothing to choose" in use) == (count == 1 and not bad)
