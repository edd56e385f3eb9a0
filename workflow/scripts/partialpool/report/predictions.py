"""Tables of predictions, one for each prediction target."""

from partialpool.base.text import decimals, fixed, listed, number, short
from partialpool.design.prediction_columns import PREDICTED
from partialpool.report.report_data import ReportData, value
from partialpool.report.tables import SHOWN, below, table

TARGETS = {
    "group": (
        "For its own group",
        "Predictions for each row's own group. A group that was not fitted is drawn from the "
        "distribution of groups.",
    ),
    "new_group": (
        "For a new group",
        "Predictions for a group that is not in the data: its intervals include how much groups "
        "differ.",
    ),
    "average_group": (
        "For the average group",
        "Predictions for a group without deviations from the population level.",
    ),
}

POOLED = "A pooled fit ignores groups: its predictions are the same for all of them."


def predictions(results: ReportData, variant: str) -> list[dict]:
    """Title, text, and table of the first rows of each prediction target of the study.

    Where no row has a prediction there is no table, and the text is the reason.
    """
    rows = results.fit(variant).predictions
    found = []
    for prediction_target in results.study["predict"]:
        title, text = TARGETS[prediction_target]
        text = {"pooled": POOLED, "unpooled": ""}.get(variant, text)
        own = [row for row in rows if row["predicted_for"] == prediction_target]
        answered = any(row["mean"] for row in own)
        reason = listed(dict.fromkeys(row["missing_reason"] for row in own))
        found.append(
            {
                "title": title if results.factors else "",
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
    status = len({row["group_status"] for row in rows}) > 1
    notes = len({row["note"] for row in rows}) > 1
    heads = [*(["row"] if numbered else []), *(short(name, 32) for name in given)]
    first = len(heads)
    # Of many quantities, the interval is below the number instead of beside it.
    stacked = len(shown) > 3
    for name, middle, _ in shown:
        heads += [name, "interval"] if middle and not stacked else [name]
    last = len(heads)
    heads += ["group"] if status else []
    heads += ["note"] if notes else []
    out = []
    for position, row in enumerate(rows[:SHOWN], start=1):
        cells = [_cells(results, row, middle, end) for _, middle, end in shown]
        if not row["mean"]:
            cells[0][0] = "none"
        if stacked:
            cells = [below(own) if own[1:] else own for own in cells]
        out.append(
            [
                *([str(position)] if numbered else []),
                *(short(row[name]) if name in labels else _as_given(row[name]) for name in given),
                *(cell for own in cells for cell in own),
                *([row["group_status"]] if status else []),
                *([row["note"]] if notes else []),
            ]
        )
    left = len(rows) - len(out)
    note = f"The first {len(out)} of {len(rows):,} rows; predictions.csv has all." if left else ""
    return table(heads, out, note, numbers=[*([0] if numbered else []), *range(first, last)])


def _shown(results: ReportData, rows: list[dict]) -> list[tuple[str, str, str]]:
    """Quantities of each row: head, column of the number, and prefix of the interval's columns.

    A new observation has no number, only an interval.
    """
    y, family = short(results.model["response"], 32), results.family
    if family.binary:
        return [("probability", "probability", "probability_")]
    found = [("probability", "probability", "probability_")] if family.is_probability else []
    found.append((f"expected {y}", "mean", ""))
    own = own_column(results) if "response_median" in rows[0] else None
    if own:
        for what in ("median", "mean"):
            if f"response_{what}" in rows[0]:
                found.append((f"{what} {own}", f"response_{what}", f"response_{what}_"))
    if any(row["outcome_lower"] for row in rows):
        start = "response_" if own else ""
        found.append((f"new observation of {own or y}", "", f"{start}outcome_"))
    return found


def own_column(results: ReportData) -> str | None:
    """The column that a transformed response is a function of; None for several columns."""
    own = [name for name in results.data["columns"] if results.role(name) == "response"]
    return short(own[0], 32) if len(own) == 1 else None


def _cells(results: ReportData, row: dict, middle: str, end: str) -> list[str]:
    """The cells of a row for one of the quantities of :func:`_shown`."""
    if middle:
        return [*interval(row, middle, end)]
    low, high = (value(row, f"{end}{one}") for one in ("lower", "upper"))
    if low is None or high is None:
        return [""]
    places = 0
    if results.link == "identity":
        places = decimals((high - low) / 4 if end == "response_outcome_" else value(row, "sd"))
    return [f"{fixed(low, places)} to {fixed(high, places)}"]


def interval(row: dict, middle: str, end: str) -> tuple[str, str]:
    """A number and its interval, to two digits of a quarter of the interval's width."""
    at, low, high = (value(row, key) for key in (middle, f"{end}lower", f"{end}upper"))
    if at is None:
        return "", ""
    places = decimals((high - low) / 4)
    return fixed(at, places), f"{fixed(low, places)} to {fixed(high, places)}"


def _as_given(text: str) -> str:
    """A cell of the rows to predict: numbers short, labels as they are."""
    try:
        return number(float(text)) if "." in text or "e" in text else short(text)
    except ValueError:
        return short(text)


def refusals(results: ReportData) -> list[dict]:
    """Rows without a full prediction: how many of each variant, and why."""
    counts: dict[tuple[str, str], int] = {}
    for fit in results.fits:
        for row in fit.predictions:
            if row["missing_reason"]:
                reason = row["missing_reason"]
                counts[fit.variant, reason] = counts.get((fit.variant, reason), 0) + 1
    same: dict[tuple[str, int], list[str]] = {}
    for (variant, reason), count in counts.items():
        same.setdefault((reason, count), []).append(variant)
    return [
        {"variants": variants, "count": count, "reason": reason}
        for (reason, count), variants in same.items()
    ]
