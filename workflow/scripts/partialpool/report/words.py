"""What the numbers say, in sentences and in short numbers."""

import math

from partialpool.report.results import Results, value

CHECKS = {
    "rhat": ("R-hat", "at most"),
    "ess_bulk": ("bulk ESS", "at least"),
    "ess_tail": ("tail ESS", "at least"),
    "divergences": ("divergences", "at most"),
    "ebfmi": ("E-BFMI", "at least"),
}
DECIMALS = {"rhat": 3, "ebfmi": 2}
COUNTS = ("no", "one", "two", "three")


def number(x: float | None, digits: int = 4) -> str:
    """A number with at most so many digits that count; empty for None."""
    if x is None or math.isnan(x):
        return ""
    x = float(f"{x:.{digits - 1}e}")
    if x == 0:
        return "0"
    if not 1e-4 <= abs(x) < 1e7:
        return f"{x:.{digits}g}".replace("-", "−")
    text = fixed(x, max(0, digits - 1 - math.floor(math.log10(abs(x)))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(x: float | None, decimals: int) -> str:
    """A number with so many decimals, a true minus, and no minus zero."""
    if x is None or math.isnan(x):
        return ""
    text = f"{x:,.{decimals}f}"
    if not float(text.replace(",", "")):
        text = text.lstrip("-")
    return text.replace("-", "−")


def decimals(sd: float | None) -> int:
    """Decimals that show two digits of a standard deviation."""
    if not sd or not math.isfinite(sd):
        return 3
    return min(8, max(0, 1 - math.floor(math.log10(abs(sd)))))


def short(text: str, letters: int = 60) -> str:
    """A label no longer than a cell of a table."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def listed(names, last: str = "and") -> str:
    """`a`, `a and b`, or `a, b and c`."""
    names = list(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def check(found: dict) -> dict:
    """One check of a verdict, as the page shows it."""
    label, direction = CHECKS.get(found["name"], (found["name"], ""))
    places = DECIMALS.get(found["name"], 0)
    shown = "not a number" if found["value"] is None else fixed(found["value"], places)
    threshold = f"{direction} {found['threshold']:g}" if found["threshold"] else "none"
    return {
        "label": label,
        "value": shown,
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
        said.append(f"Computed on {units:,} of {total:,} {unit}, drawn at random.")
    return said


def doubts(rows: list[dict], unit: str) -> list[str]:
    """For which variants importance sampling did not work, in one sentence."""
    over = [
        f"{row['variant']} ({row['pareto_k_over']} of {row['units']} {unit})"
        for row in rows
        if int(row["pareto_k_over"])
    ]
    if not over:
        return []
    limit = number(value(rows[0], "pareto_k_threshold"), 2)
    return [f"Pareto k is over {limit} for {listed(over)}: there elpd is optimistic."]


def pooling(results: Results) -> dict[str, str]:
    """What each variant means for this study, in a sentence."""
    model = results.model
    factor, response = model["factor"], model["response"]
    only = model["varying"] == ["Intercept"] == model["coefficients"]
    what = "mean" if only else "coefficients"
    wide = results.fits[0].priors["wide"]
    spread = listed(f"{number(sd)} for {name}" for name, sd in wide.items())
    if len(wide) == 1:
        spread = number(next(iter(wide.values())))
    common = "mean" if only else "set of coefficients"
    sentences = {
        "pooled": f"One {common} of {response} for every {factor}: the groups are taken to be "
        "alike. The between-group sd is zero."
        if factor
        else f"One model of {response} for all rows.",
        "unpooled": f"Each {factor} has its own {what}, from its own rows alone. "
        f"The between-group sd is fixed, and wide: {spread}.",
        "hierarchical": f"Each {factor} has its own {what}, drawn from one distribution whose "
        "spread is learned from all of them. The between-group sd has a prior.",
    }
    return {fit.variant: sentences[fit.variant] for fit in results.fits}
