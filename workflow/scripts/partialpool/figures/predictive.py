"""Prior predictive and check: what the model says of the data before and after it has seen them."""

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from matplotlib.lines import Line2D

from partialpool.figures.evidence import Evidence, Fit
from partialpool.figures.marks import chosen, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, plt, short

LINES = 40  # replicated data sets drawn
GROUPS = 16  # groups whose mean is checked


def prior(study: Evidence):
    """Where the priors put single observations, beside where they are."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.95 + 0.42 * (len(study.fits) + 1)))
    for at, fit in enumerate(study.fits, start=1):
        look = LOOKS[fit.variant]
        finite = fit.prior[np.isfinite(fit.prior)]
        for probability, width in ((0.95, 1.2), (0.8, 4), (0.5, 8)):
            tails = (1 - probability) / 2
            low, high = np.quantile(finite, [tails, 1 - tails])
            axes.hlines(at, low, high, color=look.colour, lw=width, alpha=0.9 if width < 8 else 1)
    _narrow(axes, study)
    axes.plot(study.y, np.zeros(len(study.y)), ls="", marker="|", ms=11, mew=0.8, color=INK,
              alpha=0.6, rasterized=len(study.y) > 1000)  # fmt: skip
    names = ["data", *(named(fit.variant, study.failed) for fit in study.fits)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{short(study.response)} (prior: 50, 80 and 95% of single observations)")
    return figure


def _narrow(axes, study: Evidence) -> None:
    """Keep the data visible beside an unpooled prior, which is wide on purpose."""
    at = [fit.variant for fit in study.fits].index("unpooled") if study.fit("unpooled") else None
    others = [fit.prior for fit in study.fits if fit.variant != "unpooled"]
    if at is None or not others:
        return
    ends = [np.nanquantile(prior, [0.025, 0.975]) for prior in others]
    low = min(study.y.min(), *(end[0] for end in ends))
    high = max(study.y.max(), *(end[1] for end in ends))
    wide = np.nanquantile(study.fit("unpooled").prior, [0.025, 0.975])
    if wide[1] - wide[0] > 2 * (high - low):
        heights = np.array([at + 1.0])
        keep_within(axes, low, high, {"unpooled": (heights, wide[:1], wide[1:])})


def density(study: Evidence, fit: Fit):
    """Densities of replicated data sets and of the data."""
    look = LOOKS[fit.variant]
    figure, axes = plt.subplots(figsize=(2.6, 1.9))
    which = np.linspace(0, len(fit.replicated) - 1, LINES).round().astype(int)
    for replicate in fit.replicated[which]:
        grid, curve, _ = array_stats.kde(replicate)
        axes.plot(grid, curve, color=look.colour, lw=0.6, alpha=0.35)
    grid, curve, _ = array_stats.kde(study.y)
    axes.plot(grid, curve, color=INK, lw=2.2)
    spread = np.ptp(study.y) * 0.45
    axes.set_xlim(study.y.min() - spread, study.y.max() + spread)
    # Replicates of a few rows can have a spike.
    axes.set_ylim(0, min(axes.get_ylim()[1], 2.5 * curve.max()))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(named(fit.variant, study.failed))
    axes.set_xlabel(short(study.response))
    return figure


def groups(study: Evidence):
    """Each group's mean: observed, and replicated by each variant."""
    if study.factor is None:
        return None
    position = {level: index for index, level in enumerate(study.levels)}
    index = np.array([position[label] for label in study.groups])
    counts = np.bincount(index, minlength=len(position))
    present = np.flatnonzero(counts)
    keep = present[chosen(counts[present], GROUPS)]
    means = {at: study.y[index == at].mean() for at in keep}
    keep = sorted(keep, key=lambda at: -means[at])
    found = {}
    for fit in study.fits:
        replicated = np.stack([fit.replicated[:, index == at].mean(axis=1) for at in keep])
        tails = (1 - study.interval) / 2
        low, high = np.quantile(replicated, [tails, 1 - tails], axis=1)
        found[fit.variant] = pd.DataFrame(
            {"mean": replicated.mean(axis=1), "lower": low, "upper": high}
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + (0.13 + 0.1 * len(found)) * len(keep)))
    intervals(axes, found, len(keep), failed=study.failed)
    at = np.arange(len(keep))
    observed = [means[group] for group in keep]
    axes.vlines(observed, at - 0.4, at + 0.4, color=INK, lw=2, zorder=4)
    axes.set_yticks(at, distinct([study.levels[group] for group in keep]))
    axes.set_ylabel(short(study.factor))
    axes.set_xlabel(f"mean {short(study.response)} of the group")
    bar = Line2D([], [], color=INK, lw=0, marker="|", ms=10, mew=2, label="observed")
    legend(figure, list(found), study.failed, [bar])
    return figure
