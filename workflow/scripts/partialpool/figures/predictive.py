"""Prior predictive and check: what the model says of the data before and after it has seen them."""

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from matplotlib.lines import Line2D

from partialpool.figures.figure_data import Factor, FigureData, Fit
from partialpool.figures.marks import chosen, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, number, plt, short

LINES = 40  # replicated data sets drawn
GROUPS = 16  # groups whose mean is checked
VALUES = 40  # of a discrete response, beyond which each no longer has its own bar
TICKS = [0, *(10**power for power in range(12))]  # of counts on a logarithmic axis
FAR = 20  # times the greatest count: beyond, an axis is logarithmic


def prior(study: FigureData):
    """Where the priors put single observations, or the share of ones, beside where they are."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.95 + 0.42 * (len(study.fits) + 1)))
    seen, drawn = _seen(study)
    for at, fit in enumerate(study.fits, start=1):
        look = LOOKS[fit.variant]
        finite = drawn[fit.variant][np.isfinite(drawn[fit.variant])]
        for probability, width in ((0.95, 1.2), (0.8, 4), (0.5, 8)):
            tails = (1 - probability) / 2
            low, high = np.quantile(finite, [tails, 1 - tails])
            axes.hlines(at, low, high, color=look.colour, lw=width, alpha=0.9 if width < 8 else 1)
    if study.family.bounded:
        axes.set_xlim(-0.02, 1.02)
    else:
        _narrow(axes, seen, drawn)
    reach = max(np.nanquantile(values, 0.975) for values in drawn.values())
    if study.family.link == "log" and min(reach, axes.get_xlim()[1]) > FAR * max(seen.max(), 1):
        _logarithmic(axes)
    axes.plot(seen, np.zeros(len(seen)), ls="", marker="|", ms=11, mew=2 if study.binary else 0.8,
              color=INK, alpha=1 if study.binary else 0.6,
              rasterized=len(seen) > 1000)  # fmt: skip
    names = ["data", *(named(fit.variant, study.failed) for fit in study.fits)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    what = "data sets" if study.binary else "single observations"
    name = study.of_group if study.binary else study.of_row
    axes.set_xlabel(f"{name} (prior: 50, 80 and 95% of {what})")
    return figure


def _seen(study: FigureData) -> tuple[np.ndarray, dict]:
    """What is observed and, by variant, what the priors draw: rows, or the share of ones."""
    if study.binary:
        shares = {f.variant: study.by_group(None, f.prior, study.rows)[:, 0] for f in study.fits}
        return study.by_group(None, study.y[study.rows], study.rows), shares
    per = study.per[study.rows]
    return study.measured[study.rows], {fit.variant: fit.prior / per for fit in study.fits}


def _narrow(axes, seen: np.ndarray, drawn: dict) -> None:
    """Keep the data visible beside an unpooled prior, which is wide on purpose."""
    others = [values for variant, values in drawn.items() if variant != "unpooled"]
    if "unpooled" not in drawn or not others:
        return
    ends = [np.nanquantile(values, [0.025, 0.975]) for values in others]
    low = min(seen.min(), *(end[0] for end in ends))
    high = max(seen.max(), *(end[1] for end in ends))
    wide = np.nanquantile(drawn["unpooled"], [0.025, 0.975])
    if wide[1] - wide[0] > 2 * (high - low):
        heights = np.array([list(drawn).index("unpooled") + 1.0])
        keep_within(axes, low, high, {"unpooled": (heights, wide[:1], wide[1:])})


def _logarithmic(axes) -> None:
    """An axis of counts that may be 0, with plain numbers."""
    low, high = axes.get_xlim()
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(min(low, -0.15) if low > -1 else -0.15, high)
    powers = np.arange(0, np.log10(max(high, 10)) + 1e-9)
    axes.set_xticks([0, *10.0 ** powers[:: -(-len(powers) // 4)]])
    axes.xaxis.set_major_formatter(lambda value, _: number(value))


def density(study: FigureData, fit: Fit):
    """Replicated data sets and the data: how often each value is, or their densities."""
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
        axes.set_xlabel(short(study.formula.response))
        _frequencies(study, axes, fit, y)
    else:
        figure.set_label("curves")
        axes.set_xlabel(study.of_row)
        _densities(axes, LOOKS[fit.variant], y / per, fit.replicated / per, study.family.discrete)
    return figure


def _share(study: FigureData, axes, fit: Fit) -> None:
    """The share of ones in replicated data sets and in the data."""
    shares = study.by_group(None, fit.replicated, study.rows)[:, 0]
    axes.hist(shares, bins=20, color=LOOKS[fit.variant].colour, alpha=0.55)
    axes.axvline(study.by_group(None, study.y[study.rows], study.rows)[0], color=INK, lw=2.2)
    axes.set_xlabel(study.of_group)


def _frequencies(study: FigureData, axes, fit: Fit, y: np.ndarray) -> None:
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


def _densities(axes, look, y: np.ndarray, replicated: np.ndarray, discrete: bool) -> None:
    # Counts are drawn on a logarithmic axis: they are many small ones and a few large.
    skewed = discrete and y.max() > TICKS[2]
    if skewed:
        y, replicated = np.log1p(y), np.log1p(replicated)
        ticks = [tick for tick in TICKS if tick < np.expm1(1.3 * y.max())]
        axes.set_xticks(np.log1p(ticks), [number(tick) for tick in ticks])
    which = np.linspace(0, len(replicated) - 1, LINES).round().astype(int)
    for replicate in replicated[which]:
        grid, curve, _ = array_stats.kde(replicate)
        axes.plot(grid, curve, color=look.colour, lw=0.6, alpha=0.35)
    grid, curve, _ = array_stats.kde(y)
    axes.plot(grid, curve, color=INK, lw=2.2)
    spread = np.ptp(y) * (0.3 if skewed else 0.45)
    low = y.min() - (0.1 if skewed else 1) * spread
    axes.set_xlim(max(low, -0.03 * spread) if discrete else low, y.max() + spread)
    # Replicates of a few rows can have a spike.
    axes.set_ylim(0, min(axes.get_ylim()[1], 2.5 * curve.max()))


def groups(study: FigureData, factor: Factor):
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
    axes.set_ylabel(short(factor.name))
    axes.set_xlabel(study.of_group)
    bar = Line2D([], [], color=INK, lw=0, marker="|", ms=10, mew=2, label="observed")
    legend(figure, list(found), study.failed, [bar])
    return figure
