"""Section of the model in mathematics and words, with its priors."""

from partialpool.report import mathematics, meaning, priors
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {
        "lines": mathematics.lines(results),
        "indices": mathematics.indices(results),
        "response": meaning.response(results),
        "pooling": meaning.pooling(results),
        "priors": priors.priors(results),
        "centred": priors.centred_words(results),
    }


SECTION = Section("fit", "Model", build, files={"posteriors": "all draws, in the layout of ArviZ"})
