"""Compare, predict and recover: what the fits are asked."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from partialpool.figures.evidence import Evidence
from partialpool.figures.marks import chosen, heights, intervals, keep_within, legend
from partialpool.figures.style import INK, LOOKS, WIDTH, distinct, named, plt, short

ANSWERS = 9  # columns that prediction adds to the rows
PANELS = 9  # groups that get a panel of their own
ROWS = 24  # rows drawn where there is no line to draw


def comparison(study: Evidence):
    """Differences in expected log predictive density, leaving out rows and whole groups."""
    tables = {"leaving out rows": study.comparison, "leaving out groups": study.comparison_groups}
    tables = {title: table for title, table in tables.items() if len(table) > 1}
    if not tables:
        return None
    figure, panels = plt.subplots(
        len(tables), 1, figsize=(WIDTH, 0.5 + 1.25 * len(tables)), squeeze=False
    )
    for axes, (title, table) in zip(panels[:, 0], tables.items(), strict=True):
        for at, row in enumerate(table.itertuples()):
            look = LOOKS[row.variant]
            reach = 2 * row.dse
            axes.hlines(at, row.elpd_diff - reach, row.elpd_diff + reach, color=look.colour, lw=1.7)
            axes.plot(row.elpd_diff, at, marker=look.marker, ms=6, mec=look.colour, mfc=look.face)
        marks = ["" if passed else " ✗" for passed in table["fit_passed"]]
        axes.set_yticks(range(len(table)), table["variant"] + marks)
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.axvline(0, color=INK, lw=0.7, ls="--", zorder=0)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)
    panels[-1, 0].set_xlabel("elpd difference to the best, ± 2 standard errors (left is worse)")
    return figure


def predictions(study: Evidence):
    """Expected values over the grid, a panel a group; or a line a row where there is no grid."""
    frame = study.fits[0].predictions
    given = list(frame.columns[:-ANSWERS])
    predictors = [name for name in given if name != study.factor]
    numeric = bool(predictors) and frame[predictors[0]].dtype.kind in "fi"
    if study.own_rows or not numeric:
        return _rows(study, frame[given])
    return _lines(study, predictors[0])


def _lines(study: Evidence, x: str):
    keep = [study.levels[i] for i in chosen(study.sizes, PANELS)[::-1]] if study.factor else [None]
    columns = min(3, len(keep))
    lines = -(-len(keep) // columns)
    width, height = (WIDTH, 0.75 + 1.55 * lines) if study.factor else (WIDTH, 3.3)
    figure, panels = plt.subplots(
        lines, columns, figsize=(width, height), sharex=True, sharey=True, squeeze=False
    )
    for axes in panels.flat[len(keep) :]:
        axes.set_visible(False)
    names = distinct([str(level) for level in keep], 20)
    for axes, level, name in zip(panels.flat, keep, names, strict=False):
        own = study.table
        if level is not None:
            own = own[own[study.factor].astype(str) == level]
            axes.set_title(f"{name}  n = {len(own)}", fontsize=8, fontweight="normal")
        if study.response in own:
            axes.plot(own[x], own[study.response], ls="", marker="o", ms=2.6, mec=INK, mfc="none",
                      mew=0.5, alpha=0.45, rasterized=True)  # fmt: skip
        for fit in study.fits:
            rows = fit.predictions
            if level is not None:
                rows = rows[rows[study.factor] == level]
            look = LOOKS[fit.variant]
            if fit.variant == "hierarchical" or len(study.fits) == 1:
                axes.fill_between(rows[x], rows["lower"], rows["upper"], color=look.colour,
                                  alpha=0.2, lw=0)  # fmt: skip
            axes.plot(rows[x], rows["mean"], color=look.colour, ls=look.line, lw=1.5)
    figure.supxlabel(short(x, 60), fontsize=9)
    figure.supylabel(f"expected {short(study.response)}", fontsize=9)
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


def _rows(study: Evidence, given: pd.DataFrame):
    keep = np.arange(min(ROWS, len(given)))
    if study.factor and not study.own_rows and given[study.factor].is_unique:
        positions = {level: index for index, level in enumerate(study.levels)}
        sizes = study.sizes[[positions[level] for level in given[study.factor]]]
        keep = np.sort(chosen(sizes, ROWS))
    labels = []
    for at in keep:
        row, status = given.iloc[at], study.fits[0].predictions["group_status"].iloc[at]
        shown = [
            str(row[name]) for name in given.columns if name == study.factor or not study.own_rows
        ]
        number = f"row {at + 1}: " if study.own_rows else ""
        labels.append(
            short(number + ", ".join(shown[:2]), 24) + (" (new)" if status == "new" else "")
        )
    found = {f.variant: f.predictions.iloc[keep][["mean", "lower", "upper"]] for f in study.fits}
    wide = {
        f.variant: f.predictions.iloc[keep][["outcome_lower", "outcome_upper"]].set_axis(
            ["lower", "upper"], axis=1
        )
        for f in study.fits
    }
    figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + (0.13 + 0.1 * len(found)) * len(keep)))
    intervals(axes, found, len(keep), wide=wide, failed=study.failed)
    axes.set_yticks(range(len(keep)), distinct(labels, 34))
    said = any(frame["lower"].notna().any() for frame in wide.values())
    thin = ", new observation (thin)" if said else ""
    axes.set_xlabel(f"{short(study.response)}: expected (thick){thin}")
    legend(figure, list(found), study.failed)
    return figure


def recovery(study: Evidence):
    """True values against estimates: population level, and each group of a few."""
    if study.recovery is None or study.recovery.empty:
        return None
    known = set(study.recovery["name"])
    panels = {}
    for name in dict.fromkeys(study.recovery["name"]):
        each = name.startswith("coef_") or (name.startswith("sigma[") and len(study.levels) > ROWS)
        if not each:
            panels.setdefault(_scale(name), {})[name] = name
    for column in study.varying if len(study.levels) <= ROWS else ():
        names = zip(study.coefficient_names(column), study.levels, strict=True)
        own = {name: level for name, level in names if name in known}
        if own:
            panels[f"each {study.factor}: {column}"] = own
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


def _recovered(study: Evidence, axes, own: dict) -> None:
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
    """What a population-level scalar is measured in: the response, or its coefficient."""
    if name.startswith("sigma"):
        return "Intercept"
    return name.partition("[")[2].rstrip("]")


def recovery_groups(study: Evidence):
    """True values against estimates of many groups, a panel for each variant and coefficient."""
    if study.recovery is None or len(study.levels) <= ROWS:
        return None
    table = study.recovery.set_index(["variant", "name"])
    columns = [c for c in study.varying if study.coefficient_names(c)[0] in table.index.levels[1]]
    if not columns:
        return None
    figure, grid = plt.subplots(
        len(columns), len(study.fits), figsize=(WIDTH, 0.5 + 1.9 * len(columns)),
        sharex="row", sharey="row", squeeze=False,
    )  # fmt: skip
    for line, column in zip(grid, columns, strict=True):
        for axes, fit in zip(line, study.fits, strict=True):
            own = table.loc[fit.variant].reindex(study.coefficient_names(column))
            look = LOOKS[fit.variant]
            axes.plot(own["truth"], own["mean"], ls="", marker="o", ms=2.2, mec=look.colour,
                      mfc="none", mew=0.5, alpha=0.5, rasterized=True)  # fmt: skip
            low, high = own["truth"].min(), own["truth"].max()
            axes.set_ylim(1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low)
            axes.axline((own["truth"].mean(),) * 2, slope=1, color=INK, lw=0.8)
            axes.set_title(named(fit.variant, study.failed), fontsize=8.5)
        line[0].set_ylabel(f"estimate: {short(column, 20)}")
    figure.supxlabel("truth", fontsize=9)
    return figure
