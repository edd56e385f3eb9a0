"""Tables: short enough to read, with what is left out said below them."""

import re
from itertools import combinations

from partialpool.report.results import ANSWERS, Results, value
from partialpool.report.words import decimals, fixed, number, short

MOVED = ("unpooled", "hierarchical")  # from the one to the other
KINDS = ["beta", "sd", "cor", "sigma"]  # population-level scalars, in their order on the page
SHOWN = 20  # rows of a table on the page; the file has all


def table(columns, rows, note: str = "", numbers=()) -> dict:
    """A table for the template.

    Parameters
    ----------
    columns : list of str
    rows : list of list
        Cells: text, or a dict with `text`, `under` (a second line) and `mark` ("failed", "dim").
    note : str
        What is left out.
    numbers : iterable of int
        Columns aligned right.
    """
    return {"columns": columns, "rows": rows, "note": note, "numbers": set(numbers)}


def columns_of_data(results: Results) -> dict:
    """The columns of the table that was fitted."""
    rows = []
    for name, found in results.data["columns"].items():
        if "levels" in found:
            count = len(found["levels"])
            first = ", ".join(short(level, 24) for level in list(found["levels"])[:4])
            spread = [f"{count} labels: {first}{', …' if count > 4 else ''}"] + 4 * [""]
        else:
            spread = ["numbers", *(number(found[key]) for key in ("min", "mean", "max", "sd"))]
        rows.append([short(name), role(results, name), *spread])
    heads = ["column", "role", "holds", "min", "mean", "max", "sd"]
    return table(heads, rows, numbers=range(3, 7))


def role(results: Results, column: str) -> str:
    """What a column is in the model."""
    model = results.model
    if column == model["factor"]:
        return "groups"
    if column == model["sigma"]:
        return "standard error"
    left = results.study["formula"].partition("~")[0]
    return "response" if column in left else "predictor"


def population(results: Results) -> dict:
    """Population-level estimates, the variants side by side."""
    factor, varying = results.model["factor"], results.model["varying"]
    pairs = {f"cor_{factor}[{a}, {b}]" for a, b in combinations(varying, 2)}
    names = list(
        dict.fromkeys(
            name
            for fit in results.fits
            for name in fit.summary
            if name.startswith(("beta[", f"sd_{factor}[", "sigma")) or name in pairs
        )
    )
    fixed_sd = [f"sd_{factor}[{column}]" for column in varying]
    names += [name for name in fixed_sd if name not in names]
    names.sort(key=lambda name: KINDS.index(re.match("[a-z]+", name)[0]))
    rows = [
        [short(name), *(_estimate(results, fit, name) for fit in results.fits)]
        for name in names[:SHOWN]
    ]
    left = len(names) - len(rows)
    note = f"{left} more in summary.csv of each variant." if left > 0 else ""
    heads = ["", *(fit.variant for fit in results.fits)]
    return table(heads, rows, note, numbers=range(1, len(heads)))


def _estimate(results: Results, fit, name: str) -> dict:
    """Mean, sd and interval of one scalar in one fit; what the variant fixes in words."""
    row = fit.summary.get(name)
    if row is None:
        wide = fit.priors["wide"]
        column = name.partition("[")[2].rstrip("]")
        sd = number(wide.get(column)) if fit.variant == "unpooled" else "0"
        text = f"fixed at {sd or '0'}"
        return {"text": text, "mark": "dim"}
    places = decimals(value(row, "sd"))
    mean, sd, low, high = (fixed(value(row, k), places) for k in ("mean", "sd", "lower", "upper"))
    return {"text": f"{mean} ± {sd}", "under": f"{low} to {high}"}


def groups(results: Results, column: str) -> dict | None:
    """Each group's coefficient in each variant; of many groups, those that moved furthest."""
    factor = results.model["factor"]
    found = []
    for level, size in results.sizes.items():
        name = f"coef_{factor}[{level}, {column}]"
        rows = {fit.variant: fit.summary.get(name) for fit in results.fits}
        means = {v: value(row, "mean") if row else None for v, row in rows.items()}
        moved = None
        if None not in (means.get(variant) for variant in MOVED):
            moved = means["hierarchical"] - means["unpooled"]
        found.append((level, size, rows, moved))
    if not found:
        return None
    note = ""
    if len(found) > SHOWN:
        found.sort(key=lambda group: -abs(group[3] or 0))
        note = (
            f"The {SHOWN} of {len(found):,} groups that partial pooling moves furthest; "
            "all are in summary.csv of each variant."
        )
    rows = []
    for level, size, estimates, moved in found[:SHOWN]:
        cells = []
        for row in estimates.values():
            places = decimals(value(row, "sd")) if row else 0
            text = (
                f"{fixed(value(row, 'mean'), places)} ± {fixed(value(row, 'sd'), places)}"
                if row
                else ""
            )
            cells.append(text)
        sds = [value(estimates[v], "sd") for v in MOVED if estimates.get(v)]
        shift = fixed(moved, decimals(min(sds))) if moved is not None and sds else ""
        rows.append([short(level), f"{size:,}", *cells, shift])
    heads = [factor, "rows", *(fit.variant for fit in results.fits), "moved by"]
    return table(heads, rows, note, numbers=range(1, len(heads)))


def comparison(rows: list[dict]) -> dict | None:
    """A comparison: the variants, the best first."""
    if not rows:
        return None
    out = []
    for row in rows:
        over = int(row["pareto_k_over"])
        out.append(
            [
                row["variant"],
                fixed(value(row, "elpd_loo"), 1),
                fixed(value(row, "se"), 1),
                fixed(value(row, "elpd_diff"), 1),
                fixed(value(row, "dse"), 1),
                fixed(value(row, "p"), 1),
                fixed(value(row, "weight"), 2),
                {"text": f"{over} of {row['units']}", "mark": "failed" if over else ""},
                {"text": row["note"], "mark": "failed" if row["fit_passed"] != "True" else ""},
            ]
        )
    heads = ["variant", "elpd_loo", "se", "difference", "its se", "p_loo", "weight"]
    return table([*heads, "high Pareto k", "note"], out, numbers=range(1, 8))


def predictions(results: Results, variant: str) -> dict:
    """The first predicted rows of one variant."""
    rows = results.fit(variant).predictions
    given = list(rows[0])[:-ANSWERS] if rows else []
    # Columns that say the same in every row are left out: what they say is said above the table.
    new = any(row["outcome_lower"] for row in rows)
    status = len({row["group_status"] for row in rows}) > 1
    notes = len({row["note"] for row in rows}) > 1
    heads = [*given, "expected", "interval"]
    heads += new * ["new observation"] + status * ["group"] + notes * ["note"]
    out = []
    for row in rows[:SHOWN]:
        places = decimals(value(row, "sd"))
        said = {k: fixed(value(row, k), places) for k in ("mean", "lower", "upper")}
        outcome = [fixed(value(row, f"outcome_{end}"), places) for end in ("lower", "upper")]
        out.append(
            [
                *(_as_given(row[name]) for name in given),
                said["mean"] or "refused",
                f"{said['lower']} to {said['upper']}" if said["mean"] else "",
                *new * [" to ".join(outcome) if all(outcome) else ""],
                *status * [row["group_status"]],
                *notes * [row["note"]],
            ]
        )
    left = len(rows) - len(out)
    note = f"The first {len(out)} of {len(rows):,} rows; predictions.csv has all." if left else ""
    first = len(given)
    return table(heads, out, note, numbers=range(first, first + 2 + new))


def _as_given(text: str) -> str:
    """A cell of the rows to predict: numbers short, labels as they are."""
    try:
        return number(float(text)) if "." in text or "e" in text else short(text)
    except ValueError:
        return short(text)


def refusals(results: Results) -> list[dict]:
    """Rows that could not be predicted in full: how many of each variant, and why."""
    counts: dict[tuple[str, str], int] = {}
    for fit in results.fits:
        for row in fit.predictions:
            if row["note"] and not (row["mean"] and row["outcome_lower"]):
                reason = row["note"].partition(";")[0]
                counts[fit.variant, reason] = counts.get((fit.variant, reason), 0) + 1
    same: dict[tuple[str, int], list[str]] = {}
    for (variant, reason), count in counts.items():
        same.setdefault((reason, count), []).append(variant)
    return [
        {"variants": variants, "count": count, "reason": reason}
        for (reason, count), variants in same.items()
    ]


def recovery(results: Results) -> tuple[list[dict], dict] | None:
    """Shares of true values inside their intervals, and the values, those missed first."""
    rows = results.recovery
    if not rows:
        return None
    shares = []
    for fit in results.fits:
        own = [row for row in rows if row["variant"] == fit.variant]
        inside = sum(row["covered"] == "True" for row in own)
        shares.append({"variant": fit.variant, "covered": inside, "count": len(own)})
    best = "hierarchical" if results.fit("hierarchical") else results.fits[0].variant
    own = [row for row in rows if row["variant"] == best]
    if len(own) > SHOWN:
        own.sort(key=lambda row: row["covered"] == "True")
    out = []
    for row in own[:SHOWN]:
        low, high = value(row, "lower"), value(row, "upper")
        places = decimals((high - low) / 4)
        covered = row["covered"] == "True"
        out.append(
            [
                short(row["name"]),
                fixed(value(row, "truth"), places),
                fixed(value(row, "mean"), places),
                f"{fixed(low, places)} to {fixed(high, places)}",
                {"text": "inside" if covered else "outside", "mark": "" if covered else "failed"},
            ]
        )
    note = f"{len(out)} of {len(own):,}, those outside first." if len(own) > len(out) else ""
    heads = [best, "truth", "estimate", "interval", "truth is"]
    return shares, table(heads, out, note, numbers=range(1, 4))


def attempts(results: Results) -> dict:
    """How each fit was sampled, attempt by attempt."""
    rows = []
    for fit in results.fits:
        for index, attempt in enumerate(fit.attempts, start=1):
            missed = ", ".join(
                f"{check['name']} ({number(check['value'])}"
                + (f" at {check['worst']})" if check["worst"] else ")")
                for check in attempt["failed"]
            )
            rows.append(
                [
                    fit.variant,
                    {"text": missed, "mark": "failed"} if missed else "met the limits",
                    str(index),
                    str(fit.sampler["chains"]),
                    f"{attempt['tune']:,}",
                    f"{attempt['draws']:,}",
                    f"{attempt['target_accept']:g}",
                    fixed(attempt["seconds"], 1),
                    fixed(attempt.get("sampling_seconds"), 1),
                ]
            )
    heads = ["variant", "result", "attempt", "chains", "tune", "draws", "target_accept"]
    return table([*heads, "seconds", "of them sampling"], rows, numbers=range(2, 9))
