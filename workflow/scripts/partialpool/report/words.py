"""What the verdict and the comparisons say, in sentences."""

from partialpool.report.report_data import ReportData, value
from partialpool.report.text import listed, number
from partialpool.study.checks import CHECKS

MOVED = ("unpooled", "hierarchical")  # groups, from the one to the other
OPTIMISTIC = (
    "comes out best in predicting left-out rows, but its own numbers are optimistic: Pareto k is "
    "too high."
)
COUNTS = ("no", "one", "two", "three")


def check(found: dict) -> dict:
    """One check of a verdict, as the page shows it."""
    own = CHECKS[found["name"]]
    threshold = f"{own.direction} {found['threshold']:g}" if found["threshold"] else "none"
    return {
        "label": own.shown.label,
        "value": own.text(found["value"]),
        "threshold": threshold,
        "passed": found["passed"],
        "worst": found["worst"] or "",
    }


def verdict(results: ReportData) -> dict:
    """The verdict on all fits of a study.

    Returns
    -------
    dict
        `state` ("passed", "mixed" or "failed"), `word`, `headline`, `use` (sentences).
    """
    failed, count = results.failed, len(results.fits)
    if not failed:
        who = {1: "This fit", 2: "Both fits"}.get(count, f"All {COUNTS[count]} fits")
        headline, state = f"{who} can be trusted.", "passed"
    elif len(failed) == count:
        who = "This fit cannot" if count == 1 else "None of the fits can"
        headline, state = f"{who} be trusted.", "failed"
    else:
        plural = "fits" if len(failed) > 1 else "fit"
        headline, state = f"Do not rely on the {listed(failed)} {plural}.", "mixed"
    word = {"passed": "Passed", "mixed": "Failed in part", "failed": "Failed"}[state]
    return {"state": state, "word": word, "headline": headline, "use": use(results)}


def recommended(results: ReportData) -> str | None:
    """The variant to use; None where every fit failed.

    The hierarchical one, unless it failed or another predicts clearly better.
    """
    trusted = [fit.variant for fit in results.fits if fit.passed]
    ranked = [row for row in compared_rows(results.comparison) if row["variant"] in trusted]
    if not trusted:
        return None
    if "hierarchical" in trusted:
        beaten = [row for row in ranked if clearly_beats(row, "hierarchical", results.comparison)]
        return beaten[0]["variant"] if beaten else "hierarchical"
    return ranked[0]["variant"] if ranked else trusted[0]


def clearly_beats(row: dict, variant: str, comparison: list[dict]) -> bool:
    """Whether a row of a comparison is the best, reliable, and not close to a variant."""
    other = next((r for r in compared_rows(comparison) if r["variant"] == variant), None)
    if other is None or int(row["rank"]) != 0 or other is row:
        return False
    return "too close" not in other["note"] and not int(row["pareto_k_over"])


def compared_rows(comparison: list[dict]) -> list[dict]:
    """The rows of a comparison that have numbers."""
    return [row for row in comparison if row["rank"]]


def use(results: ReportData) -> list[str]:
    """Which fit to use, and why."""
    best, failed = recommended(results), results.failed
    if best is None:
        which = "this fit" if len(results.fits) == 1 else "any of them"
        return [f"Do not use {which} before what is advised below has been done."]
    if len(results.fits) == 1:
        return ["There is one variant, so there is nothing to choose."]
    said = [f"Use the {best} fit."]
    comparison = compared_rows(results.comparison)
    first = comparison[0]["variant"] if comparison else best
    own = next((row for row in comparison if row["variant"] == best), None)
    if best == "hierarchical":
        learned = (
            "It learns from the data how much the groups differ, and pulls each towards the others "
            "by as much as its own rows leave open."
        )
        said.append(learned)
        reliable = own is not None and not int(own["pareto_k_over"]) and first not in failed
        ties = [row["variant"] for row in comparison if "too close" in row["note"]]
        if reliable and (best == first or best in ties):
            ties = [variant for variant in dict.fromkeys([first, *ties]) if variant != best]
            if ties:
                said.append(_tied(ties))
            else:
                said.append("It also predicts left-out rows best.")
    elif "hierarchical" in failed:
        said.append("The hierarchical fit would be the first choice, had it passed its checks.")
        if sum(fit.passed for fit in results.fits) > 1 and own is not None:
            which = f"Of the others, the {best} fit"
            optimistic = int(own["pareto_k_over"])
            said.append(f"{which} {OPTIMISTIC if optimistic else 'predicts left-out rows best.'}")
    elif own is not None and int(own["pareto_k_over"]):
        said.append(f"It {OPTIMISTIC}")
    elif own is not None and best == first:
        said += _beats(own, comparison)
    return said


def _beats(best: dict, comparison: list[dict]) -> list[str]:
    """Which variants the best one predicts clearly better than, and which not."""
    said, close, worse = [], [], []
    for row in comparison:
        if row is not best:
            (close if "too close" in row["note"] else worse).append(row["variant"])
    if worse:
        which = listed(worse, last="and the")
        said.append(f"It predicts left-out rows clearly better than the {which}.")
    return [*said, _tied(close)] if close else said


def _tied(variants: list[str]) -> str:
    which = f"{listed(variants, last='and the')} fit{'s' if len(variants) > 1 else ''}"
    return f"In predicting rows left out it is too close to call with the {which}."


def compared(rows: list[dict], unit: str) -> list[str]:
    """What a comparison says: who is best, who is too close to call, whom not to believe."""
    left, rows = [row for row in rows if not row["rank"]], compared_rows(rows)
    missing = [f"The {row['variant']} fit is {row['note'].partition('; ')[0]}." for row in left]
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
    close = [row["variant"] for row in rows[1:] if "too close" in row["note"]]
    worse = [row["variant"] for row in rows[1:] if "too close" not in row["note"]]
    said = []
    if int(rows[0]["pareto_k_over"]):
        worse = []
    if close:
        said.append(
            f"{listed([best, *close]).capitalize()} are too close to call "
            f"in predicting {unit} left out."
        )
    elif int(rows[0]["pareto_k_over"]):
        said.append(f"The {best} fit comes out best, but its own numbers are optimistic.")
    else:
        said.append(f"The {best} fit predicts {unit} left out best.")
    if worse:
        verb = "predict" if len(worse) > 1 else "predicts"
        said.append(f"{listed(worse).capitalize()} {verb} them clearly worse.")
    said += [*missing, *doubts(rows, unit)]
    units, total = int(rows[0]["units"]), int(rows[0]["units_total"])
    if units < total:
        said.append(
            f"Estimated for all {total:,} {unit} from {units:,} of them, drawn at random; standard "
            "errors include what that leaves open."
        )
    return said


def doubts(rows: list[dict], unit: str) -> list[str]:
    """For which variants importance sampling did not work, in one sentence."""
    over = [
        f"{row['variant']} ({int(row['pareto_k_over']):,} of {int(row['units']):,} {unit})"
        for row in rows
        if int(row["pareto_k_over"])
    ]
    if not over:
        return []
    limit = number(value(rows[0], "pareto_k_threshold"), 2)
    return [f"Pareto k is over {limit} for {listed(over)}: there elpd is optimistic."]
