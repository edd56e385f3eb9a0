"""Shrinkage: how partial pooling moves the estimate of each group."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from partialpool.base.text import a
from partialpool.figures.data import size, size_axis, sizes
from partialpool.figures.figure_data import FigureData, GroupedTable
from partialpool.figures.marks import MANY, chosen, keep_within, legend
from partialpool.figures.registry import each_coefficient, report_figure
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, fit_label, named, plt
from partialpool.model.links import LINKS

DOTS = 300  # groups whose dots have room to be large
RESIDUAL = " minus the value its predictors predict"


def caption(study: FigureData, factor: GroupedTable, column: str, form: str) -> str:
    """How to read the shrinkage of the groups of a factor."""
    if form in ("points", "distances"):
        return _points_caption(study, factor, column, form)
    unit, lines = factor.unit, _lines(study, factor, column)
    if form == "intervals":
        said = f"Estimates of each {unit} with {study.percent} intervals.{lines}"
        if len(factor.levels) > MANY:
            said += f" Shown: {MANY} of the {len(factor.levels):,} groups."
        return said
    return (
        f"Each arrow goes from the unpooled estimate of {a(unit)} (circle), from its own rows "
        f"alone, to the hierarchical one (diamond), with {study.percent} intervals.{lines} The "
        f"fewer or noisier the rows of {a(unit)} and the further out its own estimate, the more it "
        "moves, and the shorter its interval becomes: it borrows information from the other "
        "groups. That is partial pooling. An arrowhead at the edge means that the interval goes on."
    )


def _points_caption(study: FigureData, factor: GroupedTable, column: str, form: str) -> str:
    """How to read the shrinkage of many groups, each a point."""
    unit = factor.unit
    axes, common = "", "on a horizontal line, the common estimate has replaced them"
    if form == "distances":
        axes = f" Both axes: its {_quantity(study, column)}{RESIDUAL} in the hierarchical fit."
        common = "on the horizontal line, the value predicted from predictors has replaced them"
    return (
        f"Each point is {a(unit)}.{axes} On the dotted line, the estimates of groups are those "
        f"from their own rows; {common}. Large groups stay near the dotted line. Small groups are "
        "pulled towards the middle, because their extremes are mostly chance. Triangles at the "
        "edges are groups still further out. That is partial pooling."
    )


def _lines(study: FigureData, factor: GroupedTable, column: str) -> str:
    """What the lines of the pooled fit and of the hierarchical population mean."""
    fit = study.fit("hierarchical") or study.fit("pooled")
    differ = fit is not None and not _alike(fit.of_groups(factor, column)["population"].dropna())
    lines = []
    if study.fit("pooled"):
        same = "" if differ else ", the same for all"
        lines.append(f"Dashed line and band: the pooled estimate{same}.")
    if study.fit("hierarchical"):
        lines.append("Thin line: the value that the hierarchical fit pulls towards.")
    if differ:
        subject = "Both depend" if len(lines) > 1 else "It depends"
        lines.append(f"{subject} on each {factor.unit}'s predictors.")
    return "".join(f" {line}" for line in lines)


def alt(study: FigureData, factor: GroupedTable, column: str) -> str:
    """Alternative text."""
    return (
        f"Partial pooling of the {_quantity(study, column)} of each {factor.unit}: unpooled "
        "and hierarchical estimates"
    )


@report_figure("shrinkage", "estimates", alt=alt, caption=caption, each=each_coefficient)
def shrinkage(study: FigureData, factor: GroupedTable, column: str):
    """Estimates of each group without pooling, with partial and with complete pooling.

    For the intercept, the expected response at the group's own average predictors; for another
    varying column, its coefficient. A group without an estimate in a fit has no mark of that fit.
    """
    found = {fit.variant: fit.of_groups(factor, column) for fit in study.fits}
    found = {variant: own for variant, own in found.items() if own["mean"].notna().any()}
    if len(factor.levels) > MANY and {"unpooled", "hierarchical"} <= set(found):
        return _scatter(study, factor, column, found)
    return _arrows(study, factor, column, found) if found else None


def _quantity(study: FigureData, column: str) -> str:
    """The estimated quantity of groups: the expected response, or a coefficient."""
    return (
        study.expected_label if column == "Intercept" else f"coefficient of {fit_label(column, 40)}"
    )


def _axis_label(study: FigureData, column: str, residual: bool = False) -> str:
    """Axis label of a quantity of groups, or of its difference from the predicted value."""
    label = _quantity(study, column)
    if residual:
        label += RESIDUAL
    elif column == "Intercept" and study.formula.predictors:
        label += ", at its own average predictors"
    return label if column == "Intercept" else label + LINKS[study.family.link].coefficient_scale


def _arrows(study: FigureData, factor: GroupedTable, column: str, found: dict):
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
                continue  # no unpooled estimate for an arrow to begin at
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
    axes.set_ylabel(fit_label(factor.name))
    axes.set_xlabel(_axis_label(study, column))
    sizes(axes, [size(study, factor, index) for index in keep])
    arrow = Line2D([], [], color=INK, lw=1.1, marker=r">", ms=4, label="moved by partial pooling")
    legend(figure, list(found), study.failed, [arrow] if both else [], ncols=2)
    return figure


def _overall(axes, found: dict, at: np.ndarray) -> list[float]:
    """Draw the pooled estimate and the population value of the hierarchical fit.

    Lines through all rows where they are the same for all groups, else a line in each row.

    Returns
    -------
    list of float
        Values that the axis must show.
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
    """Whether all values are the same, up to rounding."""
    return len(values) == 0 or np.ptp(values) <= 1e-9 * np.abs(values).max()


def _scatter(study: FigureData, factor: GroupedTable, column: str, found: dict):
    """Hierarchical against unpooled estimates of many groups, a point each.

    Where predictors pull groups towards different values, both axes show differences from these.
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
    # Many points are drawn smaller, or they would cover each other.
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
    what = "predicted by predictors" if residual else "overall mean"
    overall = f"{named('hierarchical', study.failed)}: {what}"
    handles.append(axes.axhline(middle, lw=0.9, label=overall, **lines["hierarchical"]))
    axes.set(xlim=(low - margin, high + margin), ylim=(y.min() - margin, y.max() + margin))
    name = _axis_label(study, column, residual)
    axes.set_xlabel(f"unpooled: {name}")
    axes.set_ylabel(f"hierarchical: {name}")
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    if spread:
        label = f"{study.size_unit} of the group"
        bar = figure.colorbar(dots, ax=axes, pad=0.02, aspect=30, label=label)
        size_axis(bar.ax.yaxis, counts)
        bar.outline.set_visible(False)
    return figure
