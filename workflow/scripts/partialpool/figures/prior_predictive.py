"""Prior predictive check: what the priors predict, beside the data."""

import numpy as np

from partialpool.figures.figure_data import FigureData
from partialpool.figures.marks import keep_within
from partialpool.figures.registry import report_figure
from partialpool.figures.style import INK, LOOKS, WIDTH, label_number, named, plt
from partialpool.model.links import LINKS

FAR = 20  # times the greatest count: beyond, an axis is logarithmic
INTERVALS = {0.95: 1.2, 0.8: 4, 0.5: 8}  # line width of each probability


def caption(study: FigureData, _form: str) -> str:
    """How to read prior predictive intervals."""
    if study.binary:
        said = (
            f"Bars: 50, 80 and 95% intervals of the {study.group_label} in data sets drawn from "
            "the priors. The tick above them: its value in your data."
        )
    else:
        said = (
            "Bars: 50, 80 and 95% intervals of single observations drawn from the priors. Ticks "
            f"above them: the rows of your data.{study.subset}"
        )
    if study.fit("unpooled"):
        said += " The unpooled prior is wide on purpose, so that groups do not inform each other."
    return said


@report_figure(
    "prior",
    "prior",
    alt="Intervals of the prior predictive distribution of each variant, with the data",
    caption=caption,
)
def prior(study: FigureData):
    """Prior predictive intervals of single observations, or of the share of ones, with the data."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.95 + 0.42 * (len(study.fits) + 1)))
    seen, drawn = _seen(study)
    for at, fit in enumerate(study.fits, start=1):
        look = LOOKS[fit.variant]
        finite = drawn[fit.variant][np.isfinite(drawn[fit.variant])]
        for probability, width in INTERVALS.items():
            tails = (1 - probability) / 2
            low, high = np.quantile(finite, [tails, 1 - tails])
            axes.hlines(at, low, high, color=look.colour, lw=width, alpha=0.9 if width < 8 else 1)
    if study.family.bounded:
        axes.set_xlim(-0.02, 1.02)
    else:
        _narrow(axes, seen, drawn)
    reach = max(np.nanquantile(values, 0.975) for values in drawn.values())
    far = min(reach, axes.get_xlim()[1]) > FAR * max(seen.max(), 1)
    if far and LINKS[study.family.link].clip_eta:
        _logarithmic(axes)
    axes.plot(seen, np.zeros(len(seen)), ls="", marker="|", ms=11, mew=2 if study.binary else 0.8,
              color=INK, alpha=1 if study.binary else 0.6,
              rasterized=len(seen) > 1000)  # fmt: skip
    names = ["data", *(named(fit.variant, study.failed) for fit in study.fits)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    what = "data sets" if study.binary else "single observations"
    name = study.group_label if study.binary else study.row_label
    axes.set_xlabel(f"{name} (prior: 50, 80 and 95% of {what})")
    return figure


def _seen(study: FigureData) -> tuple[np.ndarray, dict]:
    """Observed and, by variant, prior predictive values: of rows, or the share of ones."""
    if study.binary:
        shares = {f.variant: study.by_group(None, f.prior, study.rows)[:, 0] for f in study.fits}
        return study.by_group(None, study.y[study.rows], study.rows), shares
    per = study.per[study.rows]
    return study.measured[study.rows], {fit.variant: fit.prior / per for fit in study.fits}


def _narrow(axes, seen: np.ndarray, drawn: dict) -> None:
    """Limit the axis so that the data stay visible beside a far wider unpooled prior."""
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
    """Make an axis of counts logarithmic, with room for 0 and plain numbers."""
    low, high = axes.get_xlim()
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(min(low, -0.15) if low > -1 else -0.15, high)
    powers = np.arange(0, np.log10(max(high, 10)) + 1e-9)
    axes.set_xticks([0, *10.0 ** powers[:: -(-len(powers) // 4)]])
    axes.xaxis.set_major_formatter(lambda value, _: label_number(value))
