"""Section of the population-level and group-level estimates."""

from collections.abc import Callable
from itertools import combinations
from types import SimpleNamespace

from partialpool.base.text import apart, decimals, fixed, number, truncate
from partialpool.model import families, parameter_names
from partialpool.model.priors import WIDE_LOG_SIGMA
from partialpool.report import meaning
from partialpool.report.report_data import FactorSummary, ReportData, value
from partialpool.report.section import Section
from partialpool.report.tables import SHOWN, table
from partialpool.study.figure_names import numbered

OF_SIGMA = ("sigma", "sigma_median", "sd_log_sigma")

# What inverses of links need, for numbers: a page imports no scientific library.
NUMBERS = SimpleNamespace(exp=meaning.exp, expit=lambda x: 1 / (1 + meaning.exp(-x)))
MOVED = ("unpooled", "hierarchical")  # groups are moved from the first to the second


def population(results: ReportData) -> dict:
    """Population-level estimates, the variants side by side."""
    names = list(dict.fromkeys(name for fit in results.fits for name in fit.summary))
    names += [parameter_names.sd(f.name, c) for f in results.factors for c in f.varying]
    if results.family.has_hierarchical_sigma(results.outcome):
        names.append("sd_log_sigma")
    ranks = {name: _rank(results, name) for name in names}
    names = sorted((name for name, rank in ranks.items() if rank), key=ranks.get)
    rows = [
        [truncate(name), *(_estimate(fit, name) for fit in results.fits)] for name in names[:SHOWN]
    ]
    left = len(names) - len(rows)
    note = f"{left:,} more are in summary.csv of each variant." if left > 0 else ""
    heads = ["", *(fit.variant for fit in results.fits)]
    return table(heads, rows, note, numbers=range(1, len(heads)))


def _rank(results: ReportData, name: str) -> tuple | None:
    """Sort key of a scalar in the table; None for scalars of single groups."""
    if name.startswith("beta["):
        return (0,)
    for place, factor in enumerate(results.factors):
        if parameter_names.is_of(name, "sd", factor.name):
            return 1, place
        pairs = combinations(factor.varying, 2)
        if name in {parameter_names.cor(factor.name, a, b) for a, b in pairs}:
            return 2, place
        if name == parameter_names.nu(factor.name):
            return 3, place
    of_response = [*dict.fromkeys([*OF_SIGMA, *families.parameter_names()])]
    if name in of_response:
        return 4, of_response.index(name)
    return (5,) if name.startswith("sigma[") else None


def _estimate(fit, name: str) -> dict:
    """Cell of a scalar in a fit: mean, sd and interval, or the value that the variant fixes."""
    row = fit.summary.get(name)
    if row is None:
        return {"text": _fixed(fit, name), "mark": "dim"}
    places = decimals(value(row, "sd"))
    mean, sd, low, high = (fixed(value(row, k), places) for k in ("mean", "sd", "lower", "upper"))
    return {"text": f"{mean} ± {sd}", "under": f"{low} to {high}"}


def _fixed(fit, name: str) -> str:
    """The value of a scalar that a variant fixes."""
    if name.startswith("nu_"):
        return "none"
    at = "0"
    if fit.variant == "unpooled":
        wide = {
            parameter_names.sd(factor, column): sd
            for factor, own in fit.priors["wide"].items()
            for column, sd in own.items()
        }
        at = number((wide | {"sd_log_sigma": WIDE_LOG_SIGMA}).get(name, 0.0))
        # Deviations are independent at the average of the predictors, but not where they are zero.
        moved = (
            f"{kind}_{f}[Intercept" for f in fit.priors["at_averages"] for kind in ("sd", "cor")
        )
        if name.startswith(tuple(moved)):
            at += " at the average"
    return f"fixed at {at}"


def ratios(results: ReportData) -> dict | None:
    """Coefficients of a model with a link as ratios; the Intercept as expected response."""
    if not results.link.has_ratio:
        return None
    rows = []
    for name in results.model["coefficients"][:SHOWN]:
        through = _expected(results) if name == "Intercept" else meaning.exp
        label = meaning.linked(results) if name == "Intercept" else results.family.words.ratio
        rows.append(
            [
                truncate(name),
                label,
                *(
                    _through(through, fit.summary.get(parameter_names.beta(name)))
                    for fit in results.fits
                ),
            ]
        )
    left = len(results.model["coefficients"]) - len(rows)
    note = (
        f"{left:,} more are in summary.csv of each variant, on the scale of the link."
        if left > 0
        else ""
    )
    heads = ["coefficient", "as", *(fit.variant for fit in results.fits)]
    return table(heads, rows, note, numbers=range(2, len(heads)))


def _expected(results: ReportData) -> Callable[[float], float]:
    """The inverse of the link."""
    return lambda eta: results.link.inverse(eta, NUMBERS)


def _through(function, row: dict | None) -> dict | str:
    """Cell of an estimate and its interval, transformed by an increasing function."""
    if row is None:
        return ""
    middle, low, high = apart([function(value(row, k)) for k in ("mean", "lower", "upper")])
    return {"text": middle, "under": f"{low} to {high}"}


def groups_table(results: ReportData, factor: FactorSummary, column: str) -> dict | None:
    """Table of each group's estimates by variant; of many groups, those that moved furthest.

    For the intercept, the expected response at the group's own predictors, else a coefficient: see
    `group_estimates`. A variant without an estimate of any group has no column.
    """
    estimates = {fit.variant: fit.groups[factor.name, column] for fit in results.fits}
    shown = [v for v, own in estimates.items() if any(row["mean"] for row in own.values())]
    if not shown:
        return None
    pools = {*MOVED} <= {*shown}
    found = []
    for level, size in factor.sizes.items():
        rows = {variant: estimates[variant][level] for variant in shown}
        moved = None
        if pools and all(rows[variant]["mean"] for variant in MOVED):
            before, after = (value(rows[variant], "mean") for variant in MOVED)
            moved = after - before
        found.append((level, size, rows, moved))
    note = ""
    if len(found) > SHOWN:
        found.sort(key=lambda group: -abs(group[3] or 0))
        which = ", those that partial pooling moves furthest" if pools else ""
        note = (
            f"{SHOWN} of {len(found):,} groups{which}; group_estimates.csv of each variant has all."
        )
    out = []
    for level, size, rows, moved in found[:SHOWN]:
        cells = [_plus_minus(row) for row in rows.values()]
        shift = ""
        if moved is not None:
            shift = fixed(moved, decimals(min(value(rows[v], "sd") for v in MOVED)))
        out.append([truncate(level), f"{size:,}", *cells, *([shift] if pools else [])])
    heads = [truncate(factor.name, 32), "rows", *shown, *(["moved by"] if pools else [])]
    return table(heads, out, note, numbers=range(1, len(heads)))


def _plus_minus(row: dict) -> str:
    """Mean ± standard deviation; empty without an estimate."""
    if not row["mean"]:
        return ""
    places = decimals(value(row, "sd"))
    return f"{fixed(value(row, 'mean'), places)} ± {fixed(value(row, 'sd'), places)}"


def groups(results: ReportData) -> list[dict]:
    """Estimates of the groups of each factor: title, text, name of the figure, and table."""
    found = []
    for factor in results.factors:
        for column in factor.varying:
            found.append(
                {
                    "title": f"Each {factor.unit}: {meaning.quantity(results, column)}",
                    "text": meaning.of_groups(results, factor, column),
                    "figure": numbered("shrinkage", len(found) + 1),
                    "table": groups_table(results, factor, column),
                }
            )
    return found


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {
        "population": population(results),
        "ratios": ratios(results),
        "ratio": meaning.ratio(results),
        "far_from_zero": meaning.far_from_zero(results),
        "spread": meaning.spread(results),
        "groups": groups(results),
    }


SECTION = Section(
    "estimates",
    "Estimates",
    build,
    files={
        "summaries": "every scalar: mean, sd, interval, Monte Carlo error, ESS, R-hat",
        "group_estimates": "each group at its own predictors",
    },
)
