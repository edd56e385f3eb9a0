"""Compare, predict and recover: what the fits are asked."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from partialpool.design.prediction_columns import PREDICTED
from partialpool.figures.figure_data import FigureData
from partialpool.figures.marks import chosen, heights, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, plt, short, wrapped
from partialpool.model import families

WHOM = {
    "group": "its own group",
    "new_group": "a new group",
    "average_group": "the average group",
}
PANELS = 9  # groups that get a panel of their own
ROWS = 24  # rows drawn where there is no line to draw


def comparison(study: FigureData):
    """Differences in expected log predictive density, leaving out rows and whole groups."""
    tables = {"leaving out rows": study.comparison, "leaving out groups": study.comparison_groups}
    tables = {title: table[table["elpd_diff"].notna()] for title, table in tables.items()}
    tables = {title: table for title, table in tables.items() if len(table) > 1}
    if not tables:
        return None
    figure, panels = plt.subplots(
        len(tables), 1, figsize=(WIDTH, 0.5 + 1.25 * len(tables)), squeeze=False
    )
    for axes, (title, table) in zip(panels[:, 0], tables.items(), strict=True):
        for at, row in enumerate(table.itertuples()):
            look = LOOKS[row.variant]
            reach = 2 * np.hypot(row.dse, row.subsampling_dse)
            axes.hlines(at, row.elpd_diff - reach, row.elpd_diff + reach, color=look.colour, lw=1.7)
            axes.plot(row.elpd_diff, at, marker=look.marker, ms=6, mec=look.colour, mfc=look.face)
        marks = ["" if passed else " ✗" for passed in table["fit_passed"]]
        axes.set_yticks(range(len(table)), table["variant"] + marks)
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.axvline(0, color=INK, lw=0.7, ls="--", zorder=0)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=5)  # of large tables, differences have many digits
        axes.set_title(title)
    panels[-1, 0].set_xlabel("elpd difference to the best, ± 2 standard errors (left is worse)")
    return figure


def predictions(study: FigureData):
    """Expected values over the grid, a panel a group; or a line a row where there is no grid."""
    frame = study.fits[0].predictions
    given = [name for name in frame.columns if name not in PREDICTED]
    others = [name for name in given if name in study.formula.predictors]
    lines = others and others[0] not in study.formula.labels and frame[others[0]].dtype.kind in "fi"
    if study.factors and lines:
        lines = any(_wide(study, others[0]).values())
    return _rows(study, given) if study.own_rows or not lines else _lines(study, others[0])


def _asked(study: FigureData) -> list[str]:
    """Whom rows are predicted for."""
    return list(study.fits[0].predictions["predicted_for"].unique())


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
            rows = fit.predictions[fit.predictions["predicted_for"] == asked]
            if key is not None:
                rows = rows[keys[fit.variant][rows.index] == key]
            shown, look = _expected(study, rows), LOOKS[fit.variant]
            if fit.variant == "hierarchical" or len(study.fits) == 1:
                axes.fill_between(rows[x], shown["lower"], shown["upper"], color=look.colour,
                                  alpha=0.2, lw=0)  # fmt: skip
            axes.plot(rows[x], shown["mean"], color=look.colour, ls=look.line, lw=1.5)
    figure.supxlabel(short(x, 60), fontsize=9)
    figure.supylabel(wrapped(study.of_expected, height - 0.6), fontsize=9)
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
    """Title of each panel, whom it predicts for, and the group; the largest groups first."""
    if not study.factors:
        return [("", "group", None)]
    asked, wide = _asked(study), _wide(study, x)
    counts = study.counts
    counts = counts[[wide.get(key, False) for key in counts.index]]
    largest = counts.idxmax()
    # What is held fixed is each group's own, so these are predicted where some group is.
    at = f"\npredictors of {short(', '.join(largest), 14)}" if study.held else ""
    others = [(f"{WHOM[one]}{at}", one, largest) for one in asked if one != "group"]
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
        names = ["probability", "probability_lower", "probability_upper"]
        return rows[names].set_axis(["mean", "lower", "upper"], axis=1)
    found = rows[["mean", "lower", "upper"]]
    if study.outcome.exposure and not study.own_rows:
        return found.div(rows[study.outcome.exposure], axis=0)
    return found


def _outcome(study: FigureData, rows: pd.DataFrame) -> pd.DataFrame:
    """`lower, upper` of a new observation, on the scale of :func:`_expected`."""
    found = rows[["outcome_lower", "outcome_upper"]].set_axis(["lower", "upper"], axis=1)
    if study.binary:
        return found * np.nan  # 0 or 1 is no news
    if study.outcome.trials:
        return found.div(rows[study.outcome.trials], axis=0)
    if study.outcome.exposure and not study.own_rows:
        return found.div(rows[study.outcome.exposure], axis=0)
    return found


def _rows(study: FigureData, given: list[str]):
    asked = _asked(study)
    first = study.fits[0].predictions
    first = first[first["predicted_for"] == asked[0]]
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
    said = False
    for axes, one in zip(grid[0], asked, strict=True):
        found, wide = {}, {}
        for fit in study.fits:
            rows = fit.predictions[fit.predictions["predicted_for"] == one].iloc[keep]
            found[fit.variant] = _expected(study, rows)
            wide[fit.variant] = _outcome(study, rows)
            said |= wide[fit.variant]["lower"].notna().any()
        intervals(axes, found, len(keep), wide=wide, failed=study.failed)
        if len(asked) > 1 or one != "group":
            axes.set_title(WHOM[one], fontsize=8.5, fontweight="normal")
    names = distinct(_row_names(study, first, given, keep, 26 if len(asked) == 1 else 18), 34)
    grid[0, 0].set_yticks(range(len(keep)), names)
    name = study.of_expected
    if study.outcome.exposure and study.own_rows:
        name = f"expected {short(study.formula.response)}"
    name += " (thick), new observation (thin)" if said else ""
    figure.supxlabel(wrapped(name, WIDTH), fontsize=9)
    legend(figure, [fit.variant for fit in study.fits], study.failed)
    return figure


def _row_names(study: FigureData, rows: pd.DataFrame, given: list[str], keep, columns) -> list[str]:
    """What tells predicted rows apart: their number if they are the user's, and their labels."""
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
        new = " (new)" if row["group_status"] == "new" and row["predicted_for"] == "group" else ""
        names.append(short(number + text, columns) + new)
    return names


def recovery(study: FigureData):
    """True values against estimates: population level, and each group of a few."""
    if study.recovery is None or study.recovery.empty:
        return None
    known = set(study.recovery["name"])
    few = [factor for factor in study.factors if len(factor.levels) <= ROWS]
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
            axes.set_title(short(title, 60), fontsize=8.5, fontweight="normal")
    bar = Line2D([], [], color=INK, lw=0, marker="|", ms=10, mew=2, label="truth")
    legend(figure, [fit.variant for fit in study.fits], study.failed, [bar])
    return figure


def _recovered(study: FigureData, axes, own: dict) -> None:
    """The scalars `own`, labelled by its values, a line each."""
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
    """What a population-level scalar is measured in: the response, its coefficient, or itself."""
    if name.startswith("sigma"):
        return "Intercept"
    if name in (*families.parameter_names(), "sd_log_sigma"):
        return name
    return name.partition("[")[2].rstrip("]")


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
        if len(factor.levels) > ROWS and factor.coefficient_names(column)[0] in known
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
        of = f"{short(factor.name, 12)}: " if len(study.factors) > 1 else "estimate: "
        line[0].set_ylabel(of + short(column, 18))
    figure.supxlabel("truth", fontsize=9)
    return figure
