"""Differences in expected log predictive density between the variants."""

import numpy as np

from partialpool.figures.figure_data import FigureData
from partialpool.figures.registry import report_figure
from partialpool.figures.style import INK, LOOKS, WIDTH, plt


@report_figure(
    "comparison",
    "compare",
    alt="Differences in expected log predictive density between the variants",
    caption="Difference in expected log predictive density (elpd) to the best variant, ± 2 "
    "standard errors.",
)
def comparison(study: FigureData):
    """elpd of each variant minus that of the best, leaving out rows and whole groups."""
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
    panels[-1, 0].set_xlabel("elpd difference to the best variant (left: worse)")
    return figure
