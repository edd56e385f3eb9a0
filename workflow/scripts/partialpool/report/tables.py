"""Tables: short enough to read, with what is left out said below them."""

import math
import re
from collections.abc import Callable
from itertools import combinations

from partialpool.model import families
from partialpool.model.priors import WIDE_LOG_SIGMA
from partialpool.report import meaning, words
from partialpool.report.report_data import Factor, ReportData, value
from partialpool.report.text import apart, decimals, fixed, number, short
from partialpool.report.words import MOVED

OF_SIGMA = ("sigma", "sigma_median", "sd_log_sigma")
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


def columns_of_data(results: ReportData) -> dict:
    """The columns of the table that was fitted."""
    gaps = bool(results.data["dropped"]["total"])
    rows = []
    for name, found in results.data["columns"].items():
        if "levels" in found:
            count = len(found["levels"])
            first = ", ".join(short(level, 24) for level in list(found["levels"])[:4])
            spread = [f"{count:,} labels: {first}{', …' if count > 4 else ''}"] + 4 * [""]
        else:
            spread = ["numbers", *(number(found[key]) for key in ("min", "mean", "max", "sd"))]
        rows.append([short(name), role(results, name), *spread, *gaps * [f"{found['missing']:,}"]])
    heads = ["column", "role", "holds", "min", "mean", "max", "sd", *gaps * ["gaps"]]
    return table(heads, rows, numbers=range(3, len(heads)))


def role(results: ReportData, column: str) -> str:
    """What a column is in the model."""
    if any(column in factor.columns for factor in results.factors):
        return "predictor, groups" if results.is_predictor(column) else "groups"
    for of_outcome, name in results.outcome.columns.items():
        if name == column:
            return of_outcome.removesuffix("s") if of_outcome == "standard errors" else of_outcome
    # Names that are called are functions.
    left = re.findall(r"`([^`]*)`|(\w+)\b(?!\s*\()", results.study["formula"].partition("~")[0])
    return "response" if column in {name for pair in left for name in pair} else "predictor"


def population(results: ReportData) -> dict:
    """Population-level estimates, the variants side by side."""
    names = list(dict.fromkeys(name for fit in results.fits for name in fit.summary))
    names += [f"sd_{f.name}[{c}]" for f in results.factors for c in f.varying]
    if results.family.pools_sigma(results.outcome):
        names.append("sd_log_sigma")
    ranks = {name: _rank(results, name) for name in names}
    names = sorted((name for name, rank in ranks.items() if rank), key=ranks.get)
    rows = [
        [short(name), *(_estimate(fit, name) for fit in results.fits)] for name in names[:SHOWN]
    ]
    left = len(names) - len(rows)
    note = f"{left:,} more in summary.csv of each variant." if left > 0 else ""
    heads = ["", *(fit.variant for fit in results.fits)]
    return table(heads, rows, note, numbers=range(1, len(heads)))


def _rank(results: ReportData, name: str) -> tuple | None:
    """Where a scalar stands on the page; None for those of single groups."""
    if name.startswith("beta["):
        return (0,)
    for place, factor in enumerate(results.factors):
        if name.startswith(f"sd_{factor.name}["):
            return 1, place
        pairs = combinations(factor.varying, 2)
        if name in {f"cor_{factor.name}[{a}, {b}]" for a, b in pairs}:
            return 2, place
        if name == f"nu_{factor.name}":
            return 3, place
    of_response = [*dict.fromkeys([*OF_SIGMA, *families.parameter_names()])]
    if name in of_response:
        return 4, of_response.index(name)
    return (5,) if name.startswith("sigma[") else None


def _estimate(fit, name: str) -> dict:
    """Mean, sd and interval of one scalar in one fit; what the variant fixes in words."""
    row = fit.summary.get(name)
    if row is None:
        return {"text": _fixed(fit, name), "mark": "dim"}
    places = decimals(value(row, "sd"))
    mean, sd, low, high = (fixed(value(row, k), places) for k in ("mean", "sd", "lower", "upper"))
    return {"text": f"{mean} ± {sd}", "under": f"{low} to {high}"}


def _fixed(fit, name: str) -> str:
    """What a variant takes a scalar for that it does not estimate."""
    if name.startswith("nu_"):
        return "none"
    at = "0"
    if fit.variant == "unpooled":
        wide = {
            f"sd_{factor}[{column}]": sd
            for factor, own in fit.priors["wide"].items()
            for column, sd in own.items()
        }
        at = number((wide | {"sd_log_sigma": WIDE_LOG_SIGMA}).get(name, 0.0))
        # There deviations are independent; where predictors are zero, those of lines are not.
        moved = (
            f"{kind}_{f}[Intercept" for f in fit.priors["at_averages"] for kind in ("sd", "cor")
        )
        if name.startswith(tuple(moved)):
            at += " at the average"
    return f"fixed at {at}"


def ratios(results: ReportData) -> dict | None:
    """Coefficients of a model with a link as ratios; the Intercept as what is expected there."""
    if results.link == "identity":
        return None
    rows = []
    for name in results.model["coefficients"][:SHOWN]:
        through = _expected(results) if name == "Intercept" else meaning.exp
        label = meaning.expected(results) if name == "Intercept" else results.family.words.ratio
        rows.append(
            [
                short(name),
                label,
                *(_through(through, fit.summary.get(f"beta[{name}]")) for fit in results.fits),
            ]
        )
    left = len(results.model["coefficients"]) - len(rows)
    note = f"{left:,} more can be had from summary.csv of each variant." if left > 0 else ""
    heads = ["coefficient", "as", *(fit.variant for fit in results.fits)]
    return table(heads, rows, note, numbers=range(2, len(heads)))


def _expected(results: ReportData) -> Callable[[float], float]:
    """The inverse of the link, which is not the identity."""
    return _probability if results.link == "logit" else meaning.exp


def _probability(x: float) -> float:
    return 1 / (1 + meaning.exp(-x))


def _through(function, row: dict | None) -> dict | str:
    """An estimate and its interval after a function that keeps their order."""
    if row is None:
        return ""
    middle, low, high = apart([function(value(row, k)) for k in ("mean", "lower", "upper")])
    return {"text": middle, "under": f"{low} to {high}"}


def groups(results: ReportData, factor: Factor, column: str) -> dict | None:
    """What each group is in each variant; of many groups, those that moved furthest.

    Of the intercept the expected response at the group's own predictors, else a coefficient: see
    `group_estimates`. A variant that says nothing of any group has no column.
    """
    estimates = {fit.variant: fit.groups[factor.name, column] for fit in results.fits}
    said = [v for v, own in estimates.items() if any(row["mean"] for row in own.values())]
    if not said:
        return None
    pools = {*MOVED} <= {*said}
    found = []
    for level, size in factor.sizes.items():
        rows = {variant: estimates[variant][level] for variant in said}
        moved = None
        if pools and all(rows[variant]["mean"] for variant in MOVED):
            before, after = (value(rows[variant], "mean") for variant in MOVED)
            moved = after - before
        found.append((level, size, rows, moved))
    note = ""
    if len(found) > SHOWN:
        found.sort(key=lambda group: -abs(group[3] or 0))
        which = " that partial pooling moves furthest" if pools else ""
        note = (
            f"{SHOWN} of {len(found):,} groups{which}; all are in group_estimates.csv of each "
            "variant."
        )
    out = []
    for level, size, rows, moved in found[:SHOWN]:
        cells = [_plus_minus(row) for row in rows.values()]
        shift = ""
        if moved is not None:
            shift = fixed(moved, decimals(min(value(rows[v], "sd") for v in MOVED)))
        out.append([short(level), f"{size:,}", *cells, *pools * [shift]])
    heads = [short(factor.name, 32), "rows", *said, *pools * ["moved by"]]
    return table(heads, out, note, numbers=range(1, len(heads)))


def _plus_minus(row: dict) -> str:
    """A mean and its standard deviation; empty where there is none."""
    if not row["mean"]:
        return ""
    places = decimals(value(row, "sd"))
    return f"{fixed(value(row, 'mean'), places)} ± {fixed(value(row, 'sd'), places)}"


def comparison(rows: list[dict]) -> dict | None:
    """A comparison: the variants, the best first."""
    if not rows:
        return None
    out = []
    # Tenths say nothing beside hundreds of thousands, and take room.
    places = 0 if max(abs(value(row, "elpd_loo") or 0) for row in rows) >= 1e5 else 1
    for row in rows:
        if not row["rank"]:
            cells = [row["variant"], *7 * [""], {"text": row["note"], "mark": "failed"}]
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


def recovery(results: ReportData) -> tuple[list[dict], dict] | None:
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


def attempts(results: ReportData) -> dict:
    """How each fit was sampled, attempt by attempt."""
    rows = []
    for fit in results.fits:
        for index, attempt in enumerate(fit.attempts, start=1):
            shown = [words.check(check) for check in attempt["failed"]]
            missed = ", ".join(
                f"{check['label']} ({check['value']}"
                + (f" at {check['worst']})" if check["worst"] else ")")
                for check in shown
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
