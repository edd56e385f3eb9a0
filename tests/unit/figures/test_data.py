"""The response is drawn by group, each number in its place."""

from dataclasses import replace

import markup_study
import numpy as np
import pytest
from figure_study import (
    LEVELS,
    OUTCOMES,
    ROWS,
    of_group,
    study,
)
from read_figure import beside, hold, marks, points

from partialpool.design.formula import Formula
from partialpool.figures import (
    data,
)
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize(("outcome", "factor"), [*zip(OUTCOMES, (0, 1, 0, 1, 0), strict=True)])
def test_strips_are_the_rows_of_their_group(outcome, factor):
    found = study(outcome)
    factor = found.factors[factor]
    [axes] = data.data(found, factor).axes
    expected, words, means = {(None, "pooled", "line"): [found.average]}, {}, []
    for label in [label.get_text() for label in axes.get_yticklabels()]:
        own = (found.table[factor.name] == label).to_numpy()
        means.append(of_group(found, factor, label, found.y))
        expected[label, "unpooled", "bar"] = means[-1:]
        if own.sum() > 1 and outcome != "bernoulli":
            expected[label, "data", "point"] = (found.y / found.per)[own]
        words[label] = f"n = {own.sum()}"
        if outcome in ("bernoulli", "binomial"):
            words[label] = f"{found.y[own].sum()} of {found.per[own].sum():.0f}"
    hold(marks(axes), expected)
    assert beside(axes) == words and len(words) == len(LEVELS)
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("rows", [(1,) * len(LEVELS), ROWS])
def test_strips_of_known_standard_errors(rows):
    """A group of one row is its estimate and error; the precisions of several add up."""
    found = replace(study(rows=rows), outcome=Outcome(sigma="x"))
    figure = data.data(found, found.factors[1])
    [axes] = figure.axes
    expected, words = {(None, "pooled", "line"): [found.average]}, {}
    for label, own in found.table.groupby("h"):
        expected[label, "data", "point"] = own["y"]
        error = sum(own["x"] ** -2) ** -0.5
        words[label] = f"n = {len(own)}, " * (len(own) > 1) + f"se {error:.4g}"
        if len(own) > 1:
            expected[label, "unpooled", "bar"] = [own["y"].mean()]
        else:
            [y] = own["y"]
            expected[label, "data", "interval"] = [(y - error, y + error)]
    hold(marks(axes), expected)
    assert beside(axes) == words
    assert figure.get_label() == ("errors" if max(rows) == 1 else "strips")


def test_of_many_groups_each_point_is_its_size_and_mean():
    levels, rng = tuple(f"g{i}" for i in range(41)), np.random.default_rng(1)
    found = study("binomial", levels=levels, rows=tuple(rng.integers(1, 5, 41)))
    factor = found.factors[1]
    figure = data.data(found, factor)
    [axes] = figure.axes
    dots, average = axes.lines
    own = found.table.groupby("h")[["y", "n"]].sum()
    expected = np.array(sorted(zip(own["n"], own["y"] / own["n"], strict=True)))
    assert figure.get_label() == "sizes" and points(dots) == pytest.approx(expected)
    assert average.get_ydata() == pytest.approx([found.average] * 2)
    assert axes.get_xlabel() == "trials of the h" and axes.get_ylabel() == "y as a share of n"

    alike = replace(factor, sizes=np.full(41, 7))
    figure = data.data(found, alike)
    [axes] = figure.axes
    counts, edges = np.histogram(factor.means, bins=[p.get_x() for p in axes.patches] + [9])
    assert figure.get_label() == "histogram" and len(edges) == len(axes.patches) + 1
    assert [patch.get_height() for patch in axes.patches] == counts.tolist()
    assert axes.lines[0].get_xdata() == pytest.approx([found.average] * 2)


@pytest.mark.parametrize("outcome", ["poisson", "bernoulli", "weighted"])
def test_without_groups_rows_are_drawn_as_they_are(outcome):
    found = replace(study(outcome), factors=(), formula=Formula("y ~ x"))
    figure = data.data(found, None)
    [axes] = figure.axes
    rows = axes.lines[0]
    assert rows.get_xdata() == pytest.approx(found.table["x"].to_numpy())
    if outcome != "bernoulli":
        assert rows.get_ydata() == pytest.approx(found.y / found.per)
        return
    assert ((rows.get_ydata() > 1) == (found.y == 1)).all()
    tenths = axes.lines[1]
    order = np.argsort(found.table["x"].to_numpy())  # no two are alike
    x, y = found.table["x"].to_numpy()[order], found.y[order]
    first = x <= np.quantile(x, 0.1)
    assert tenths.get_data()[0][0] == pytest.approx(x[first].mean())
    assert tenths.get_data()[1][0] == pytest.approx(y[first].mean())
    assert len(tenths.get_xdata()) == data.BINS and figure.get_label() == "shares"


def test_without_predictors_values_are_counted():
    found = replace(study("poisson"), factors=(), formula=Formula("y ~ 1"))
    found = replace(found, y=np.array([0, 3, 3, 1, 3, 1]), per=np.full(6, 2.0))
    [axes] = data.data(found, None).axes
    bars = {p.get_x() + p.get_width() / 2: p.get_height() for p in axes.patches}
    assert bars == pytest.approx({0: 1, 0.5: 2, 1.5: 3})


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({}, "n = 6"), ({"sigma": "of"}, "n = 6, se 4.082"), ({"trials": "of"}, "1.2 of 6")],
)
def test_how_much_the_rows_of_a_group_say(columns, expected):
    """Six standard errors of 10 are one of 10 / sqrt(6)."""
    found = markup_study.study("binomial" if "trials" in columns else "gaussian", **columns)
    assert data.size(found, found.factors[0], 2) == expected


CAPTIONS = {
    "errors": "± one standard error",
    "bars": "the highest first. Orange bars: each group's own mean y. Dashed",
    "strips": "the highest first. Circles: rows. Orange bars: each group's own mean y. Dashed",
    "sizes": "The mean y of each h against its number of rows.",
    "histogram": "Number of groups by their mean y;",
}


@pytest.mark.parametrize("form", CAPTIONS)
def test_each_form_has_its_own_caption(form):
    found = study()
    said = data.caption(found, found.factors[1], form)
    assert [name for name, words in CAPTIONS.items() if words in said] == [form]


def test_captions_without_groups_and_of_each_family():
    found = study("bernoulli")
    assert "the share with y = 1 in each of 10 equal" in data.caption(found, None, "shares")
    assert data.caption(found, None, "") == "The rows as they were read."
    for outcome, words in (
        ("binomial", "The y as a share of n of each h against its number of trials."),
        ("poisson", "The y per unit of n of each h against its number of rows."),
    ):
        found = study(outcome)
        assert data.caption(found, found.factors[1], "sizes").startswith(words)
    weighted = replace(study(), outcome=Outcome(precision_weights="w"))
    assert "The w-weighted mean y of" in data.caption(weighted, weighted.factors[0], "sizes")
