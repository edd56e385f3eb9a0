"""Trace, rank and energy plots of one fit, by arviz-plots."""

import arviz_plots as azp
import numpy as np
import xarray as xr

from partialpool.figures.figure_data import FigureData, FigureFit
from partialpool.figures.registry import each_fit, report_figure
from partialpool.figures.style import ALARM, INK, WIDTH, fit_label
from partialpool.study.checks import CHECKS

SHOWN = 4  # scalars, those with the highest R-hat
DRAWS = 500  # of each chain, evenly thinned: as many as a figure can show
OUTSIDE = 0.01  # probability that the ranks of independent draws leave the grey band
CHAINS = ["#0b4a86", "#d98200", "#4d9a66", "#a0457e", "#767676", "#3aa3c9", "#5b4b13", "#222222"]


CHAINS_CAPTION = (
    "Trace and rank plots: one line per chain, for the population-level scalars with the highest "
    "R-hat. Left: chains that agree overlap. Right: the rank ECDF of each chain minus the uniform "
    "one should stay inside the grey band, as independent draws do "
    f"{100 - 100 * OUTSIDE:g} times in 100."
)
ENERGY_CAPTION = (
    "Energy plots: the two curves should be about equally wide, and every E-BFMI should lie to the "
    "right of the dashed limit."
)


def chains_alt(_study: FigureData, fit: FigureFit) -> str:
    """Alternative text of trace and rank plots."""
    return f"Trace and rank plots of the chains of the {fit.variant} fit"


@report_figure("chains", "diagnose", alt=chains_alt, caption=CHAINS_CAPTION, each=each_fit)
def chains(_study: FigureData, fit: FigureFit):
    """Trace and rank plots of the scalars with the highest R-hat; one chain has no ranks."""
    scalars = {name: draws for name, draws in fit.scalars.items() if np.isfinite(draws).all()}
    if not scalars:
        return None
    rhat = fit.summary["rhat"].reindex(list(scalars))
    worst = rhat.fillna(np.inf).sort_values(ascending=False, kind="stable")
    names = list(worst.index[:SHOWN])
    # arviz-plots gets names of its own: those of data could be read as an indexed variable.
    step = -(-fit.statistics.sizes["draw"] // DRAWS)
    draw = fit.statistics["draw"].values[::step]
    variables = {
        f"q{i}": (("chain", "draw"), scalars[name][:, ::step]) for i, name in enumerate(names)
    }
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords={"draw": draw})})
    quiet = {"title": False, "xlabel": False}
    plots = {"trace": (azp.plot_trace, {"visuals": {**quiet, "trace": {"lw": 0.4, "alpha": 0.7}}})}
    if fit.statistics.sizes["chain"] > 1:
        plots["rank"] = (azp.plot_rank, {"visuals": {**quiet, "remove_axis": False}})
    collection = azp.combine_plots(
        tree,
        list(plots.values()),
        plot_names=list(plots),
        backend="matplotlib",
        aes={"color": ["chain"]},
        color=CHAINS,
        figure_kwargs={"sharex": "col"},
    )
    figure = collection.viz["figure"].item()
    figure.set_size_inches(WIDTH, 0.5 + 1.25 * len(names))
    panels = np.array(figure.axes).reshape(len(names), len(plots))
    diverged = np.flatnonzero(fit.statistics["diverging"].any("chain"))
    for name, (trace, *ranks) in zip(names, panels, strict=True):
        shown = CHECKS["rhat"].text(rhat[name] if np.isfinite(rhat[name]) else None)
        trace.set_title(f"{fit_label(name, 20)}, R-hat {shown}", fontsize=8.5)
        trace.margins(x=0)
        if len(diverged):
            trace.plot(diverged, np.zeros(len(diverged)), transform=trace.get_xaxis_transform(),
                       ls="", marker="|", ms=7, color=INK, clip_on=False)  # fmt: skip
        for axes in (trace, *ranks):
            for line in axes.lines:
                line.set_rasterized(True)
        for rank in ranks:
            _band(rank, len(draw))
    panels[-1, 0].set_xlabel("draw")
    if "rank" in plots:
        panels[0, 1].set_title("rank ECDF minus uniform", fontsize=8.5, fontweight="normal")
        panels[-1, 1].set_xlabel("fractional rank")
    return figure


def _band(rank, draws: int) -> None:
    """Replace the marks of arviz-plots by a band for the ranks of independent draws."""
    # The test that marks points and prints a p value assumes independent draws.
    for mark in [*rank.texts, *rank.collections]:
        mark.remove()
    # Dvoretzky-Kiefer-Wolfowitz inequality.
    band = np.sqrt(np.log(2 / OUTSIDE) / (2 * draws))
    rank.axhspan(-band, band, color="#eeeeee", zorder=0)
    largest = max(np.abs(line.get_ydata()).max() for line in rank.lines)
    rank.set_ylim(*(np.array([-1.15, 1.15]) * max(band, largest)))
    rank.set_yticks([0])


def energy_alt(_study: FigureData, fit: FigureFit) -> str:
    """Alternative text of energy plots."""
    return f"Energy and E-BFMI of the chains of the {fit.variant} fit"


@report_figure("energy", "diagnose", alt=energy_alt, caption=ENERGY_CAPTION, each=each_fit)
def energy(_study: FigureData, fit: FigureFit):
    """Marginal energy and energy transitions, and E-BFMI of each chain."""
    tree = xr.DataTree.from_dict({"sample_stats": fit.statistics})
    collection = azp.plot_energy(
        tree,
        backend="matplotlib",
        color=["#0b4a86", "#d98200"],
        visuals={"legend": False, "title": False, "ylabel": False},
        figure_kwargs={"figsize": (WIDTH, 1.7)},
    )
    figure = collection.viz["figure"].item()
    bfmi, density = figure.axes
    bfmi.set_title("E-BFMI", fontsize=8.5)
    bfmi.set(ylabel="chain", yticks=range(fit.statistics.sizes["chain"]))
    bfmi.set_xlim(left=0)
    bfmi.margins(y=0.2)
    density.set_title("energy", fontsize=8.5)
    density.set_ylim(bottom=0)
    density.set_xlabel("energy (blue) and its transitions (orange)")
    for area in density.collections:
        area.set_rasterized(True)
    for dot in bfmi.collections:
        dot.set_sizes([22])
    for line in bfmi.lines:
        line.set_color(ALARM)
    return figure
