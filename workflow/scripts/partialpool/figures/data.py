"""Data: the response, by group where there are groups."""

import numpy as np

from partialpool.figures.evidence import Evidence
from partialpool.figures.marks import MANY
from partialpool.figures.style import FAINT, INK, LOOKS, WIDTH, distinct, number, plt, short


def data(study: Evidence):
    """The response: a strip for each group, or each group's mean against its size, or a scatter."""
    if study.factor is None:
        return _ungrouped(study)
    return _strips(study) if len(study.levels) <= MANY else _funnel(study)


def rows(study: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Response and group of every row where the response is a column, else of those replicated."""
    if study.response in study.table:
        values = study.table[study.response].to_numpy(dtype=float)
        labels = study.table[study.factor].astype(str).to_numpy() if study.factor else None
        return values, labels
    return study.y, study.groups


def _ungrouped(study: Evidence):
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    others = [c for c in study.table if c not in (study.response, study.errors)]
    numeric = [c for c in others if study.table[c].dtype.kind in "fi"]
    if study.response in study.table and numeric:
        x, y = study.table[numeric[0]], study.table[study.response]
        axes.plot(x, y, ls="", marker="o", ms=3.5, mfc="none", mec=INK, alpha=0.6, rasterized=True)
        axes.set(xlabel=short(numeric[0]), ylabel=short(study.response))
    else:
        axes.hist(study.y, bins="auto", color=FAINT, edgecolor="white")
        axes.set(xlabel=short(study.response), ylabel="rows")
    return figure


def _strips(study: Evidence):
    values, labels = rows(study)
    count = len(study.levels)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * count))
    groups = [values[labels == level] for level in study.levels]
    means = [group.mean() if len(group) else np.nan for group in groups]
    order = np.argsort(means, kind="stable")[::-1]
    jitter = np.random.default_rng(0)
    for at, index in enumerate(order):
        group = groups[index]
        if study.errors and len(group) == 1:
            error = study.table.loc[labels == study.levels[index], study.errors]
            axes.errorbar(group, [at], xerr=error, fmt="o", ms=4.5, color=INK, elinewidth=1)
            continue
        heights = at + jitter.uniform(-0.22, 0.22, len(group))
        axes.plot(group, heights, ls="", marker="o", ms=3, mec=INK, mfc="none", mew=0.6,
                  alpha=0.55, rasterized=len(values) > 1000)  # fmt: skip
        axes.vlines(means[index], at - 0.36, at + 0.36, color=LOOKS["unpooled"].colour, lw=2)
    axes.axvline(values.mean(), color=LOOKS["pooled"].colour, ls="--", lw=1, zorder=0)
    names = distinct([study.levels[index] for index in order])
    axes.set_yticks(range(count), names)
    axes.set_ylim(count - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(short(study.response, 60))
    axes.set_ylabel(short(study.factor))
    sizes(axes, [size(study, index) for index in order])
    return figure


def size(study: Evidence, index: int) -> str:
    """A group's rows, and its standard error where that is what it is known by."""
    if study.errors is None:
        return f"n = {study.sizes[index]}"
    own = study.table[study.factor].astype(str) == study.levels[index]
    error = (1 / study.table.loc[own, study.errors] ** 2).sum() ** -0.5
    rows = f"n = {study.sizes[index]}, " if study.sizes[index] > 1 else ""
    return f"{rows}se {number(error)}"


def sizes(axes, texts) -> None:
    """Words at the right end of each row, such as its group's size."""
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(texts)), texts, fontsize=8)
    right.tick_params(axis="y", length=0, pad=8, labelcolor="#666666")
    right.spines["right"].set_visible(False)


def _funnel(study: Evidence):
    """Each group's mean against its size: small groups are the extremes, by chance alone."""
    values, labels = rows(study)
    codes = {level: index for index, level in enumerate(study.levels)}
    index = np.array([codes[label] for label in labels])
    counts = np.bincount(index, minlength=len(codes))
    sums = np.bincount(index, weights=values, minlength=len(codes))
    seen = counts > 0
    figure, axes = plt.subplots(figsize=(WIDTH, 3.1))
    axes.plot(study.sizes[seen], sums[seen] / counts[seen], ls="", marker="o", ms=3,
              mec=LOOKS["unpooled"].colour, mfc="none", alpha=0.6, rasterized=True)  # fmt: skip
    axes.axhline(values.mean(), color=LOOKS["pooled"].colour, ls="--", lw=1)
    size_axis(axes, "x", study.sizes)
    axes.set_xlabel(f"rows of the {short(study.factor)}")
    axes.set_ylabel(f"mean {short(study.response)}")
    return figure


def size_axis(axes, which: str, sizes) -> None:
    """A logarithmic axis of group sizes, with plain numbers."""
    if np.ptp(sizes) == 0:
        return
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_minor_formatter("")
    axis.set_major_formatter(lambda value, _: number(value))
    if max(sizes) < 20 * min(sizes):
        ticks = np.unique(np.geomspace(min(sizes), max(sizes), 5).round().astype(int))
        axis.set_ticks(ticks)
