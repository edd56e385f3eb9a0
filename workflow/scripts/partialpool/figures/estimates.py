"""Estimates: population-level ones side by side, and how partial pooling moves each group."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from partialpool.figures.data import sizes
from partialpool.figures.evidence import Evidence
from partialpool.figures.marks import MANY, chosen, intervals, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, number, plt, short

SCALARS = 10  # population-level scalars drawn, a panel each


def population(study: Evidence):
    """Each population-level scalar, the variants side by side; every panel has its own scale."""
    names = list(dict.fromkeys(name for fit in study.fits for name in fit.scalars))[:SCALARS]
    if not names:
        return None
    height = 0.34 + 0.17 * len(study.fits)
    figure, panels = plt.subplots(
        len(names), 1, figsize=(WIDTH, 0.55 + height * len(names) * 1.35), squeeze=False
    )
    for name, axes in zip(names, panels[:, 0], strict=True):
        found = {f.variant: f.estimates([name]) for f in study.fits if name in f.summary.index}
        intervals(axes, found, 1, failed=study.failed)
        axes.set_yticks([0], [short(name, 26)])
        axes.grid(False)
        column = name.partition("[")[2].rstrip("]")
        if name.startswith("beta[") and column in study.varying:
            _narrow(axes, found)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _narrow(axes, found: dict) -> None:
    """Keep the other variants readable beside an unpooled interval that is far wider."""
    others = [frame.iloc[0] for variant, frame in found.items() if variant != "unpooled"]
    if not others or "unpooled" not in found:
        return
    low = min(row["lower"] for row in others)
    high = max(row["upper"] for row in others)
    unpooled = found["unpooled"].iloc[0]
    margin = 0.6 * (high - low)
    if not unpooled["upper"] - unpooled["lower"] > 3 * (high - low + 2 * margin):
        return
    axes.set_xlim(low - margin, high + margin)
    at = axes.get_ylim()
    middle = (list(found).index("unpooled") - (len(found) - 1) / 2) * 0.64 / len(found)
    colour = LOOKS["unpooled"].colour
    for edge, arrow, beyond in (
        (low - margin, "<", unpooled["lower"] < low - margin),
        (high + margin, ">", unpooled["upper"] > high + margin),
    ):
        if beyond:
            axes.plot([edge], [middle], marker=arrow, ms=6, color=colour, clip_on=False)
    axes.set_ylim(at)


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
    figure, axes = plt.subplots(figsize=(WIDTH, 1.35 + 0.36 * count))
    at = np.arange(count)
    _overall(study, axes, column, found)
    offsets = {"unpooled": -0.16, "hierarchical": 0.16}
    ends = {}
    for variant, offset in offsets.items():
        if variant not in found:
            continue
        look, frame = LOOKS[variant], found[variant].iloc[keep]
        axes.hlines(at + offset, frame["lower"], frame["upper"], color=look.colour, lw=1.4,
                    ls=look.line, alpha=0.75)  # fmt: skip
        axes.plot(frame["mean"], at + offset, ls="", marker=look.marker, ms=6.5, mec=look.colour,
                  mfc=look.face, mew=1.5, zorder=4)  # fmt: skip
        ends[variant] = frame["mean"].to_numpy()
    if len(ends) == 2:
        for row, (start, stop) in enumerate(zip(*ends.values(), strict=True)):
            axes.annotate("", (stop, row + 0.16), (start, row - 0.16), zorder=5,
                          arrowprops={"arrowstyle": "-|>,head_width=.16,head_length=.32",
                                      "color": INK, "lw": 1.1,
                                      "shrinkA": 3.5, "shrinkB": 3})  # fmt: skip
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks(at, distinct([study.levels[index] for index in keep]))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", lw=0.5)
    axes.set_ylabel(short(study.factor))
    axes.set_xlabel(_axis_name(study, column))
    sizes(axes, [_size(study, index) for index in keep])
    arrow = Line2D([], [], color=INK, lw=1.1, marker=r">", ms=4, label="moved by partial pooling")
    legend(figure, list(found), study.failed, [arrow] if len(ends) == 2 else [], ncols=2)
    return figure


def _size(study: Evidence, index: int) -> str:
    """A group's rows, and its standard error where that is what it is known by."""
    if study.errors is None:
        return f"n = {study.sizes[index]}"
    own = study.table[study.factor].astype(str) == study.levels[index]
    error = (1 / study.table.loc[own, study.errors] ** 2).sum() ** -0.5
    rows = f"n = {study.sizes[index]}, " if study.sizes[index] > 1 else ""
    return f"{rows}se {number(error)}"


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
    order = np.argsort(study.sizes, kind="stable")
    scale = study.sizes[order]
    spread = scale.max() > scale.min()
    norm = LogNorm(scale.min(), scale.max()) if spread else Normalize(0, scale.max())
    marker = 5 + 40 * np.sqrt(scale / scale.max())
    dots = axes.scatter(x[order], y[order], c=scale, s=marker, norm=norm, cmap="cividis_r",
                        edgecolors="#333333", linewidths=0.25, alpha=0.8,
                        rasterized=True, zorder=3)  # fmt: skip
    reach = [min(x.min(), y.min()), max(x.max(), y.max())]
    handles = axes.plot(reach, reach, color=LOOKS["unpooled"].colour, ls=":", lw=1.8,
                        label=f"{named('unpooled', study.failed)}: no pooling")  # fmt: skip
    if "pooled" in found:
        handles.append(axes.axhline(found["pooled"]["mean"].iloc[0], color=LOOKS["pooled"].colour,
                                    ls="--", lw=1.6, zorder=4, label=f"{named('pooled', study.failed)}: complete pooling"))  # fmt: skip
    fit = study.fit("hierarchical")
    mean = fit.estimates([f"beta[{column}]"])["mean"].fillna(0.0).iloc[0]
    handles.append(axes.axhline(mean, color=LOOKS["hierarchical"].colour, lw=0.9, zorder=4,
                                label="hierarchical: overall mean"))  # fmt: skip
    axes.margins(0.03)
    axes.set_xlabel(f"unpooled: {_axis_name(study, column)}")
    axes.set_ylabel(f"hierarchical: {_axis_name(study, column)}")
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    if spread:
        bar = figure.colorbar(dots, ax=axes, pad=0.02, aspect=30, label="rows of the group")
        bar.ax.yaxis.set_major_formatter(lambda value, _: number(value))
        bar.ax.yaxis.set_minor_formatter("")
        bar.outline.set_visible(False)
    return figure
