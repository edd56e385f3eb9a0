"""Predicted values of the response: as lines over a predictor, or row by row."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from partialpool.base.text import join_words
from partialpool.figures.figure_data import FigureData
from partialpool.figures.marks import chosen, intervals, legend
from partialpool.figures.registry import report_figure
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, fit_label, named, plt, wrapped
from partialpool.study.prediction_columns import (
    GROUP_STATUS,
    MEAN_INTERVAL,
    OUTCOME,
    PREDICTED,
    PREDICTED_FOR,
    PROBABILITY,
    TARGETS,
)

PANELS = 9  # groups that get a panel of their own
ROWS = 24  # rows drawn where there is no line to draw
PART = "part"  # form of a figure that does not show all groups or rows


def caption(study: FigureData, form: str) -> str:
    """The rows that are predicted, and where their predictors are held fixed."""
    if study.own_rows:
        said = f"Predictions for the rows of {study.new_data}."
    else:
        said = "Predictions over a grid that spans the range of your data."
        if held := _held(study):
            fixed = "; ".join(f"{name} at {value}" for name, value in held.items())
            said += f" Held fixed: {fixed}."
    if form == PART:
        said += " The figure shows only some groups or rows; predictions.csv has all."
    return said


def _held(study: FigureData) -> dict[str, str]:
    """Columns held fixed in the grid, and the value each is held at."""
    own = "its"
    if study.factors:
        columns = study.formula.group_columns
        whole = (
            factor.unit
            for factor in study.factors
            if len(study.formula.factors[factor.name]) == len(columns)
        )
        every = f"combination of {join_words(fit_label(column, 40) for column in columns)}"
        own = f"each {next(whole, every)}'s own"
    held = {fit_label(name, 40): f"{own} {value}" for name, value in study.held.items()}
    for role, name in study.outcome.columns.items():
        if role != "weights" and name in study.fits[0].predictions:
            rounded = ", rounded" if role == "trials" else ""
            held.setdefault(fit_label(name, 40), f"{own} mean{rounded}")
    return held


@report_figure("predictions", "predict", alt="Predictions of each variant", caption=caption)
def predictions(study: FigureData):
    """Expected values over the grid, a panel a group; or a line a row where there is no grid."""
    frame = study.fits[0].predictions
    given = [name for name in frame.columns if name not in PREDICTED]
    others = [name for name in given if name in study.formula.predictors]
    lines = others and others[0] not in study.formula.labels and frame[others[0]].dtype.kind in "fi"
    if study.factors and lines:
        lines = any(_wide(study, others[0]).values())
    return _rows(study, given) if study.own_rows or not lines else _lines(study, others[0])


def _targets(study: FigureData) -> list[str]:
    """Prediction targets of the study, such as `group` and `new_group`."""
    return list(study.fits[0].predictions[PREDICTED_FOR].unique())


def _wide(study: FigureData, x: str) -> dict[tuple, bool]:
    """Whether each group of the grid has more than one value of a predictor."""
    frame = study.fits[0].predictions
    own = frame[x].groupby(study.keys(frame))
    return dict((own.max() > own.min()).items())


def _lines(study: FigureData, x: str):
    panels = _panels(study, x)
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    width, height = (WIDTH, 0.75 + 1.7 * lines) if study.factors else (WIDTH, 3.3)
    figure, grid = plt.subplots(
        lines, columns, figsize=(width, height), sharex=True, sharey=True, squeeze=False
    )
    shown = [key for _, target, key in panels if target == "group"]
    if study.factors and 0 < len(shown) < sum(_wide(study, x).values()):
        figure.set_label(PART)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    keys = {fit.variant: study.keys(fit.predictions) for fit in study.fits if study.factors}
    for axes, (title, asked, key) in zip(grid.flat, panels, strict=False):
        axes.set_title(title, fontsize=8, fontweight="normal")
        own = np.ones(len(study.table), dtype=bool)
        if key is not None and asked == "group":
            own = (study.keys(study.table) == key).to_numpy()
        if asked == "group" and not study.binary:
            axes.plot(study.table[x][own], study.measured[own], ls="", marker="o", ms=2.6, mec=INK,
                      mfc="none", mew=0.5, alpha=0.45, rasterized=True)  # fmt: skip
        elif asked == "group":
            y = np.where(study.y[own] > 0, 1.04, -0.04)
            axes.plot(study.table[x][own], y, ls="", marker="|", ms=5, color=INK, mew=0.6,
                      alpha=0.55, rasterized=True)  # fmt: skip
        for fit in study.fits:
            rows = fit.predictions[fit.predictions[PREDICTED_FOR] == asked]
            if key is not None:
                rows = rows[keys[fit.variant][rows.index] == key]
            shown, look = _expected(study, rows), LOOKS[fit.variant]
            if fit.variant == "hierarchical" or len(study.fits) == 1:
                axes.fill_between(rows[x], shown["lower"], shown["upper"], color=look.colour,
                                  alpha=0.2, lw=0)  # fmt: skip
            axes.plot(rows[x], shown["mean"], color=look.colour, ls=look.line, lw=1.5)
    figure.supxlabel(fit_label(x, 60), fontsize=9)
    figure.supylabel(wrapped(study.expected_label, height - 0.6), fontsize=9)
    handles = [
        Line2D(
            [],
            [],
            color=LOOKS[fit.variant].colour,
            ls=LOOKS[fit.variant].line,
            lw=1.5,
            label=named(fit.variant, study.failed),
        )
        for fit in study.fits
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    return figure


def _panels(study: FigureData, x: str) -> list[tuple[str, str, tuple | None]]:
    """Title, prediction target and group of each panel; the largest groups first."""
    if not study.factors:
        return [("", "group", None)]
    asked, wide = _targets(study), _wide(study, x)
    counts = study.counts
    counts = counts[[wide.get(key, False) for key in counts.index]]
    largest = counts.idxmax()
    # Predictors are held at values of a group, so new groups are predicted at those of one.
    where = f"\npredictors of {fit_label(', '.join(largest), 14)}" if study.held else ""
    others = [(f"{TARGETS[one]}{where}", one, largest) for one in asked if one != "group"]
    if "group" not in asked:
        return others
    keys = list(counts.index[chosen(counts.to_numpy(), PANELS - len(others))[::-1]])
    names = distinct([", ".join(key) for key in keys], 18)
    own = zip(names, keys, strict=True)
    sizes = {key: f"\nn = {counts[key]:,}" if study.counted else "" for key in keys}
    return [(f"{name}{sizes[key]}", "group", key) for name, key in own] + others


def _expected(study: FigureData, rows: pd.DataFrame) -> pd.DataFrame:
    """`mean, lower, upper` of the expected response, of one trial or one unit of exposure."""
    if study.family.is_probability:
        return rows[[*PROBABILITY]].set_axis(["mean", "lower", "upper"], axis=1)
    found = rows[[*MEAN_INTERVAL]].set_axis(["mean", "lower", "upper"], axis=1)
    if study.outcome.exposure and not study.own_rows:
        return found.div(rows[study.outcome.exposure], axis=0)
    return found


def _outcome(study: FigureData, rows: pd.DataFrame) -> pd.DataFrame:
    """`lower, upper` of a new observation, on the scale of :func:`_expected`."""
    found = rows[[*OUTCOME]].set_axis(["lower", "upper"], axis=1)
    if study.binary:
        return found * np.nan  # an interval of 0 to 1 tells nothing
    if study.outcome.trials:
        return found.div(rows[study.outcome.trials], axis=0)
    if study.outcome.exposure and not study.own_rows:
        return found.div(rows[study.outcome.exposure], axis=0)
    return found


def _rows(study: FigureData, given: list[str]):
    asked = _targets(study)
    first = study.fits[0].predictions
    first = first[first[PREDICTED_FOR] == asked[0]]
    keep = np.arange(min(ROWS, len(first)))
    if study.factors and not study.own_rows:
        keys = study.keys(first)
        if keys.is_unique:
            counts = study.counts
            keep = np.sort(chosen(counts[list(keys)].to_numpy(), ROWS))
    figure, grid = plt.subplots(
        1, len(asked), sharex=True, sharey=True, squeeze=False,
        figsize=(WIDTH, 1.3 + (0.13 + 0.1 * len(study.fits)) * len(keep)),
    )  # fmt: skip
    if len(keep) < len(first):
        figure.set_label(PART)
    said = False
    for axes, one in zip(grid[0], asked, strict=True):
        found, wide = {}, {}
        for fit in study.fits:
            rows = fit.predictions[fit.predictions[PREDICTED_FOR] == one].iloc[keep]
            found[fit.variant] = _expected(study, rows)
            wide[fit.variant] = _outcome(study, rows)
            said |= wide[fit.variant]["lower"].notna().any()
        intervals(axes, found, len(keep), wide=wide, failed=study.failed)
        if len(asked) > 1 or one != "group":
            axes.set_title(TARGETS[one], fontsize=8.5, fontweight="normal")
    names = distinct(_row_names(study, first, given, keep, 26 if len(asked) == 1 else 18), 34)
    grid[0, 0].set_yticks(range(len(keep)), names)
    name = study.expected_label
    if study.outcome.exposure and study.own_rows:
        name = f"expected {fit_label(study.formula.response)}"
    name += " (thick), new observation (thin)" if said else ""
    figure.supxlabel(wrapped(name, WIDTH), fontsize=9)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _row_names(study: FigureData, rows: pd.DataFrame, given: list[str], keep, columns) -> list[str]:
    """Labels of predicted rows: the number of a row of the user, and its groups and predictors."""
    groups = study.formula.group_columns
    shown = sorted(given, key=lambda name: name not in groups)
    if not study.own_rows:
        wanted = (*groups, *study.formula.predictors)
        shown = [name for name in shown if name in wanted]
    shown = shown[: max(2, len(groups))]
    names = []
    for at in keep:
        row = rows.iloc[at]
        text = ", ".join(str(row[name]) for name in shown)
        number = f"row {at + 1}: " if study.own_rows else ""
        new = " (new)" if row[GROUP_STATUS] == "new" and row[PREDICTED_FOR] == "group" else ""
        names.append(fit_label(number + text, columns) + new)
    return names
