"""Posterior predictive checks: replicated data sets beside the data."""

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from matplotlib.lines import Line2D

from partialpool.figures.figure_data import FigureData, FigureFit, GroupedTable
from partialpool.figures.marks import chosen, intervals, legend
from partialpool.figures.registry import each_factor, each_fit, report_figure
from partialpool.figures.style import (
    INK,
    LOOKS,
    WIDTH,
    distinct,
    fit_label,
    label_number,
    named,
    plt,
)

LINES = 40  # replicated data sets drawn
GROUPS = 16  # groups whose mean is checked
VALUES = 40  # of a discrete response, beyond which each no longer has its own bar
TICKS = [0, *(10**power for power in range(12))]  # of counts on a logarithmic axis
ROW = 1.0  # scale of figures that the page shows side by side


def density_caption(study: FigureData, _fit: FigureFit, form: str) -> str:
    """How to read replicated data sets beside the data."""
    match form:
        case "shares":
            said = (
                f"Colour: the {study.group_label} in replicated data sets. Black line: in your "
                "data. Where the line lies outside the coloured bars, the model misses something "
                "in your data."
            )
        case "frequencies":
            said = (
                "Black points: the number of rows of your data with each value. Bars: that number "
                f"in {study.percent} of the replicated data sets. Where a point lies outside its "
                "bar, the model misses something in your data."
            )
        case _:
            lines = min(LINES, len(study.fits[0].replicated))
            said = (
                f"Thin lines: {lines} replicated data sets. Thick black line: your data. Where the "
                "black line leaves the thin ones, the model misses something in your data."
            )
    return said + study.subset


def density_alt(_study: FigureData, fit: FigureFit) -> str:
    """Alternative text of a density."""
    return f"Data replicated by the {fit.variant} fit, and the data"


@report_figure(
    "density", "check", alt=density_alt, caption=density_caption, each=each_fit, scale=ROW
)
def density(study: FigureData, fit: FigureFit):
    """Replicated data sets and the data: the frequency of each value, or their densities."""
    figure, axes = plt.subplots(figsize=(2.6, 1.9))
    axes.set_title(named(fit.variant, study.failed))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    per = study.per[study.rows]
    alike = np.ptp(per) == 0
    y = study.y[study.rows]
    if study.binary:
        figure.set_label("shares")
        _share(study, axes, fit)
    elif study.family.discrete and alike and np.ptp(y) < VALUES:
        figure.set_label("frequencies")
        axes.set_xlabel(fit_label(study.formula.response))
        _frequencies(study, axes, fit, y)
    else:
        figure.set_label("curves")
        axes.set_xlabel(study.row_label)
        _densities(axes, LOOKS[fit.variant], y / per, fit.replicated / per, study.family)
    return figure


def _share(study: FigureData, axes, fit: FigureFit) -> None:
    """The share of ones in replicated data sets and in the data."""
    shares = study.by_group(None, fit.replicated, study.rows)[:, 0]
    axes.hist(shares, bins=20, color=LOOKS[fit.variant].colour, alpha=0.55)
    axes.axvline(study.by_group(None, study.y[study.rows], study.rows)[0], color=INK, lw=2.2)
    axes.set_xlabel(study.group_label)


def _frequencies(study: FigureData, axes, fit: FigureFit, y: np.ndarray) -> None:
    """Rows of each value: replicated as intervals, observed as points."""
    values = np.arange(y.min(), y.max() + 1)
    often = [(fit.replicated == value).sum(axis=1) for value in values]
    tails = (1 - study.interval) / 2
    low, high = np.quantile(often, [tails, 1 - tails], axis=1)
    width = np.clip(100 / len(values), 2, 6)
    axes.vlines(values, low, high, color=LOOKS[fit.variant].colour, lw=width, alpha=0.6)
    axes.plot(values, [(y == value).sum() for value in values], ls="", marker="o", color=INK,
              ms=np.clip(width, 2.5, 4))  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)


def _densities(axes, look, y: np.ndarray, replicated: np.ndarray, family) -> None:
    # Counts are drawn on a logarithmic axis: most are small and a few large.
    skewed = family.discrete and y.max() > TICKS[2]
    if skewed:
        y, replicated = np.log1p(y), np.log1p(replicated)
        ticks = [tick for tick in TICKS if tick < np.expm1(1.3 * y.max())]
        axes.set_xticks(np.log1p(ticks), [label_number(tick) for tick in ticks])
    which = np.linspace(0, len(replicated) - 1, LINES).round().astype(int)
    for replicate in replicated[which]:
        grid, curve, _ = array_stats.kde(replicate)
        axes.plot(grid, curve, color=look.colour, lw=0.6, alpha=0.35)
    grid, curve, _ = array_stats.kde(y)
    axes.plot(grid, curve, color=INK, lw=2.2)
    spread = np.ptp(y) * (0.3 if skewed else 0.45)
    low, high = y.min() - (0.1 if skewed else 1) * spread, y.max() + spread
    least, greatest = family.bounds
    axes.set_xlim(max(low, least - 0.03 * spread), min(high, greatest + 0.03 * spread))
    # A replicate of few rows can have a spike.
    axes.set_ylim(0, min(axes.get_ylim()[1], 2.5 * curve.max()))


def groups_caption(study: FigureData, factor: GroupedTable, _form: str) -> str:
    """How to read each group's replicates, and which groups are shown."""
    unit = factor.unit
    said = (
        f"Black bars: each {unit}'s observed {study.group_label}. Intervals: its value in "
        f"{study.percent} of the data sets that each variant replicates. Where a bar lies outside "
        f"an interval, the variant does not describe that {unit}."
    )
    if len(factor.levels) > GROUPS:
        said += (
            f" Shown: {GROUPS} of the {len(factor.levels):,} groups, the largest, the smallest and "
            "some between."
        )
    return said


@report_figure(
    "groups",
    "check",
    alt="The observed mean of each group, and its replicates by each variant",
    caption=groups_caption,
    each=each_factor,
)
def groups(study: FigureData, factor: GroupedTable):
    """Each group's mean, share or rate: observed, and replicated by each variant."""
    observed = study.by_group(factor, study.y[study.rows], study.rows)
    counts = np.bincount(factor.index[study.rows], minlength=len(factor.levels))
    present = np.flatnonzero(counts)
    keep = present[chosen(counts[present], GROUPS)]
    keep = keep[np.argsort(-observed[keep], kind="stable")]
    found = {}
    for fit in study.fits:
        replicated = study.by_group(factor, fit.replicated, study.rows)[:, keep]
        tails = (1 - study.interval) / 2
        low, high = np.quantile(replicated, [tails, 1 - tails], axis=0)
        found[fit.variant] = pd.DataFrame(
            {"mean": replicated.mean(axis=0), "lower": low, "upper": high}
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + (0.13 + 0.1 * len(found)) * len(keep)))
    intervals(axes, found, len(keep), failed=study.failed)
    at = np.arange(len(keep))
    axes.vlines(observed[keep], at - 0.4, at + 0.4, color=INK, lw=2, zorder=4)
    axes.set_yticks(at, distinct([factor.levels[group] for group in keep]))
    axes.set_ylabel(fit_label(factor.name))
    axes.set_xlabel(study.group_label)
    bar = Line2D([], [], color=INK, lw=0, marker="|", ms=10, mew=2, label="observed")
    legend(figure, list(found), study.failed, [bar])
    return figure
