"""Section of the convergence checks of each fit."""

from partialpool.report import checks, meaning
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {
        "diagnosed": meaning.diagnosed(results),
        "checks": {fit.variant: [checks.check(one) for one in fit.checks] for fit in results.fits},
    }


SECTION = Section(
    "diagnose", "Convergence", build, files={"diagnostics": "the verdict, for programs"}
)
