"""Predictions and contrasts: a table for each question, and what could not be answered."""

from partialpool.design.prediction_columns import PREDICTED
from partialpool.report.report_data import ReportData, value
from partialpool.report.tables import SHOWN, role, table
from partialpool.report.text import apart, decimals, fixed, listed, number, short

QUESTIONS = {
    "group": (
        "For its own group",
        "Each row's own group. One that was not fitted is drawn from the distribution of groups.",
    ),
    "new_group": (
        "For a new group",
        "A group that nobody has seen: how much groups differ is part of every interval.",
    ),
    "average_group": (
        "For the average group",
        "A group in the middle of all others, without deviations of its own.",
    ),
}
POOLED = "A pooled fit ignores groups: what it says is the same for all of them."


def predictions(results: ReportData, variant: str) -> list[dict]:
    """For each question asked its `title`, what is `said`, and a `table` of the first rows.

    There is no table where no row has an answer: then what is said is why.
    """
    rows = results.fit(variant).predictions
    found = []
    for prediction_target in results.study["predict"]:
        title, said = QUESTIONS[prediction_target]
        said = {"pooled": POOLED, "unpooled": ""}.get(variant, said)
        own = [row for row in rows if row["predicted_for"] == prediction_target]
        answered = any(row["mean"] for row in own)
        reason = listed(dict.fromkeys(_reason(row) for row in own))
        found.append(
            {
                "title": title if results.factors else "",
                "said": said if answered else f"{reason[:1].upper()}{reason[1:]}.",
                "table": _predicted(results, own) if answered else None,
            }
        )
    return found


def _predicted(results: ReportData, rows: list[dict]) -> dict:
    given = [name for name in (rows[0] if rows else ()) if name not in PREDICTED]
    labels = {column for factor in results.factors for column in factor.columns}
    numbered = bool(results.study["contrasts"])
    shown = _shown(results, rows)
    # Columns that say the same in every row are left out: what they say is said above the table.
    status = len({row["group_status"] for row in rows}) > 1
    notes = len({row["note"] for row in rows}) > 1
    heads = numbered * ["row"] + [short(name, 32) for name in given]
    first = len(heads)
    # Intervals of many quantities have room below them, rather than beside.
    below = len(shown) > 3
    for name, middle, _ in shown:
        heads += [name, "interval"] if middle and not below else [name]
    last = len(heads)
    heads += status * ["group"] + notes * ["note"]
    out = []
    for position, row in enumerate(rows[:SHOWN], start=1):
        cells = [_cells(results, row, middle, end) for _, middle, end in shown]
        if not row["mean"]:
            cells[0][0] = "refused"
        if below:
            cells = [_below(own) if own[1:] else own for own in cells]
        out.append(
            [
                *numbered * [str(position)],
                *(short(row[name]) if name in labels else _as_given(row[name]) for name in given),
                *(cell for own in cells for cell in own),
                *status * [row["group_status"]],
                *notes * [row["note"]],
            ]
        )
    left = len(rows) - len(out)
    note = f"The first {len(out)} of {len(rows):,} rows; predictions.csv has all." if left else ""
    return table(heads, out, note, numbers=[*numbered * [0], *range(first, last)])


def _shown(results: ReportData, rows: list[dict]) -> list[tuple[str, str, str]]:
    """What is shown of each row: its head, the column of the number, and what begins its ends.

    There is no number of a new observation, only its ends.
    """
    y, family = short(results.model["response"], 32), results.family
    if family.binary:
        return [("probability", "probability", "probability_")]
    found = [("probability", "probability", "probability_")] * family.is_probability
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
    """The column that a transformed response is a function of; None where it is of several."""
    own = [name for name in results.data["columns"] if role(results, name) == "response"]
    return short(own[0], 32) if len(own) == 1 else None


def _cells(results: ReportData, row: dict, middle: str, end: str) -> list[str]:
    """The cells of one of the quantities of :func:`_shown`."""
    if middle:
        return [*_interval(row, middle, end)]
    low, high = (value(row, f"{end}{one}") for one in ("lower", "upper"))
    if low is None or high is None:
        return [""]
    places = 0
    if results.link == "identity":
        places = decimals((high - low) / 4 if end == "response_outcome_" else value(row, "sd"))
    return [f"{fixed(low, places)} to {fixed(high, places)}"]


def _interval(row: dict, middle: str, end: str) -> tuple[str, str]:
    """A number and its interval, to two digits of a quarter of the interval's width."""
    at, low, high = (value(row, key) for key in (middle, f"{end}lower", f"{end}upper"))
    if at is None:
        return "", ""
    places = decimals((high - low) / 4)
    return fixed(at, places), f"{fixed(low, places)} to {fixed(high, places)}"


def _below(cells: list[str]) -> list[dict]:
    """A number with its interval below it."""
    text, interval = cells
    return [{"text": text, "under": interval}]


def _as_given(text: str) -> str:
    """A cell of the rows to predict: numbers short, labels as they are."""
    try:
        return number(float(text)) if "." in text or "e" in text else short(text)
    except ValueError:
        return short(text)


def refusals(results: ReportData) -> list[dict]:
    """Rows that could not be predicted in full: how many of each variant, and why."""
    counts: dict[tuple[str, str], int] = {}
    for fit in results.fits:
        for row in fit.predictions:
            if row["note"] and not (row["mean"] and row["outcome_lower"]):
                reason = _reason(row)
                counts[fit.variant, reason] = counts.get((fit.variant, reason), 0) + 1
    same: dict[tuple[str, int], list[str]] = {}
    for (variant, reason), count in counts.items():
        same.setdefault((reason, count), []).append(variant)
    return [
        {"variants": variants, "count": count, "reason": reason}
        for (reason, count), variants in same.items()
    ]


def _reason(row: dict) -> str:
    """Why a row has no answer: the first of its notes."""
    return row["note"].partition(";")[0]


def contrasts(results: ReportData, variant: str) -> dict | None:
    """Differences between two rows in one variant: what they are, their table, what is refused."""
    rows = results.fit(variant).contrasts
    if not rows:
        return None
    ratio = _ratio_name(results, rows)
    several = len({row["predicted_for"] for row in rows}) > 1
    answered = [row for row in rows if row["mean"]]
    out = [
        [
            *_contrasted(row, several),
            *_below([*_interval(row, "mean", "")]),
            _share(value(row, "probability_over_zero")),
            *bool(ratio) * _below(_ratio(row)),
        ]
        for row in answered[:SHOWN]
    ]
    heads = ["contrast", *several * ["for"], "difference", "chance it is over 0"]
    heads += bool(ratio) * [ratio]
    left = len(answered) - len(out)
    note = f"The first {len(out)} of {len(answered):,}; contrasts.csv has all." if left else ""
    refused: dict[str, list[str]] = {}
    for row in rows:
        if not row["mean"]:
            which = " for ".join(_contrasted(row, several))
            refused.setdefault(_reason(row), []).append(which)
    return {
        "said": _difference(results, ratio),
        "table": table(heads, out, note, numbers=range(1 + several, len(heads))),
        "refused": [
            {"which": listed(which[:SHOWN]), "reason": reason} for reason, which in refused.items()
        ],
    }


def _contrasted(row: dict, several: bool) -> list[str]:
    """Which rows, and for prediction_target where it is asked for several."""
    title, _ = QUESTIONS[row["predicted_for"]]
    rows = f"row {row['second']} minus row {row['first']}"
    return [rows, *several * [title.removeprefix("For ")]]


def _ratio_name(results: ReportData, rows: list[dict]) -> str:
    """What the ratios of contrasts are of; empty where there are none."""
    if results.link != "identity":
        return results.family.words.ratio
    return f"ratio of {_of_ratio(results)}" if "ratio_mean" in rows[0] else ""


def _of_ratio(results: ReportData) -> str:
    """What of its own column a difference in a logarithm is a ratio of."""
    own = own_column(results)
    return f"1 + {own}" if "log1p(" in results.model["response"] else own


def _difference(results: ReportData, ratio: str) -> str:
    """What the contrasts of a study are."""
    y = short(results.model["response"], 32)
    words = results.family.words
    said = (
        f"The {words.difference.format(y=y)} of one row minus that of another, draw by draw, so "
        "that the uncertainty they share cancels out."
    )
    if not ratio:
        return said
    if results.link == "identity":
        return f"{said} The {ratio} compares medians: 1 is no difference."
    return f"{said} The {ratio} sets their {words.compared} against each other: 1 is no difference."


def _ratio(row: dict) -> list[str]:
    """A ratio and its interval."""
    at, low, high = apart([value(row, f"ratio_{k}") for k in ("mean", "lower", "upper")])
    return [at, f"{low} to {high}"]


def _share(x: float) -> str:
    """A share of draws, which are too few to say never or always."""
    return "over 0.999" if x > 0.999 else "under 0.001" if x < 0.001 else fixed(x, 3)
