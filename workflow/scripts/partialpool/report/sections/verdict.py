"""Section of the verdict on all fits of a study."""

from partialpool.base.text import join_words
from partialpool.report import checks, recommendation
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section

COUNTS = ("no", "one", "two", "three")


def verdict(results: ReportData) -> dict:
    """The verdict on all fits of a study.

    Returns
    -------
    dict
        `state` ("passed", "mixed" or "failed"), `word`, `headline`, `use` (sentences).
    """
    failed, count = results.failed, len(results.fits)
    if not failed:
        who = {1: "This fit", 2: "Both fits"}.get(count, f"All {COUNTS[count]} fits")
        headline, state = f"{who} can be trusted.", "passed"
    elif len(failed) == count:
        who = "This fit cannot" if count == 1 else "None of the fits can"
        headline, state = f"{who} be trusted.", "failed"
    else:
        plural = "fits" if len(failed) > 1 else "fit"
        headline, state = f"Do not rely on the {join_words(failed)} {plural}.", "mixed"
    word = {"passed": "Passed", "mixed": "Failed in part", "failed": "Failed"}[state]
    return {"state": state, "word": word, "headline": headline, "use": recommendation.use(results)}


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {
        "verdict": verdict(results),
        "failed_checks": {
            fit.variant: [checks.check(one)["label"] for one in fit.checks if not one["passed"]]
            for fit in results.fits
        },
        "retried": [fit for fit in results.fits if len(fit.attempts) > 1],
    }


SECTION = Section("verdict", "Verdict", build)
