"""True values are drawn beside their own estimates."""

from dataclasses import replace

import numpy as np
import pytest
from figure_study import (
    VARIANTS,
    study,
)
from read_figure import beyond, hold, marks, points, three, who

from partialpool.figures import (
    recovery,
)


def test_true_values_are_beside_their_own_estimates():
    found = study()
    table = found.recovery.copy()
    first = (table["variant"] == "unpooled") & (table["name"] == "coef_g[echo, x]")
    table.loc[first, ["lower", "upper"]] = -20, 30
    found = replace(found, recovery=table)
    figure = recovery.recovery(found)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert {*panels} == {"", "each g: x", "each h: Intercept"} and len(figure.axes) == 4
    seen = set()
    for axes in figure.axes:
        expected, ends = {}, {}
        each = axes.get_title().removeprefix("each ")
        for label in [label.get_text() for label in axes.get_yticklabels()]:
            factor, _, column = each.partition(": ")
            name = f"coef_{factor}[{label}, {column}]" if each else label
            seen.add(name)
            for variant in VARIANTS:
                rows = table[(table["variant"] == variant) & (table["name"] == name)]
                [row] = rows.to_dict("records")
                expected |= three(variant, label, row)
                expected[label, "data", "bar"] = [row["truth"]]
                if variant == "unpooled":
                    ends[label] = row["lower"], row["upper"]
        expected |= beyond(axes, "unpooled", ends)
        hold(marks(axes), expected)
    assert seen == {*table["name"]}


def test_of_many_groups_each_point_is_its_truth_and_estimate():
    levels = tuple(f"g{7 * i % 30}" for i in range(30))
    found = study(levels=levels, rows=(1,) * 30, failed=["unpooled"])
    figure = recovery.recovery_groups(found)
    lines = np.array(figure.axes).reshape(2, 3)
    for line, own in zip(lines, ("g: x", "h: Intercept"), strict=True):
        factor, _, column = own.partition(": ")
        assert line[0].get_ylabel() == own
        for axes, fit in zip(line, found.fits, strict=True):
            assert axes.get_title() == fit.variant + " ✗" * (fit.variant == "unpooled")
            rows = found.recovery[
                (found.recovery["variant"] == fit.variant)
                & found.recovery["name"].str.startswith(f"coef_{factor}[")
                & found.recovery["name"].str.endswith(f", {column}]")
            ]
            assert len(rows) == 30 and who(axes.lines[0].get_markeredgecolor()) == fit.variant
            expected = np.array(sorted(zip(rows["truth"], rows["mean"], strict=True)))
            assert points(axes.lines[0]) == pytest.approx(expected)
