"""Section of the prior predictive check."""

from partialpool.report import priors
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {"warnings": priors.warnings(results)}


SECTION = Section("prior", "Prior predictive", build)
