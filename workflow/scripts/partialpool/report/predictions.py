"""Tables of predictions, one for each prediction target."""

from partialpool.base.text import decimals, fixed, join_words, number, truncate
from partialpool.report.report_data import ReportData, value
from partialpool.report.tables import SHOWN, below, table
from partialpool.study.prediction_columns import (
    GROUP_STATUS,
    MEAN,
    MEAN_INTERVAL,
    MISSING_REASON,
    NOTE,
    OUTCOME,
    PREDICTED,
    PREDICTED_FOR,
    PROBABILITY,
    RESPONSE_MEAN,
    RESPONSE_MEDIAN,
    RESPONSE_OUTCOME,
    SD,
    TARGETS,
)

EXPLAINED = {
    "group": "Predictions for each row's own group. A group that was not fitted is drawn from the "
    "distribution of groups.",
    "new_group": "Predictions for a group that is not in the data: its intervals include how much "
    "groups differ.",
    "average_group": "Predictions for a group without deviations from the population level.",
}

POOLED = "A pooled fit ignores groups: its predictions are the same for all of them."


def predictions(results: ReportData, variant: str) -> list[dict]:
    """Title, text, and table of the first rows of each prediction target of the study.

    Where no row has a prediction there is no table, and the text is the reason.
    """
    rows = results.fit(variant).predictions
    found = []
    for prediction_target in results.study["predict"]:
        text = EXPLAINED[prediction_target]
        text = {"pooled": POOLED, "unpooled": ""}.get(variant, text)
        own = [row for row in rows if row[PREDICTED_FOR] == prediction_target]
        answered = any(row[MEAN] for row in own)
        reason = join_words(dict.fromkeys(row[MISSING_REASON] for row in own))
        found.append(
            {
                "title": f"For {TARGETS[prediction_target]}" if results.factors else "",
                "text": text if answered else f"{reason[:1].upper()}{reason[1:]}.",
                "table": _predicted(results, own) if answered else None,
            }
        )
    return found


def _predicted(results: ReportData, rows: list[dict]) -> dict:
    given = [name for name in (rows[0] if rows else ()) if name not in PREDICTED]
    labels = {column for factor in results.factors for column in factor.columns}
    numbered = bool(results.study["contrasts"])
    shown = _shown(results, rows)
    # A column with one value in all rows is left out: the text above the table has it.
    status = len({row[GROUP_STATUS] for row in rows}) > 1
    notes = len({row[NOTE] for row in rows}) > 1
    heads = [*(["row"] if numbered else []), *(truncate(name, 32) for name in given)]
    first = len(heads)
    # Of many quantities, the interval is below the number instead of beside it.
    stacked = len(shown) > 3
    for name, columns in shown:
        heads += [name, "interval"] if len(columns) == 3 and not stacked else [name]
    last = len(heads)
    heads += ["group"] if status else []
    heads += ["note"] if notes else []
    out = []
    for position, row in enumerate(rows[:SHOWN], start=1):
        cells = [_cells(results, row, columns) for _, columns in shown]
        if not row[MEAN]:
            cells[0][0] = "none"
        if stacked:
            cells = [below(own) if own[1:] else own for own in cells]
        out.append(
            [
                *([str(position)] if numbered else []),
                *(
                    truncate(row[name]) if name in labels else _as_given(row[name])
                    for name in given
                ),
                *(cell for own in cells for cell in own),
                *([row[GROUP_STATUS]] if status else []),
                *([row[NOTE]] if notes else []),
            ]
        )
    left = len(rows) - len(out)
    note = f"The first {len(out)} of {len(rows):,} rows; predictions.csv has all." if left else ""
    return table(heads, out, note, numbers=[*([0] if numbered else []), *range(first, last)])


def _shown(results: ReportData, rows: list[dict]) -> list[tuple[str, tuple[str, ...]]]:
    """Quantities of each row: head, and columns of the number and of the ends of its interval.

    A new observation has no number, only an interval.
    """
    y, family = truncate(results.model["response"], 32), results.family
    if family.binary:
        return [("probability", PROBABILITY)]
    found = [("probability", PROBABILITY)] if family.is_probability else []
    found.append((f"expected {y}", MEAN_INTERVAL))
    own = own_column(results) if RESPONSE_MEDIAN[0] in rows[0] else None
    if own:
        for what, columns in (("median", RESPONSE_MEDIAN), ("mean", RESPONSE_MEAN)):
            if columns[0] in rows[0]:
                found.append((f"{what} {own}", columns))
    if any(row[OUTCOME[0]] for row in rows):
        found.append((f"new observation of {own or y}", RESPONSE_OUTCOME if own else OUTCOME))
    return found


def own_column(results: ReportData) -> str | None:
    """The column that a transformed response is a function of; None for several columns."""
    columns = results.data["columns"].items()
    own = [name for name, column in columns if column["role"] == "response"]
    return truncate(own[0], 32) if len(own) == 1 else None


def _cells(results: ReportData, row: dict, columns: tuple[str, ...]) -> list[str]:
    """The cells of a row for one of the quantities of :func:`_shown`."""
    if len(columns) == 3:
        return [*interval(row, columns)]
    low, high = (value(row, name) for name in columns)
    if low is None or high is None:
        return [""]
    places = 0
    if not results.link.has_ratio:
        places = decimals((high - low) / 4 if columns == RESPONSE_OUTCOME else value(row, SD))
    return [f"{fixed(low, places)} to {fixed(high, places)}"]


def interval(row: dict, columns: tuple[str, ...]) -> tuple[str, str]:
    """A number and its interval, to two digits of a quarter of the interval's width."""
    at, low, high = (value(row, name) for name in columns)
    if at is None:
        return "", ""
    places = decimals((high - low) / 4)
    return fixed(at, places), f"{fixed(low, places)} to {fixed(high, places)}"


def _as_given(text: str) -> str:
    """A cell of the rows to predict: numbers short, labels as they are."""
    try:
        return number(float(text)) if "." in text or "e" in text else truncate(text)
    except ValueError:
        return truncate(text)


def refusals(results: ReportData) -> list[dict]:
    """Rows without a full prediction: how many of each variant, and why."""
    counts: dict[tuple[str, str], int] = {}
    for fit in results.fits:
        for row in fit.predictions:
            if row[MISSING_REASON]:
                reason = row[MISSING_REASON]
                counts[fit.variant, reason] = counts.get((fit.variant, reason), 0) + 1
    same: dict[tuple[str, int], list[str]] = {}
    for (variant, reason), count in counts.items():
        same.setdefault((reason, count), []).append(variant)
    return [
        {"variants": variants, "count": count, "reason": reason}
        for (reason, count), variants in same.items()
    ]
