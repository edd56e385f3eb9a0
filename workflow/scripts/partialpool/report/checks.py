"""Rows of the table of convergence checks."""

from partialpool.study.checks import CHECKS


def check(found: dict) -> dict:
    """Format one check of a verdict for the page."""
    own = CHECKS[found["name"]]
    threshold = f"{own.direction} {found['threshold']:g}" if found["threshold"] else "none"
    return {
        "label": own.shown.label,
        "value": own.text(found["value"]),
        "threshold": threshold,
        "passed": found["passed"],
        "worst": found["worst"] or "",
    }
