"""What the verdict and the comparisons say, in sentences."""

from partialpool.report.results import Results, value
from partialpool.report.text import listed, number
from partialpool.verdict import CHECKS

MOVED = ("unpooled", "hierarchical")  # groups, from the one to the other
COUNTS = ("no", "one", "two", "three")


def check(found: dict) -> dict:
    """One check of a verdict, as the page shows it."""
    own = CHECKS[found["name"]]
    threshold = f"{own.direction} {found['threshold']:g}" if found["threshold"] else "none"
    return {
        "label": own.label,
        "value": own.shown(found["value"]),
        "threshold": threshold,
        "passed": found["passed"],
        "worst": found["worst"] or "",
    }


def verdict(results: Results) -> dict:
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


def recommended(results: Results) -> str | None:
    """The variant to use; None where every fit failed.

    The hierarchical one, unless it failed or another predicts clearly better.
    """
    trusted = [fit.variant for fit in results.fits if fit.passed]
    ranked = [row for row in results.comparison if row["variant"] in trusted]
    if not trusted:
        return None
    if "hierarchical" in trusted:
        beaten = [row for row in ranked if clearly_beats(row, "hierarchical", results.comparison)]
        return beaten[0]["variant"] if beaten else "hierarchical"
    return ranked[0]["variant"] if ranked else trusted[0]


def clearly_beats(row: dict, variant: str, comparison: list[dict]) -> bool:
    """Whether a row of a comparison is the best, reliable, and not close to a variant."""
    other = next((r for r in comparison if r["variant"] == variant), None)
    if other is None or int(row["rank"]) != 0 or other is row:
        return False
    return "too close" not in other["note"] and not int(row["pareto_k_over"])


def use(results: Results) -> list[str]:
    """Which fit to use, and why."""
    best, failed = recommended(results), results.failed
    if best is None:
        which = "this fit" if len(results.fits) == 1 else "any of them"
        return [f"Do not use {which} before what is advised below has been done."]
    if len(results.fits) == 1:
        return ["There is one variant, so there is nothing to choose."]
    said = [f"Use the {best} fit."]
    first = results.comparison[0]["variant"] if results.comparison else best
    own = next((row for row in results.comparison if row["variant"] == best), None)
    if best == "hierarchical":
        learned = (
            "It learns from the data how much the groups differ, and pulls each towards the others "
            "by as much as its own rows leave open."
        )
        said.append(learned)
        reliable = own is not None and not int(own["pareto_k_over"]) and first not in failed
        ties = [row["variant"] for row in results.comparison if "too close" in row["note"]]
        if reliable and (best == first or best in ties):
            ties = [variant for variant in dict.fromkeys([first, *ties]) if variant != best]
            if ties:
                said.append(
                    "In predicting rows left out it is too close to call "
                    f"with the {listed(ties, last='and the')} fit{'s' if len(ties) > 1 else ''}."
                )
            else:
                said.append("It also predicts left-out rows best.")
    elif "hierarchical" in failed:
        said.append("The hierarchical fit would be the first choice, had it passed its checks.")
        if sum(fit.passed for fit in results.fits) > 1:
            said.append(f"Of the others, the {best} fit predicts left-out rows best.")
    else:
        said.append(f"It predicts left-out rows clearly better than {others(results, best)}.")
    return said


def others(results: Results, variant: str) -> str:
    """The other variants of a study, in words."""
    return "the " + listed(
        (fit.variant for fit in results.fits if fit.variant != variant), last="and the"
    )


def compared(rows: list[dict], unit: str) -> list[str]:
    """What a comparison says: who is best, who is too close to call, whom not to believe."""
    if not rows:
        return []
    if len(rows) == 1:
        return [
            "There is one variant, so there is nothing to compare it with.",
            *doubts(rows, unit),
        ]
    best = rows[0]["variant"]
    close = [row["variant"] for row in rows[1:] if "too close" in row["note"]]
    worse = [row["variant"] for row in rows[1:] if "too close" not in row["note"]]
    said = []
    if close:
        said.append(
            f"{listed([best, *close]).capitalize()} are too close to call "
            f"in predicting {unit} left out."
        )
    elif int(rows[0]["pareto_k_over"]):
        said.append(f"The {best} fit comes out best, but its own numbers are optimistic.")
        worse = []
    else:
        said.append(f"The {best} fit predicts {unit} left out best.")
    if worse:
        verb = "predict" if len(worse) > 1 else "predicts"
        said.append(f"{listed(worse).capitalize()} {verb} them clearly worse.")
    said += doubts(rows, unit)
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
