"""Estimates: population-level ones side by side, and how partial pooling moves each group."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from partialpool.figures.data import size, sizes
from partialpool.figures.evidence import Evidence
from partialpool.figures.marks import MANY, chosen, heights, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, number, plt, short

SCALARS = 10  # population-level scalars drawn, a panel each


def population(study: Evidence):
    """Each population-level scalar, the variants side by side; every panel has its own scale."""
    longest = max(study.fits, key=lambda fit: len(fit.scalars)).scalars
    names = list(longest)[:SCALARS]
    if not names:
        return None
    heights = [0.6 + 0.13 * sum(name in fit.scalars for fit in study.fits) for name in names]
    figure, panels = plt.subplots(
        len(names), 1, figsize=(WIDTH, 0.5 + sum(heights)), height_ratios=heights, squeeze=False
    )
    for name, axes in zip(names, panels[:, 0], strict=True):
        found = {f.variant: f.estimates([name]) for f in study.fits if name in f.summary.index}
        intervals(axes, found, 1, failed=study.failed)
        axes.set_yticks([])
        axes.margins(x=0.08)
        axes.set_title(short(name, 60), fontsize=8.5, fontweight="normal")
        column = name.partition("[")[2].rstrip("]")
        if name.startswith("beta[") and column in study.varying:
            _narrow(axes, found)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _narrow(axes, found: dict) -> None:
    """Keep the other variants readable beside an unpooled interval that is far wider."""
    others = [frame for variant, frame in found.items() if variant != "unpooled"]
    if not others or "unpooled" not in found:
        return
    low = min(frame["lower"].iloc[0] for frame in others)
    high = max(frame["upper"].iloc[0] for frame in others)
    own = found["unpooled"]
    if own["upper"].iloc[0] - own["lower"].iloc[0] > 3 * (high - low):
        reach = 0.5 * (high - low)
        ends = heights(found, "unpooled", 1), own["lower"].values, own["upper"].values
        keep_within(axes, low - reach, high + reach, {"unpooled": ends})


def shrinkage(study: Evidence, column: str):
    """For one varying coefficient: each group without pooling, with partial, with complete."""
    names = study.coefficient_names(column)
    found = {fit.variant: fit.estimates(names).reset_index(drop=True) for fit in study.fits}
    if "pooled" in found and found["pooled"]["mean"].isna().all():
        found["pooled"] = found["pooled"].fillna(0.0)  # the column has no population-level part
    if len(names) > MANY and {"unpooled", "hierarchical"} <= set(found):
        return _scatter(study, column, found)
    return _arrows(study, column, found)


def _axis_name(study: Evidence, column: str) -> str:
    what = "mean" if study.varying == ["Intercept"] else "intercept"
    return f"{what}, in {short(study.response)}" if column == "Intercept" else short(column, 48)


def _arrows(study: Evidence, column: str, found: dict):
    keep = chosen(study.sizes, MANY)[::-1]
    if np.ptp(study.sizes[keep]) == 0 and "unpooled" in found:
        keep = keep[np.argsort(-found["unpooled"]["mean"].to_numpy()[keep], kind="stable")]
    count = len(keep)
    figure, axes = plt.subplots(figsize=(WIDTH, 1.35 + (0.38 if count <= 12 else 0.3) * count))
    at = np.arange(count)
    _overall(study, axes, column, found)
    offsets = {"unpooled": -0.16, "hierarchical": 0.16}
    ends, seen = {}, [found["pooled"].iloc[0]["mean"]] if "pooled" in found else []
    for variant, offset in offsets.items():
        if variant not in found:
            continue
        look, frame = LOOKS[variant], found[variant].iloc[keep]
        axes.hlines(at + offset, frame["lower"], frame["upper"], color=look.colour, lw=1.4,
                    ls=look.line, alpha=0.75)  # fmt: skip
        axes.plot(frame["mean"], at + offset, ls="", marker=look.marker, ms=6.5, mec=look.colour,
                  mfc=look.face, mew=1.5, zorder=4)  # fmt: skip
        ends[variant] = frame["mean"].to_numpy()
        seen += list(frame["mean"])
        if variant == "hierarchical" or "hierarchical" not in found:
            seen += [*frame["lower"], *frame["upper"]]
    if len(ends) == 2:
        for row, (start, stop) in enumerate(zip(*ends.values(), strict=True)):
            axes.annotate("", (stop, row + 0.16), (start, row - 0.16), zorder=5,
                          arrowprops={"arrowstyle": "-|>,head_width=.16,head_length=.32",
                                      "color": INK, "lw": 1.1,
                                      "shrinkA": 3.5, "shrinkB": 3})  # fmt: skip
    if "unpooled" in found:
        wide = found["unpooled"].iloc[keep]
        beyond = {"unpooled": (at - 0.16, wide["lower"].to_numpy(), wide["upper"].to_numpy())}
        keep_within(axes, min(seen), max(seen), beyond)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks(at, distinct([study.levels[index] for index in keep]))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", lw=0.5)
    axes.set_ylabel(short(study.factor))
    axes.set_xlabel(_axis_name(study, column))
    sizes(axes, [size(study, index) for index in keep])
    arrow = Line2D([], [], color=INK, lw=1.1, marker=r">", ms=4, label="moved by partial pooling")
    legend(figure, list(found), study.failed, [arrow] if len(ends) == 2 else [], ncols=2)
    return figure


def _overall(study: Evidence, axes, column: str, found: dict) -> None:
    """The pooled estimate, and the mean that the hierarchical fit pulls towards, as lines."""
    if "pooled" in found:
        pooled, look = found["pooled"].iloc[0], LOOKS["pooled"]
        axes.axvspan(pooled["lower"], pooled["upper"], color=look.colour, alpha=0.12, lw=0)
        axes.axvline(pooled["mean"], color=look.colour, ls=look.line, lw=1.4)
    fit = study.fit("hierarchical")
    if fit is not None:
        mean = fit.estimates([f"beta[{column}]"])["mean"].fillna(0.0).iloc[0]
        axes.axvline(mean, color=LOOKS["hierarchical"].colour, lw=0.8, alpha=0.8)


def _scatter(study: Evidence, column: str, found: dict):
    """Thousands of groups: partial pooling against none; small groups lie flat, large ones not."""
    x = found["unpooled"]["mean"].to_numpy()
    y = found["hierarchical"]["mean"].to_numpy()
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6))
    # A few tiny groups can be very far out: they are drawn at the edge.
    low, high = np.quantile(x, [0.02, 0.98])
    low, high = min(low, y.min()), max(high, y.max())
    margin = 0.04 * (high - low)
    order = np.argsort(study.sizes, kind="stable")
    scale = study.sizes[order]
    spread = scale.max() > scale.min()
    norm = LogNorm(scale.min(), scale.max()) if spread else Normalize(0, scale.max())
    marker = 5 + 40 * np.sqrt(scale / scale.max())
    style = {"norm": norm, "cmap": "cividis_r", "edgecolors": "#333333", "linewidths": 0.25,
             "alpha": 0.85, "rasterized": True, "zorder": 3}  # fmt: skip
    at, inside = x[order], (x[order] >= low) & (x[order] <= high)
    dots = axes.scatter(at[inside], y[order][inside], c=scale[inside], s=marker[inside], **style)
    for edge, arrow, beyond in ((low, "<", at < low), (high, ">", at > high)):
        axes.scatter(np.full(beyond.sum(), edge), y[order][beyond], c=scale[beyond], s=18,
                     marker=arrow, **style)  # fmt: skip
    none, complete = (f"{named(v, study.failed)}: {how} pooling" for v, how in
                      (("unpooled", "no"), ("pooled", "complete")))  # fmt: skip
    lines = {v: {"color": LOOKS[v].colour, "zorder": 4} for v in found}
    handles = axes.plot([low, high], [low, high], ls=":", lw=1.8, label=none, **lines["unpooled"])
    if "pooled" in found:
        mean = found["pooled"]["mean"].iloc[0]
        handles.append(axes.axhline(mean, ls="--", lw=1.6, label=complete, **lines["pooled"]))
    fit = study.fit("hierarchical")
    mean = fit.estimates([f"beta[{column}]"])["mean"].fillna(0.0).iloc[0]
    overall = f"{named('hierarchical', study.failed)}: overall mean"
    handles.append(axes.axhline(mean, lw=0.9, label=overall, **lines["hierarchical"]))
    axes.set(xlim=(low - margin, high + margin), ylim=(y.min() - margin, y.max() + margin))
    axes.set_xlabel(f"unpooled: {_axis_name(study, column)}")
    axes.set_ylabel(f"hierarchical: {_axis_name(study, column)}")
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    if spread:
        bar = figure.colorbar(dots, ax=axes, pad=0.02, aspect=30, label="rows of the group")
        bar.ax.yaxis.set_major_formatter(lambda value, _: number(value))
        bar.ax.yaxis.set_minor_formatter("")
        bar.outline.set_visible(False)
    return figure
