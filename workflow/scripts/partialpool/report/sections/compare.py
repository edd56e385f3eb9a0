"""Section of the comparison of the variants by cross-validation."""

import math

from partialpool.base.text import fixed, join_words, number
from partialpool.report.recommendation import compared_rows, too_close
from partialpool.report.report_data import ReportData, value
from partialpool.report.section import Section
from partialpool.report.tables import table
from partialpool.study.comparison_columns import CLOSE, CLOSE_ERRORS


def compared(rows: list[dict], unit: str) -> list[str]:
    """Summarise a comparison: best variant, ties, missing ones and unreliable estimates."""
    left, rows = [row for row in rows if not row["rank"]], compared_rows(rows)
    why = {row["variant"]: row["missing_reason"] for row in left}
    missing = [f"The {variant} fit is not compared: {reason}." for variant, reason in why.items()]
    if not rows:
        return missing
    if len(rows) == 1:
        which = "The others are missing" if left else "There is one variant"
        return [
            f"{which}, so there is nothing to compare it with.",
            *missing,
            *doubts(rows, unit),
        ]
    best = rows[0]["variant"]
    close = [row["variant"] for row in rows[1:] if too_close(row)]
    worse = [row["variant"] for row in rows[1:] if not too_close(row)]
    said = []
    if int(rows[0]["pareto_k_over"]):
        worse = []
    if close:
        said.append(
            f"The {join_words([best, *close])} fits predict left-out {unit} about equally well."
        )
    elif int(rows[0]["pareto_k_over"]):
        said.append(f"The {best} fit has the highest elpd, but its own estimate is optimistic.")
    else:
        said.append(f"The {best} fit predicts left-out {unit} best.")
    if worse:
        fits = "fits predict" if len(worse) > 1 else "fit predicts"
        said.append(f"The {join_words(worse)} {fits} them clearly worse.")
    said += [*missing, *doubts(rows, unit)]
    units, total = int(rows[0]["units"]), int(rows[0]["units_total"])
    if units < total:
        said.append(
            f"Estimated for all {total:,} {unit} from {units:,} of them, drawn at random; standard "
            "errors include the error of this subsampling."
        )
    return said


def doubts(rows: list[dict], unit: str) -> list[str]:
    """Name the variants whose importance sampling is unreliable, in one sentence."""
    over = [
        f"{row['variant']} ({int(row['pareto_k_over']):,} of {int(row['units']):,} {unit})"
        for row in rows
        if int(row["pareto_k_over"])
    ]
    if not over:
        return []
    limit = number(value(rows[0], "pareto_k_threshold"), 2)
    whose = "its" if len(over) == 1 else "their"
    return [f"Pareto k is above {limit} for {join_words(over)}: {whose} elpd is optimistic."]


def comparison(rows: list[dict]) -> dict | None:
    """Table of a comparison, the best variant first."""
    if not rows:
        return None
    out = []
    # Tenths of numbers over 100,000 are noise, and take room.
    places = 0 if max(abs(value(row, "elpd_loo") or 0) for row in rows) >= 1e5 else 1
    for row in rows:
        if not row["rank"]:
            cells = [row["variant"], *([""] * 7), {"text": row["note"], "mark": "failed"}]
            out.append(cells)
            continue
        over = int(row["pareto_k_over"])
        out.append(
            [
                row["variant"],
                fixed(value(row, "elpd_loo"), places),
                fixed(math.hypot(value(row, "se"), value(row, "subsampling_se")), places),
                fixed(value(row, "elpd_diff"), places),
                fixed(math.hypot(value(row, "dse"), value(row, "subsampling_dse")), places),
                fixed(value(row, "p"), places),
                fixed(value(row, "weight"), 2),
                {"text": f"{over:,} of {int(row['units']):,}", "mark": "failed" if over else ""},
                {"text": row["note"], "mark": "failed" if row["fit_passed"] != "True" else ""},
            ]
        )
    heads = ["variant", "elpd_loo", "se", "difference", "its se", "p_loo", "weight"]
    return table([*heads, "high Pareto k", "note"], out, numbers=range(1, 8))


def comparisons(results: ReportData) -> list[dict]:
    """Title, text and table of each comparison of the study."""
    found = (
        ("Leaving out rows", "rows", results.comparison),
        ("Leaving out whole groups", "groups", results.comparison_groups),
    )
    return [
        {"title": title, "text": compared(rows, unit), "table": comparison(rows)}
        for title, unit, rows in found
        if rows
    ]


def build(results: ReportData) -> dict:
    """Context of the template."""
    sizes = [size for factor in results.factors for size in factor.sizes.values()]
    return {
        "comparisons": comparisons(results),
        "single_rows": 1 in sizes,
        "close": CLOSE,
        "close_errors": {2: "two"}.get(CLOSE_ERRORS, CLOSE_ERRORS),
    }


SECTION = Section(
    "compare",
    "Compare",
    build,
    files={
        "comparison": "comparison, leaving out rows",
        "comparison_groups": "comparison, leaving out groups",
    },
)
