"""Estimates: population-level ones side by side, and how partial pooling moves each group."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from partialpool.figures.data import size, size_axis, sizes
from partialpool.figures.figure_data import Factor, FigureData
from partialpool.figures.marks import MANY, chosen, heights, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, plt, short
from partialpool.model.links import LINKS

SCALARS = 16  # population-level scalars drawn, a panel each
DOTS = 300  # groups whose dots have room to be large


def population(study: FigureData):
    """Each population-level scalar, the variants side by side; every panel has its own scale."""
    names = _scalars(study)
    if not names:
        return None
    heights = [0.6 + 0.13 * sum(name in fit.scalars for fit in study.fits) for name in names]
    figure, panels = plt.subplots(
        len(names), 1, figsize=(WIDTH, 0.5 + sum(heights)), height_ratios=heights, squeeze=False
    )
    varying = {column for factor in study.factors for column in factor.varying}
    for name, axes in zip(names, panels[:, 0], strict=True):
        found = {f.variant: f.estimates([name]) for f in study.fits if name in f.scalars}
        intervals(axes, found, 1, failed=study.failed)
        axes.set_yticks([])
        axes.margins(x=0.08)
        # Ticks have many digits where an interval is narrow and far from zero.
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.locator_params(axis="x", nbins=6)
        axes.set_title(short(name, 60), fontsize=8.5, fontweight="normal")
        column = name.partition("[")[2].rstrip("]")
        if name.startswith("beta[") and column in varying:
            _narrow(axes, found)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _scalars(study: FigureData) -> list[str]:
    """Names of the scalars drawn: where they are too many, coefficients are left out."""
    fits = sorted(study.fits, key=lambda fit: -len(fit.scalars))
    every = dict.fromkeys(name for fit in fits for name in fit.scalars)
    every = [name for name in every if not name.startswith("sigma[")]  # each a group's own
    coefficients = [name for name in every if name.startswith("beta[")]
    others = [name for name in every if name not in coefficients][:SCALARS]
    return coefficients[: max(0, SCALARS - len(others))] + others


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


def shrinkage(study: FigureData, factor: Factor, column: str):
    """What each group is without pooling, with partial and with complete pooling.

    Of the intercept, the expected response at the group's own average predictors; of another
    varying column, its coefficient. A fit that says nothing of a group has no mark there.
    """
    found = {fit.variant: fit.of_groups(factor, column) for fit in study.fits}
    found = {variant: own for variant, own in found.items() if own["mean"].notna().any()}
    if len(factor.levels) > MANY and {"unpooled", "hierarchical"} <= set(found):
        return _scatter(study, factor, column, found)
    return _arrows(study, factor, column, found) if found else None


def _axis_name(study: FigureData, column: str, residual: bool = False) -> str:
    """Name of a quantity of groups, or of its distance from what their predictors say."""
    beyond = " minus what its predictors say" * residual
    if column == "Intercept":
        where = ", at its own average predictors" * bool(study.formula.predictors and not residual)
        return study.of_expected + where + beyond
    return f"coefficient of {short(column, 40)}{beyond}{LINKS[study.family.link].coefficient_scale}"


def _arrows(study: FigureData, factor: Factor, column: str, found: dict):
    keep = chosen(factor.sizes, MANY)[::-1]
    if np.ptp(factor.sizes[keep]) == 0:
        by = next((v for v in ("hierarchical", "unpooled") if v in found), "pooled")
        keep = keep[np.argsort(-found[by]["mean"].to_numpy()[keep], kind="stable")]
    found = {variant: own.iloc[keep] for variant, own in found.items()}
    count = len(keep)
    both = {"unpooled", "hierarchical"} <= set(found)
    line = 0.23 if not both else 0.38 if count <= 12 else 0.3
    figure, axes = plt.subplots(figsize=(WIDTH, 1.35 + line * count))
    figure.set_label("arrows" if both else "intervals")
    at = np.arange(count)
    seen = _overall(axes, found, at)
    offsets = {"unpooled": -0.16, "hierarchical": 0.16 if both else 0.0}
    for variant, offset in offsets.items():
        if variant not in found:
            continue
        look, frame = LOOKS[variant], found[variant]
        axes.hlines(at + offset, frame["lower"], frame["upper"], color=look.colour, lw=1.4,
                    ls=look.line, alpha=0.75)  # fmt: skip
        axes.plot(frame["mean"], at + offset, ls="", marker=look.marker, ms=6.5, mec=look.colour,
                  mfc=look.face, mew=1.5, zorder=4)  # fmt: skip
        seen += list(frame["mean"])
        if variant == "hierarchical" or "hierarchical" not in found:
            seen += [*frame["lower"], *frame["upper"]]
    if both:
        ends = zip(*(found[variant]["mean"] for variant in offsets), strict=True)
        for row, (start, stop) in enumerate(ends):
            if np.isnan(start):
                continue  # the group's own rows do not say where an arrow would begin
            axes.annotate("", (stop, row + 0.16), (start, row - 0.16), zorder=5,
                          arrowprops={"arrowstyle": "-|>,head_width=.16,head_length=.32",
                                      "color": INK, "lw": 1.1,
                                      "shrinkA": 3.5, "shrinkB": 3})  # fmt: skip
    if "unpooled" in found:
        wide = found["unpooled"]
        beyond = {"unpooled": (at - 0.16, wide["lower"].to_numpy(), wide["upper"].to_numpy())}
        keep_within(axes, np.nanmin(seen), np.nanmax(seen), beyond)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks(at, distinct([factor.levels[index] for index in keep]))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", lw=0.5)
    axes.set_ylabel(short(factor.name))
    axes.set_xlabel(_axis_name(study, column))
    sizes(axes, [size(study, factor, index) for index in keep])
    arrow = Line2D([], [], color=INK, lw=1.1, marker=r">", ms=4, label="moved by partial pooling")
    legend(figure, list(found), study.failed, [arrow] if both else [], ncols=2)
    return figure


def _overall(axes, found: dict, at: np.ndarray) -> list[float]:
    """The pooled estimate, and what the hierarchical fit pulls towards; what must be seen.

    Lines through all rows where they are the same for all groups, else a line in each row.
    """
    seen = []
    if "pooled" in found:
        pooled, look = found["pooled"], LOOKS["pooled"]
        seen += list(pooled["mean"])
        if _alike(pooled["mean"]):
            first = pooled.iloc[0]
            axes.axvspan(first["lower"], first["upper"], color=look.colour, alpha=0.12, lw=0)
            axes.axvline(first["mean"], color=look.colour, ls=look.line, lw=1.4)
        else:
            axes.barh(at, pooled["upper"] - pooled["lower"], 0.86, pooled["lower"],
                      color=look.colour, alpha=0.12, lw=0)  # fmt: skip
            axes.vlines(pooled["mean"], at - 0.43, at + 0.43, color=look.colour, ls=look.line,
                        lw=1.4)  # fmt: skip
    if "hierarchical" in found:
        middle, colour = found["hierarchical"]["population"], LOOKS["hierarchical"].colour
        seen += list(middle)
        if _alike(middle):
            axes.axvline(middle.iloc[0], color=colour, lw=0.8, alpha=0.8)
        else:
            axes.vlines(middle, at - 0.43, at + 0.43, color=colour, lw=0.8, alpha=0.8)
    return seen


def _alike(values) -> bool:
    """Whether all are the same, but for rounding."""
    return np.ptp(values) <= 1e-9 * np.abs(values).max()


def _scatter(study: FigureData, factor: Factor, column: str, found: dict):
    """Thousands of groups: partial pooling against none; small groups lie flat, large ones not.

    Where groups are pulled towards different values, by their predictors, both are shown as
    distances from these.
    """
    known = found["unpooled"]["mean"].notna().to_numpy()
    found = {variant: own[known] for variant, own in found.items()}
    counts = factor.sizes[known]
    x = found["unpooled"]["mean"].to_numpy()
    y = found["hierarchical"]["mean"].to_numpy()
    towards = found["hierarchical"]["population"].to_numpy()
    residual = not _alike(towards)
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6))
    figure.set_label("distances" if residual else "points")
    middle = towards[0]
    if residual:
        x, y, middle = x - towards, y - towards, 0.0
    # A few tiny groups can be very far out: they are drawn at the edge.
    low, first, third, high = np.quantile(x, [0.02, 0.25, 0.75, 0.98])
    fence = 2.5 * (third - first)
    low, high = max(low, first - fence), min(high, third + fence)
    low, high = min(low, y.min()), max(high, y.max())
    margin = 0.04 * (high - low)
    order = np.argsort(counts, kind="stable")
    scale = counts[order]
    spread = scale.max() > scale.min()
    norm = LogNorm(scale.min(), scale.max()) if spread else Normalize(0, scale.max())
    # So many that they would be one blot are drawn smaller.
    marker = (5 + 40 * np.sqrt(scale / scale.max())) * min(1, np.sqrt(DOTS / len(x)))
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
    if "pooled" in found and not residual:
        mean = found["pooled"]["mean"].iloc[0]
        handles.append(axes.axhline(mean, ls="--", lw=1.6, label=complete, **lines["pooled"]))
    what = "what its predictors say" if residual else "overall mean"
    overall = f"{named('hierarchical', study.failed)}: {what}"
    handles.append(axes.axhline(middle, lw=0.9, label=overall, **lines["hierarchical"]))
    axes.set(xlim=(low - margin, high + margin), ylim=(y.min() - margin, y.max() + margin))
    name = _axis_name(study, column, residual)
    axes.set_xlabel(f"unpooled: {name}")
    axes.set_ylabel(f"hierarchical: {name}")
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    if spread:
        label = f"{study.size_unit} of the group"
        bar = figure.colorbar(dots, ax=axes, pad=0.02, aspect=30, label=label)
        size_axis(bar.ax.yaxis, counts)
        bar.outline.set_visible(False)
    return figure
