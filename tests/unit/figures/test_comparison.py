"""Differences between variants are drawn beside their variant."""

from dataclasses import replace

import markup_study
import numpy as np
import pandas as pd
from figure_study import (
    study,
)
from read_figure import hold, marks, three

from partialpool.figures import (
    comparison,
)


def test_differences_are_those_of_the_variant_they_are_beside():
    found = study(failed=["unpooled"])
    figure = comparison.comparison(found)
    tables = found.comparison, found.comparison_groups
    assert [a.get_title() for a in figure.axes] == ["leaving out rows", "leaving out groups"]
    for axes, table in zip(figure.axes, tables, strict=True):
        expected = {(None, "data", "line"): [0]}
        for row in table.to_dict("records"):
            label = row["variant"] + " ✗" * (row["variant"] == "unpooled")
            reach = 2 * (row["dse"] ** 2 + row["subsampling_dse"] ** 2) ** 0.5
            own = {"mean": row["elpd_diff"], "lower": row["elpd_diff"] - reach}
            own["upper"] = row["elpd_diff"] + reach
            expected |= three(row["variant"], label, own)
        hold(marks(axes), expected)
        order = [label.get_text().partition(" ")[0] for label in axes.get_yticklabels()]
        assert order == list(table["variant"]) and axes.get_ylim() == (2.5, -0.5)


def test_variants_that_were_not_compared_are_not_drawn():
    found = markup_study.study()
    numbers = ["elpd_diff", "dse", "subsampling_dse"]
    missing = found.comparison.copy()
    missing.loc[0, numbers] = np.nan
    drawn = comparison.comparison(replace(found, comparison=missing, comparison_groups=missing))
    for axes in drawn.axes:
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            "unpooled",
            "hierarchical",
        ]
    missing.loc[1:, numbers] = np.nan
    none = replace(found, comparison=missing, comparison_groups=missing)
    assert comparison.comparison(none) is None


def test_intervals_are_two_standard_errors_to_each_side():
    found = markup_study.study(variants=markup_study.VARIANTS[:1])
    table = found.comparison.assign(dse=3.0, subsampling_dse=4.0)
    table = pd.concat([table, table])  # one variant is not compared
    compared = replace(found, comparison=table, comparison_groups=table)
    for axes in comparison.comparison(compared).axes:
        assert np.array(axes.collections[0].get_segments())[0, :, 0].tolist() == [-11, 9]
