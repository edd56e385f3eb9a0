"""Population-level estimates, the variants side by side."""

from partialpool.figures.figure_data import FigureData
from partialpool.figures.marks import heights, intervals, keep_within, legend
from partialpool.figures.registry import report_figure
from partialpool.figures.style import WIDTH, fit_label, plt

SCALARS = 16  # population-level scalars drawn, a panel each


def caption(study: FigureData, _form: str) -> str:
    """Points, intervals and scales."""
    said = f"Posterior means with {study.percent} intervals; each panel has its own scale."
    if study.fit("unpooled"):
        said += " An arrowhead at the edge means that the interval goes on."
    return said


def alt(study: FigureData) -> str:
    """Alternative text."""
    return f"Population-level estimates of each variant with {study.percent} intervals"


@report_figure("population", "estimates", alt=alt, caption=caption)
def population(study: FigureData):
    """Population-level scalars, a panel each, the variants side by side."""
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
        axes.set_title(fit_label(name, 60), fontsize=8.5, fontweight="normal")
        column = name.partition("[")[2].rstrip("]")
        if name.startswith("beta[") and column in varying:
            _narrow(axes, found)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _scalars(study: FigureData) -> list[str]:
    """Names of the scalars to draw: of too many, coefficients are left out."""
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
