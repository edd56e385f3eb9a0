"""Estimates: population-level ones side by side, and how partial pooling moves each group."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from partialpool.figures.data import size, size_axis, sizes
from partialpool.figures.evidence import Evidence, Factor
from partialpool.figures.marks import MANY, chosen, heights, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, plt, short

SCALARS = 16  # population-level scalars drawn, a panel each
DOTS = 300  # groups whose dots have room to be large


def population(study: Evidence):
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
        axes.set_title(short(name, 60), fontsize=8.5, fontweight="normal")
        column = name.partition("[")[2].rstrip("]")
        if name.startswith("beta[") and column in varying:
            _narrow(axes, found)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _scalars(study: Evidence) -> list[str]:
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


def shrinkage(study: Evidence, factor: Factor, column: str):
    """For one varying coefficient: each group without pooling, with partial, with complete."""
    groups = len(factor.levels)
    if factor.name in study.fits[0].expected:
        found = {fit.variant: fit.expected[factor.name].iloc[:groups] for fit in study.fits}
    else:
        names = factor.coefficient_names(column)
        found = {fit.variant: fit.estimates(names).reset_index(drop=True) for fit in study.fits}
    if len(study.factors) > 1:
        # Without pooling, rows do not say which part of them is whose.
        found.pop("unpooled", None)
    if "pooled" in found and found["pooled"]["mean"].isna().all():
        found["pooled"] = found["pooled"].fillna(0.0)  # the column has no population-level part
    if groups > MANY and {"unpooled", "hierarchical"} <= set(found):
        return _scatter(study, factor, column, found)
    return _arrows(study, factor, column, found) if found else None


def _axis_name(study: Evidence, factor: Factor, column: str) -> str:
    alone = study.coefficients == ("Intercept",) and factor.varying == ("Intercept",)
    if factor.name in study.fits[0].expected:
        return study.of_expected + ("" if alone else ", average predictors")
    linked = {"identity": "", "logit": ", in log odds", "log": ", on the log scale"}
    if column != "Intercept":
        return short(column, 40) + linked[study.family.link]
    if study.family.link != "identity":
        return "intercept" + linked[study.family.link]
    return f"{'mean' if alone else 'intercept'}, in {short(study.formula.response)}"


def _arrows(study: Evidence, factor: Factor, column: str, found: dict):
    keep = chosen(factor.sizes, MANY)[::-1]
    if np.ptp(factor.sizes[keep]) == 0:
        by = next((v for v in ("unpooled", "hierarchical") if v in found), "pooled")
        keep = keep[np.argsort(-found[by]["mean"].to_numpy()[keep], kind="stable")]
    count = len(keep)
    both = {"unpooled", "hierarchical"} <= set(found)
    line = 0.23 if not both else 0.38 if count <= 12 else 0.3
    figure, axes = plt.subplots(figsize=(WIDTH, 1.35 + line * count))
    figure.set_label("arrows" if both else "intervals")
    at = np.arange(count)
    _overall(study, axes, factor, column, found)
    offsets = {"unpooled": -0.16, "hierarchical": 0.16 if both else 0.0}
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
    if both:
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
    axes.set_yticks(at, distinct([factor.levels[index] for index in keep]))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", lw=0.5)
    axes.set_ylabel(short(factor.name))
    axes.set_xlabel(_axis_name(study, factor, column))
    sizes(axes, [size(study, factor, index) for index in keep])
    arrow = Line2D([], [], color=INK, lw=1.1, marker=r">", ms=4, label="moved by partial pooling")
    legend(figure, list(found), study.failed, [arrow] if both else [], ncols=2)
    return figure


def _overall(study: Evidence, axes, factor: Factor, column: str, found: dict) -> None:
    """The pooled estimate, and the mean that the hierarchical fit pulls towards, as lines."""
    if "pooled" in found:
        pooled, look = found["pooled"].iloc[0], LOOKS["pooled"]
        axes.axvspan(pooled["lower"], pooled["upper"], color=look.colour, alpha=0.12, lw=0)
        axes.axvline(pooled["mean"], color=look.colour, ls=look.line, lw=1.4)
    if study.fit("hierarchical") is not None:
        mean = _middle(study, factor, column)
        axes.axvline(mean, color=LOOKS["hierarchical"].colour, lw=0.8, alpha=0.8)


def _middle(study: Evidence, factor: Factor, column: str) -> float:
    """What the hierarchical fit pulls a coefficient, or an expected response, towards."""
    fit = study.fit("hierarchical")
    if factor.name in fit.expected:
        return fit.expected[factor.name]["mean"].iloc[-1]
    return fit.estimates([f"beta[{column}]"])["mean"].fillna(0.0).iloc[0]


def _scatter(study: Evidence, factor: Factor, column: str, found: dict):
    """Thousands of groups: partial pooling against none; small groups lie flat, large ones not."""
    x = found["unpooled"]["mean"].to_numpy()
    y = found["hierarchical"]["mean"].to_numpy()
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6))
    figure.set_label("points")
    # A few tiny groups can be very far out: they are drawn at the edge.
    low, first, third, high = np.quantile(x, [0.02, 0.25, 0.75, 0.98])
    fence = 2.5 * (third - first)
    low, high = max(low, first - fence), min(high, third + fence)
    low, high = min(low, y.min()), max(high, y.max())
    margin = 0.04 * (high - low)
    order = np.argsort(factor.sizes, kind="stable")
    scale = factor.sizes[order]
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
    if "pooled" in found:
        mean = found["pooled"]["mean"].iloc[0]
        handles.append(axes.axhline(mean, ls="--", lw=1.6, label=complete, **lines["pooled"]))
    mean = _middle(study, factor, column)
    overall = f"{named('hierarchical', study.failed)}: overall mean"
    handles.append(axes.axhline(mean, lw=0.9, label=overall, **lines["hierarchical"]))
    axes.set(xlim=(low - margin, high + margin), ylim=(y.min() - margin, y.max() + margin))
    name = _axis_name(study, factor, column)
    axes.set_xlabel(f"unpooled: {name}")
    axes.set_ylabel(f"hierarchical: {name}")
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    if spread:
        label = f"{study.size_unit} of the group"
        bar = figure.colorbar(dots, ax=axes, pad=0.02, aspect=30, label=label)
        size_axis(bar.ax.yaxis, factor.sizes)
        bar.outline.set_visible(False)
    return figure
