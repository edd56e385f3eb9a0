"""Marks of several figures: intervals side by side, arrowheads at limits, groups to show."""

import numpy as np
from matplotlib.lines import Line2D

from partialpool.figures.style import LOOKS, named

MANY = 40  # groups, beyond which each no longer has its own line


def chosen(sizes: np.ndarray, limit: int) -> np.ndarray:
    """Positions of all groups, or of the largest, the smallest and some between, a third each.

    Returns
    -------
    numpy.ndarray
        Ordered from the smallest group to the largest.
    """
    order = np.argsort(sizes, kind="stable")
    if len(order) <= limit:
        return order
    third = limit // 3
    middle = order[third : len(order) - third]
    spread = np.linspace(0, len(middle) - 1, limit - 2 * third).round().astype(int)
    return np.concatenate([order[:third], middle[spread], order[len(order) - third :]])


def heights(series: dict, variant: str, rows: int) -> np.ndarray:
    """Heights of the intervals of one variant in :func:`intervals`."""
    place = list(series).index(variant) - (len(series) - 1) / 2
    return np.arange(rows) + place * 0.64 / len(series)


def intervals(axes, series: dict, rows: int, *, wide: dict | None = None, failed=()) -> None:
    """Draw points with intervals in rows, the variants of a row below each other.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    series : dict of str to pandas.DataFrame
        By variant: `mean, lower, upper`, `rows` of them; nan is left out.
    wide : dict of str to pandas.DataFrame, optional
        By variant: `lower, upper` of a second, thin interval.
    """
    for variant, frame in series.items():
        look, at = LOOKS[variant], heights(series, variant, rows)
        if wide is not None:
            outer = wide[variant]
            axes.hlines(at, outer["lower"], outer["upper"], color=look.colour, lw=0.7, alpha=0.7)
        axes.hlines(at, frame["lower"], frame["upper"], color=look.colour, lw=1.7, ls=look.line)
        axes.plot(frame["mean"], at, ls="", ms=4.2, zorder=3, label=named(variant, failed),
                  marker=look.marker, mec=look.colour, mfc=look.face)  # fmt: skip
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks(range(rows))
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", lw=0.5)


def keep_within(axes, low: float, high: float, ends: dict) -> None:
    """Limit the x axis, with an arrowhead where an interval goes on.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    low, high : float
        Values that must be visible; a margin is added.
    ends : dict of str to tuple
        By variant: heights, lower ends and upper ends of its intervals.
    """
    if not high > low:
        return
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin
    for variant, (heights, lower, upper) in ends.items():
        for edge, marker, beyond in ((low, "<", lower < low), (high, ">", upper > high)):
            for height in heights[beyond]:
                axes.plot([edge], [height], marker=marker, ms=4.5, color=LOOKS[variant].colour,
                          clip_on=False, zorder=4)  # fmt: skip
    axes.set_xlim(low, high)


def legend(figure, variants, failed=(), extra=(), **kwargs) -> None:
    """Name the variants above a figure, in their marker, colour and line."""
    handles = [
        Line2D(
            [],
            [],
            color=LOOKS[v].colour,
            ls=LOOKS[v].line,
            marker=LOOKS[v].marker,
            mfc=LOOKS[v].face,
            ms=4.5,
            label=named(v, failed),
        )
        for v in variants
    ]
    handles += list(extra)
    settings = {"loc": "outside upper left", "ncols": min(4, len(handles)), "handlelength": 2.4}
    figure.legend(handles=handles, **settings | kwargs)
