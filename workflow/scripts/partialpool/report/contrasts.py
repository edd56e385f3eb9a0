"""Table of contrasts: differences between two predicted rows."""

from partialpool.base.text import apart, fixed, join_words, truncate
from partialpool.report.predictions import interval
from partialpool.report.report_data import ReportData, value
from partialpool.report.tables import SHOWN, below, table
from partialpool.study.prediction_columns import (
    MEAN,
    MEAN_INTERVAL,
    MISSING_REASON,
    OVER_ZERO,
    PREDICTED_FOR,
    RATIO,
    RATIO_OF,
    ROWS,
    TARGETS,
)


def contrasts(results: ReportData, variant: str) -> dict | None:
    """Contrasts of one variant: explanation, table, and those without an estimate."""
    rows = results.fit(variant).contrasts
    if not rows:
        return None
    ratio = _ratio_name(results, rows)
    several = len({row[PREDICTED_FOR] for row in rows}) > 1
    answered = [row for row in rows if row[MEAN]]
    out = [
        [
            *_contrasted(row, several),
            *below([*interval(row, MEAN_INTERVAL)]),
            _share(value(row, OVER_ZERO)),
            *(below(_ratio(row)) if ratio else []),
        ]
        for row in answered[:SHOWN]
    ]
    heads = ["contrast", *(["for"] if several else []), "difference", "P(difference > 0)"]
    heads += [ratio] if ratio else []
    left = len(answered) - len(out)
    note = f"The first {len(out)} of {len(answered):,}; contrasts.csv has all." if left else ""
    refused: dict[str, list[str]] = {}
    for row in rows:
        if not row[MEAN]:
            which = " for ".join(_contrasted(row, several))
            refused.setdefault(row[MISSING_REASON], []).append(which)
    return {
        "text": _difference(results, ratio),
        "table": table(heads, out, note, numbers=range(1 + several, len(heads))),
        "refused": [
            {"which": join_words(which[:SHOWN]), "reason": reason}
            for reason, which in refused.items()
        ],
    }


def _contrasted(row: dict, several: bool) -> list[str]:
    """Labels of a contrast: its rows, and its prediction target where there are several."""
    first, second = (row[name] for name in ROWS)
    rows = f"row {second} minus row {first}"
    return [rows, TARGETS[row[PREDICTED_FOR]]] if several else [rows]


def _ratio_name(results: ReportData, rows: list[dict]) -> str:
    """Head of the column of ratios; empty where there are none."""
    if results.link.has_ratio:
        return results.family.words.ratio
    of = rows[0].get(RATIO_OF)
    return f"ratio of {truncate(of, 36)}" if of else ""


def _difference(results: ReportData, ratio: str) -> str:
    """Explain the contrasts of a study."""
    y = truncate(results.model["response"], 32)
    words = results.family.words
    said = (
        f"The {words.difference.format(y=y)} of one row minus that of another, draw by draw, so "
        "that the uncertainty they share cancels out."
    )
    if not ratio:
        return said
    if not results.link.has_ratio:
        return f"{said} The {ratio} compares medians: 1 is no difference."
    return f"{said} The {ratio} sets their {words.compared} against each other: 1 is no difference."


def _ratio(row: dict) -> list[str]:
    """A ratio and its interval."""
    at, low, high = apart([value(row, name) for name in RATIO])
    return [at, f"{low} to {high}"]


def _share(x: float) -> str:
    """A share of draws, which are too few for 0 or 1."""
    return "over 0.999" if x > 0.999 else "under 0.001" if x < 0.001 else fixed(x, 3)
