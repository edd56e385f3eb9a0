"""Replicated data sets are drawn beside the data, each number in its place."""

from dataclasses import replace

import markup_study
import numpy as np
import pytest
from figure_study import (
    DRAWS,
    OUTCOMES,
    VARIANTS,
    of_group,
    study,
)
from read_figure import hold, marks, three, who

from partialpool.figures import (
    posterior_predictive,
)


@pytest.mark.parametrize(("outcome", "factor"), [*zip(OUTCOMES, (0, 1, 0, 1, 0), strict=True)])
def test_each_group_is_beside_its_own_replicates(outcome, factor):
    found = study(outcome)
    factor = found.factors[factor]
    [axes] = posterior_predictive.groups(found, factor).axes
    expected, observed = {}, []
    for label in [label.get_text() for label in axes.get_yticklabels()]:
        observed.append(of_group(found, factor, label, found.y[found.rows], found.rows))
        expected[label, "data", "bar"] = [observed[-1]]
        for fit in found.fits:
            drawn = of_group(found, factor, label, fit.replicated, found.rows)
            lower, upper = np.percentile(drawn, [10, 90])
            expected |= three(
                fit.variant, label, {"mean": drawn.mean(), "lower": lower, "upper": upper}
            )
    hold(marks(axes), expected)
    assert observed == sorted(observed, reverse=True)
    assert len(observed) == len({*found.table[factor.name][found.rows]})
    assert axes.get_ylabel() == factor.name


def test_of_many_groups_the_largest_and_the_smallest_are_replicated():
    levels = tuple(f"g{7 * i % 60}" for i in range(60))
    rows = tuple(1 + 11 * i % 60 for i in range(60))
    found = study(variants=VARIANTS[1:], levels=levels, rows=rows)
    found = replace(found, rows=np.arange(len(found.y)))
    fits = [replace(f, replicated=f.prior[:, :1] + found.y / 2) for f in found.fits]
    [axes] = posterior_predictive.groups(replace(found, fits=fits), found.factors[0]).axes
    shown, drawn = [label.get_text() for label in axes.get_yticklabels()], marks(axes)
    assert len({*shown}) == posterior_predictive.GROUPS
    sizes = dict(zip(levels, rows, strict=True))
    assert {1, 2, 59, 60} <= {sizes[label] for label in shown}
    for label in shown:
        own = found.y[found.table["g"] == label].mean()
        assert drawn[label, "data", "bar"] == pytest.approx([own])
        for fit in fits:
            middle = fit.prior[:, 0].mean() + own / 2
            assert drawn[label, fit.variant, "point"] == pytest.approx([middle])


def test_replicated_values_are_counted_beside_the_data():
    found = study("binomial", VARIANTS[1:])
    found = replace(found, per=np.full(len(found.y), 50.0))
    fit, y = found.fits[1], found.y[found.rows]
    figure = posterior_predictive.density(found, fit)
    assert figure.get_label() == "frequencies"
    [axes] = figure.axes
    [often], [bars] = axes.lines, axes.collections
    values = np.arange(y.min(), y.max() + 1)
    assert often.get_xdata() == pytest.approx(values)
    assert often.get_ydata() == pytest.approx([np.sum(y == value) for value in values])
    for value, ends in zip(values, bars.get_segments(), strict=True):
        drawn = [np.sum(one == value) for one in fit.replicated]
        low, high = np.percentile(drawn, [10, 90])
        assert ends == pytest.approx(np.array([[value, low], [value, high]]))
    assert who(bars.get_color()[0]) == "hierarchical"


def test_replicated_shares_are_beside_that_of_the_data():
    found = study("bernoulli", VARIANTS[1:])
    fit = found.fits[1]
    [axes] = posterior_predictive.density(found, fit).axes
    edges = [patch.get_x() for patch in axes.patches]
    edges.append(edges[-1] + axes.patches[-1].get_width())
    shares = fit.replicated.mean(axis=1)
    assert edges[0] == pytest.approx(shares.min()) and edges[-1] == pytest.approx(shares.max())
    assert sum(patch.get_height() for patch in axes.patches) == DRAWS
    assert axes.lines[0].get_xdata() == pytest.approx([found.y[found.rows].mean()] * 2)


@pytest.mark.parametrize("outcome", ["gaussian", "poisson"])
def test_replicated_densities_are_of_one_data_set_each(outcome):
    """A density has its mean where its numbers have theirs."""
    found = study(outcome, VARIANTS[1:])
    fit, per = found.fits[1], found.per[found.rows]
    moved = fit.replicated + np.arange(DRAWS)[:, None] * per
    [axes] = posterior_predictive.density(found, replace(fit, replicated=moved)).axes
    *lines, observed = axes.lines
    assert len(lines) == posterior_predictive.LINES and axes.get_xlabel() == found.row_label
    assert who(observed.get_color()) == "data"
    numbers = [*(moved / per), (found.y / found.per)[found.rows]]
    for line, values in zip([*lines, observed], numbers, strict=True):
        grid, curve = line.get_data()
        assert np.average(grid, weights=curve) == pytest.approx(values.mean(), abs=0.2)


def test_intervals_are_those_of_the_replicates():
    """Replicate i, of 25, has the value i in all rows; or 1 in i of the rows, and 0 in others."""
    found, every = markup_study.study(variants=markup_study.VARIANTS[:1]), np.arange(25.0)
    value, ends = np.repeat(every[:, None], 24, axis=1), [0.025 * 24, 0.975 * 24]
    fits = [replace(fit, replicated=value) for fit in found.fits]
    drawn = (
        posterior_predictive.groups(replace(found, fits=fits), found.factors[0])
        .axes[0]
        .collections[0]
    )
    assert np.array(drawn.get_segments())[..., 0] == pytest.approx(np.array([ends] * 4))

    counts = replace(markup_study.study("poisson"), y=np.tile([0, 1], 12))
    fit = replace(counts.fits[0], replicated=(np.arange(24) < every[:, None]).astype(int))
    drawn = posterior_predictive.density(counts, fit).axes[0].collections[0]
    assert np.array(drawn.get_segments())[..., 1] == pytest.approx(np.array([ends] * 2))


CAPTIONS = {
    "shares": "Colour: the mean y in replicated data sets.",
    "frequencies": "in 80% of the replicated data sets",
    "curves": "Thin lines: 40 replicated data sets.",
}


@pytest.mark.parametrize("form", CAPTIONS)
def test_each_form_has_its_own_caption(form):
    found = study()
    said = posterior_predictive.density_caption(found, found.fits[0], form)
    assert [name for name, words in CAPTIONS.items() if words in said] == [form]
    assert "misses something in your data. Shown: 26 of the 29 rows, drawn at random." in said
    every = replace(found, rows=np.arange(29))
    assert "drawn" not in posterior_predictive.density_caption(every, found.fits[0], form)


@pytest.mark.parametrize("count", [6, 60])
def test_a_caption_of_groups_counts_them(count):
    found = study(levels=tuple(f"g{group}" for group in range(count)), rows=(1,) * count)
    said = posterior_predictive.groups_caption(found, found.factors[1], "")
    assert said.startswith("Black bars: each h's observed mean y. Intervals: its value in 80% of")
    assert ("Shown: 16 of the 60 groups" in said) == (count == 60)
