"""Draw what the benchmark of peers found: cost against rows, and against groups.

python benchmarks/plots.py [--results benchmarks/results.csv] [--folder docs/img]
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import findings
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patheffects import withStroke
from peers import BY_GROUPS, BY_ROWS, FIT, LIMIT, ROOT, TOOLS, WHOLE

INK, QUIET = "#222222", "#767676"
OURS = "#0b4a86"
MARKERS = dict(zip([tool.name for tool in TOOLS.values()], "DDosv^x", strict=True))
LINES = dict(
    zip([tool.name for tool in TOOLS.values()], ["-", "-", "--", "-.", ":", "--", ":"], strict=True)
)
RC = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "svg.fonttype": "path",
    "svg.hashsalt": "partialpool",
}


def cost(
    results: pd.DataFrame, sizes: list[tuple[int, int]], along: str, given: str, path: Path
) -> None:
    """Draw seconds of the fit and of the whole, beside each other, on logarithmic axes.

    Parameters
    ----------
    results : pandas.DataFrame
    sizes : list of (rows, groups)
    along : {"rows", "groups"}
    given : str
        What the label of that axis adds.
    path : Path
        Of the SVG.
    """
    found = findings.medians(results)
    found = found[found["cache"].isin(["warm", "none"])]
    found = found[[size in sizes for size in zip(found["rows"], found["groups"], strict=True)]]
    found = found.dropna(subset="seconds")[lambda all_: all_["note"].isna()]
    with plt.rc_context(RC):
        figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), sharey=True)
        titles = ("the fit, compilation included", "the whole process, from the CSV")
        for axis, title, column in zip(axes, titles, ("fit_seconds", "seconds"), strict=True):
            axis.set(xscale="log", yscale="log", xlabel=f"{along} {given}", title=title)
            axis.axhline(LIMIT, color=QUIET, linewidth=0.7)
            axis.annotate(
                "limit: ten minutes", (0, LIMIT), (2, 3), color=QUIET, fontsize=8,
                xycoords=("axes fraction", "data"), textcoords="offset points",
            )  # fmt: skip
            drawn = []
            for name, rows in found.groupby("tool", sort=False):
                # On the left the fit alone, on the right all jobs.
                if name == (WHOLE if column == "fit_seconds" else FIT):
                    continue
                rows = rows.sort_values(along)
                ours = name in (WHOLE, FIT)
                axis.plot(
                    rows[along], rows[column], LINES[name], marker=MARKERS[name], markersize=4.5,
                    color=OURS if ours else INK, linewidth=2 if ours else 0.9,
                    markerfacecolor=OURS if ours else "white", clip_on=False,
                )  # fmt: skip
                short = name.partition(",")[0].replace("point ", "")
                drawn.append((short, rows[along].iloc[-1], rows[column].iloc[-1], ours))
            axis.margins(x=0.05)
            label(axis, drawn)
        axes[0].set_ylabel("seconds")
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def label(axis, drawn: list[tuple[str, float, float, bool]]) -> None:
    """Name each line at its last point, moved apart where two would cover one another."""
    axis.figure.draw_without_rendering()
    height, taken = 11, {}  # points; the highest label so far, above each end
    for name, x, y, ours in sorted(drawn, key=lambda line: line[2]):
        at = axis.transData.transform((x, y))[1] * 72 / axis.figure.dpi
        place = taken[x] = max(at, taken.get(x, at - height) + height)
        axis.annotate(
            name, (x, y), (8, place - at), textcoords="offset points", va="center", fontsize=8.5,
            color=OURS if ours else INK, weight="bold" if ours else "normal",
            annotation_clip=False, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=findings.RESULTS)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "img")
    given = parser.parse_args()
    results = pd.read_csv(given.results)
    cost(results, BY_ROWS, "rows", "(in 20 to 1,000 groups)", given.folder / "cost-by-rows.svg")
    cost(results, BY_GROUPS, "groups", "(of 100,000 rows)", given.folder / "cost-by-groups.svg")


if __name__ == "__main__":
    main()
