"""Section of the predictions and contrasts of the recommended fit."""

from partialpool.report import recommendation
from partialpool.report.contrasts import contrasts
from partialpool.report.predictions import predictions, refusals
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section


def build(results: ReportData) -> dict:
    """Context of the template."""
    variant = recommendation.recommended(results) or results.fits[-1].variant
    return {
        "variant": variant,
        "refusals": refusals(results),
        "predictions": predictions(results, variant),
        "contrasts": contrasts(results, variant),
    }


SECTION = Section(
    "predict",
    "Predict",
    build,
    files={
        "predictions": "all predicted rows",
        "contrasts": "all contrasts",
        "new_data_report": "the rows to predict, and which of their groups are not in the table",
    },
)
