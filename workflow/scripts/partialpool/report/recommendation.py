"""Which variant to use, and why."""

import math

from partialpool.base.text import decimals, fixed, join_words
from partialpool.report.report_data import ReportData, value

OPTIMISTIC = (
    "has the highest elpd for left-out rows, but its estimate is optimistic: Pareto k is too high."
)


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
    """Whether a row is the best of a comparison, reliable, and clearly better than a variant."""
    other = next((r for r in compared_rows(comparison) if r["variant"] == variant), None)
    if other is None or int(row["rank"]) != 0 or other is row:
        return False
    return not too_close(other) and not int(row["pareto_k_over"])


def too_close(row: dict) -> bool:
    """Whether a row of a comparison differs too little from the best one to decide."""
    return row["too_close"] == "True"


def compared_rows(comparison: list[dict]) -> list[dict]:
    """The rows of a comparison that have numbers."""
    return [row for row in comparison if row["rank"]]


def use(results: ReportData) -> list[str]:
    """Which fit to use, and why."""
    best, failed = recommended(results), results.failed
    if best is None:
        which = "this fit" if len(results.fits) == 1 else "any of them"
        return [f"Do not use {which} before you have followed the advice below."]
    if len(results.fits) == 1:
        return ["The study has only one variant, so there is nothing to choose."]
    said = [f"Use the {best} fit."]
    comparison = compared_rows(results.comparison)
    first = comparison[0]["variant"] if comparison else best
    own = next((row for row in comparison if row["variant"] == best), None)
    if best == "hierarchical":
        learned = (
            "It learns from the data how much the groups differ, and pulls the estimate of each "
            "towards the others: the less information a group's own rows have, the further."
        )
        said.append(learned)
        reliable = own is not None and not int(own["pareto_k_over"]) and first not in failed
        close = [row["variant"] for row in comparison if too_close(row)]
        if reliable and (best == first or best in close):
            ties = [
                row for row in comparison if row["variant"] in (first, *close) and row is not own
            ]
            if ties:
                said.append(_tied(own, ties, comparison))
            else:
                said.append("It also predicts left-out rows best.")
    elif "hierarchical" in failed:
        said.append("The hierarchical fit would be the first choice, but it failed its checks.")
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
    """Which variants the best one predicts clearly better than, and which about as well as."""
    said, close, worse = [], [], []
    for row in comparison:
        if row is not best:
            (close if too_close(row) else worse).append(row)
    if worse:
        which = join_words(row["variant"] for row in worse)
        fits = "fit" if len(worse) == 1 else "fits"
        said.append(f"It predicts left-out rows clearly better than the {which} {fits}.")
    return [*said, _tied(best, close, comparison)] if close else said


def _tied(own: dict, others: list[dict], comparison: list[dict]) -> str:
    """Which variants predict about as well as the recommended one, with elpd differences."""
    best = comparison[0]  # standard errors are those of differences to it
    known = [row for row in others if best in (own, row)]
    differences = [_difference(own, row) for row in known]
    if len(others) > 1:
        named = zip(differences, known, strict=True)
        differences = [f"{text} to the {row['variant']} fit" for text, row in named]
    which = join_words(row["variant"] for row in others)
    fits = "fit" if len(others) == 1 else "fits"
    return (
        f"It predicts left-out rows about as well as the {which} {fits} "
        f"(elpd difference {join_words(differences)})."
    )


def _difference(own: dict, other: dict) -> str:
    """elpd of one variant minus that of another, of which one is the best, with its error."""
    difference = value(own, "elpd_diff") - value(other, "elpd_diff")
    behind = other if int(own["rank"]) == 0 else own
    error = math.hypot(value(behind, "dse"), value(behind, "subsampling_dse"))
    places = decimals(error)
    return f"{fixed(difference, places)} ± {fixed(error, places)}"
