"""The response, by group where there are groups."""

import numpy as np
import pandas as pd

from partialpool.figures.figure_data import FigureData, GroupedTable
from partialpool.figures.marks import MANY
from partialpool.figures.registry import each_factor_of_data, report_figure
from partialpool.figures.style import (
    FAINT,
    INK,
    LOOKS,
    WIDTH,
    distinct,
    fit_label,
    label_number,
    plt,
)

BINS = 10  # of a predictor, for shares of a response of 0s and 1s


def caption(study: FigureData, factor: GroupedTable | None, form: str) -> str:
    """How to read the figure of the response."""
    seen = study.group_label
    if factor is None:
        if form == "shares":
            return f"Ticks: the rows. Points: the {seen} in each of {BINS} equal parts of them."
        return "The rows as they were read."
    unit = factor.unit
    overall = f"Dashed line: the {seen} of all rows."
    match form:
        case "sizes":
            return (
                f"The {seen} of each {unit} against its number of {study.size_unit}. Small groups "
                f"scatter most, by chance alone. {overall}"
            )
        case "histogram":
            return f"Number of groups by their {seen}; all groups have the same size. {overall}"
        case "errors":
            marks = "Lines: ± one standard error."
        case "bars":
            marks = f"Orange bars: each group's own {seen}."
        case _:
            marks = f"Circles: rows. Orange bars: each group's own {seen}."
    return f"By {unit}, the highest first. {marks} {overall}"


def alt(study: FigureData, factor: GroupedTable | None) -> str:
    """Alternative text."""
    groups = f" in each group of {factor.name}" if factor else ""
    return f"The response {study.formula.response}{groups}"


@report_figure("data", "ingest", alt=alt, caption=caption, each=each_factor_of_data)
def data(study: FigureData, factor: GroupedTable | None):
    """The response: a strip for each group, or each group's mean against its size, or a scatter."""
    if factor is None:
        return _ungrouped(study)
    return _strips(study, factor) if len(factor.levels) <= MANY else _funnel(study, factor)


def _ungrouped(study: FigureData):
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    numeric = [
        name
        for name in study.formula.predictors
        if name not in study.formula.labels and study.table[name].dtype.kind in "fi"
    ]
    if numeric:
        x = study.table[numeric[0]].to_numpy(dtype=float)
        axes.set(xlabel=fit_label(numeric[0]), ylabel=study.row_label)
        if study.binary:
            figure.set_label("shares")
            _shares(study, axes, x)
        else:
            axes.plot(x, study.measured, ls="", marker="o", ms=3.5, mfc="none", mec=INK, alpha=0.6,
                      rasterized=True)  # fmt: skip
    else:
        _counts(axes, study.measured, study.family.discrete)
        axes.set(xlabel=study.row_label, ylabel="rows")
    return figure


def _shares(study: FigureData, axes, x: np.ndarray) -> None:
    """Draw the share of ones over a predictor, with the rows as ticks above and below."""
    axes.plot(x, np.where(study.y > 0, 1.05, -0.05), ls="", marker="|", ms=7, color=INK, mew=0.6,
              alpha=0.4, rasterized=len(x) > 1000)  # fmt: skip
    bins = pd.qcut(x, BINS, labels=False, duplicates="drop")
    shares = pd.DataFrame({"x": x, "y": study.y}).groupby(bins).mean()
    axes.plot(shares["x"], shares["y"], marker="o", ms=5, color=LOOKS["unpooled"].colour)
    axes.set_ylabel(study.group_label)


def _strips(study: FigureData, factor: GroupedTable):
    values, count = study.measured, len(factor.levels)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * count))
    alone = max(factor.sizes) == 1 and study.outcome.errors
    figure.set_label("errors" if alone else "bars" if study.binary else "strips")
    means = factor.means
    order = np.argsort(means, kind="stable")[::-1]
    jitter = np.random.default_rng(0)
    for at, index in enumerate(order):
        own = factor.index == index
        if study.outcome.errors and own.sum() == 1:
            error = study.table.loc[own, study.outcome.errors]
            axes.errorbar(values[own], [at], xerr=error, fmt="o", ms=4.5, color=INK, elinewidth=1)
            continue
        if not study.binary and own.sum() > 1:
            heights = at + jitter.uniform(-0.22, 0.22, own.sum())
            axes.plot(values[own], heights, ls="", marker="o", ms=3, mec=INK, mfc="none", mew=0.6,
                      alpha=0.55, rasterized=len(values) > 1000)  # fmt: skip
        axes.vlines(means[index], at - 0.36, at + 0.36, color=LOOKS["unpooled"].colour, lw=2)
    axes.axvline(study.average, color=LOOKS["pooled"].colour, ls="--", lw=1, zorder=0)
    names = distinct([factor.levels[index] for index in order])
    axes.set_yticks(range(count), names)
    axes.set_ylim(count - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", lw=0.5)
    if study.binary:
        axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel(study.group_label if study.binary else study.row_label)
    axes.set_ylabel(fit_label(factor.name))
    sizes(axes, [size(study, factor, index) for index in order])
    return figure


def size(study: FigureData, factor: GroupedTable, index: int) -> str:
    """Size label of a group: its number of rows, successes of trials, or standard error."""
    if study.family.is_probability:
        return (
            f"{label_number(factor.means[index] * factor.sizes[index])} of {factor.sizes[index]:,}"
        )
    if study.outcome.errors is None:
        return f"n = {factor.sizes[index]:,}"
    own = factor.index == index
    precision = (1 / study.table.loc[own, study.outcome.errors] ** 2).mean()
    error = (precision * factor.sizes[index]) ** -0.5
    rows = f"n = {factor.sizes[index]}, " if factor.sizes[index] > 1 else ""
    return f"{rows}se {label_number(error)}"


def sizes(axes, texts) -> None:
    """Label the right end of each row, for example with its group's size."""
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(texts)), texts, fontsize=8)
    right.tick_params(axis="y", length=0, pad=8, labelcolor="#666666")
    right.spines["right"].set_visible(False)


def _funnel(study: FigureData, factor: GroupedTable):
    """Each group's mean against its size: small groups are the extremes, by chance alone."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.1))
    means, overall = factor.means, study.average
    line = {"color": LOOKS["pooled"].colour, "ls": "--", "lw": 1}
    figure.set_label("sizes")
    if np.ptp(factor.sizes) == 0:
        figure.set_label("histogram")
        _counts(axes, means, study.family.discrete)
        axes.axvline(overall, **line)
        axes.set_xlabel(study.group_label)
        axes.set_ylabel(f"groups of {fit_label(factor.name)}")
        return figure
    axes.plot(factor.sizes, means, ls="", marker="o", ms=3,
              mec=LOOKS["unpooled"].colour, mfc="none", alpha=0.6, rasterized=True)  # fmt: skip
    axes.axhline(overall, **line)
    axes.set_xscale("log")
    size_axis(axes.xaxis, factor.sizes)
    axes.set_xlabel(f"{study.size_unit} of the {fit_label(factor.name)}")
    axes.set_ylabel(study.group_label)
    return figure


def _counts(axes, values: np.ndarray, discrete: bool) -> None:
    """Draw a bar chart of discrete values, or a histogram."""
    found, counts = np.unique(values.round(9), return_counts=True)
    if discrete and len(found) <= MANY:
        width = 0.6 * np.diff(found).min() if len(found) > 1 else 0.6
        axes.bar(found, counts, width=width, color=FAINT)
        if len(found) <= BINS:
            axes.set_xticks(found, [label_number(value) for value in found])
    else:
        axes.hist(values, bins="auto", color=FAINT, edgecolor="white")
    axes.yaxis.get_major_locator().set_params(integer=True)


def size_axis(axis, sizes) -> None:
    """Plain numbers on a logarithmic axis of group sizes."""
    axis.set_minor_formatter("")
    axis.set_major_formatter(lambda value, _: label_number(value))
    if max(sizes) < 50 * min(sizes):
        ticks = np.unique(np.geomspace(min(sizes), max(sizes), 5).round().astype(int))
        axis.set_ticks(ticks)
