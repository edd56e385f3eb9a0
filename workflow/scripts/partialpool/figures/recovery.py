"""True values of simulated data against their estimates."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from partialpool.figures.figure_data import FigureData
from partialpool.figures.marks import heights, intervals, keep_within, legend
from partialpool.figures.registry import report_figure
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, fit_label, named, plt
from partialpool.model import families

FEW = 24  # groups, beyond which each is a point instead of a line


def caption(study: FigureData, _form: str) -> str:
    """True values and estimates with their intervals."""
    return f"True values (black bars), and estimates with {study.percent} intervals."


@report_figure(
    "recovery", "recover", alt="True values and the estimates of each variant", caption=caption
)
def recovery(study: FigureData):
    """True values against estimates: population level, and each group of a few."""
    if study.recovery is None or study.recovery.empty:
        return None
    known = set(study.recovery["name"])
    few = [factor for factor in study.factors if len(factor.levels) <= FEW]
    panels = {}
    for name in dict.fromkeys(study.recovery["name"]):
        each = name.startswith("coef_") or (name.startswith("sigma[") and not few)
        if not each:
            panels.setdefault(_scale(name), {})[name] = name
    for factor in few:
        for column in factor.varying:
            names = zip(factor.coefficient_names(column), factor.levels, strict=True)
            own = {name: level for name, level in names if name in known}
            if own:
                panels[f"each {factor.name}: {column}"] = own
    if not panels:
        return None
    inches = [0.55 + (0.12 + 0.1 * len(study.fits)) * len(own) for own in panels.values()]
    figure, grid = plt.subplots(
        len(panels), 1, figsize=(WIDTH, 0.6 + sum(inches)), squeeze=False, height_ratios=inches
    )
    for axes, (title, own) in zip(grid[:, 0], panels.items(), strict=True):
        _recovered(study, axes, own)
        if title.startswith("each "):
            axes.set_title(fit_label(title, 60), fontsize=8.5, fontweight="normal")
    bar = Line2D([], [], color=INK, lw=0, marker="|", ms=10, mew=2, label="truth")
    legend(figure, [fit.variant for fit in study.fits], study.failed, [bar])
    return figure


def _recovered(study: FigureData, axes, own: dict) -> None:
    """Draw the scalars `own`, labelled by its values, a line each."""
    table = study.recovery[study.recovery["name"].isin(own)]
    truth = table.drop_duplicates("name").set_index("name")["truth"].reindex(own)
    found = {
        fit.variant: table[table["variant"] == fit.variant].set_index("name").reindex(own)
        for fit in study.fits
    }
    intervals(axes, found, len(own), failed=study.failed)
    at = np.arange(len(own))
    axes.vlines(truth, at - 0.42, at + 0.42, color=INK, lw=2, zorder=4)
    axes.set_yticks(at, distinct(own.values(), 30))
    if "unpooled" in found and len(found) > 1:
        others = pd.concat([frame for v, frame in found.items() if v != "unpooled"])
        seen = pd.concat([truth, others["lower"], others["upper"], found["unpooled"]["mean"]])
        ends = (found["unpooled"][end].to_numpy() for end in ("lower", "upper"))
        beyond = {"unpooled": (heights(found, "unpooled", len(own)), *ends)}
        keep_within(axes, seen.min(), seen.max(), beyond)


def _scale(name: str) -> str:
    """Panel of a population-level scalar: scalars of one coefficient share their scale."""
    if name.startswith("sigma"):
        return "Intercept"
    if name in (*families.parameter_names(), "sd_log_sigma"):
        return name
    return name.partition("[")[2].rstrip("]")


@report_figure(
    "recovery_groups",
    "recover",
    alt="True coefficients of each group and their estimates",
    caption="Each point is a group. On the line, the estimate equals the true value.",
)
def recovery_groups(study: FigureData):
    """True values against estimates of many groups, a panel for each variant and coefficient."""
    if study.recovery is None:
        return None
    table = study.recovery.set_index(["variant", "name"])
    known = set(study.recovery["name"])
    columns = [
        (factor, column)
        for factor in study.factors
        for column in factor.varying
        if len(factor.levels) > FEW and factor.coefficient_names(column)[0] in known
    ]
    if not columns:
        return None
    figure, grid = plt.subplots(
        len(columns), len(study.fits), figsize=(WIDTH, 0.5 + 1.9 * len(columns)),
        sharex="row", sharey="row", squeeze=False,
    )  # fmt: skip
    for line, (factor, column) in zip(grid, columns, strict=True):
        names = factor.coefficient_names(column)
        seen = study.recovery[study.recovery["name"].isin(names)]
        truth = seen["truth"].min(), seen["truth"].max()
        pooled = seen.loc[seen["variant"] != "unpooled", "mean"]  # unpooled may be far out
        low = np.nanmin([1.5 * truth[0] - 0.5 * truth[1], pooled.min()])
        high = np.nanmax([1.5 * truth[1] - 0.5 * truth[0], pooled.max()])
        for axes, fit in zip(line, study.fits, strict=True):
            own = table.loc[fit.variant].reindex(names)
            look = LOOKS[fit.variant]
            axes.plot(own["truth"], own["mean"], ls="", marker="o", ms=2.2, mec=look.colour,
                      mfc="none", mew=0.5, alpha=0.5, rasterized=True)  # fmt: skip
            axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
            axes.axline((own["truth"].mean(),) * 2, slope=1, color=INK, lw=0.8)
            axes.set_title(named(fit.variant, study.failed), fontsize=8.5)
        of = f"{fit_label(factor.name, 12)}: " if len(study.factors) > 1 else "estimate: "
        line[0].set_ylabel(of + fit_label(column, 18))
    figure.supxlabel("truth", fontsize=9)
    return figure
