"""Predictions are drawn in the row or panel of their group."""

from dataclasses import replace

import markup_study
import numpy as np
import pandas as pd
import pytest
from figure_study import (
    LEVELS,
    ROWS,
    VARIANTS,
    predicted,
    study,
)
from read_figure import hold, marks, three, who

from partialpool.design.formula import Formula
from partialpool.figures import (
    predictions,
)
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize(
    ("outcome", "own_rows"),
    [
        ("gaussian", False),
        ("poisson", False),
        ("poisson", True),
        ("binomial", True),
        ("bernoulli", False),
    ],
)
def test_each_predicted_row_has_its_own_numbers(outcome, own_rows):
    n, first = np.arange(3.0, 9), ["mean", "lower", "upper"]
    found = replace(
        study(outcome), new_data="new.csv" if own_rows else None, formula=Formula("y ~ 1 + (1 | g)")
    )
    found = replace(found, factors=found.factors[:1])
    found = predicted(found, pd.DataFrame({"g": LEVELS, "n": n}))
    figure = predictions.predictions(found)
    assert [axes.get_title() for axes in figure.axes] == ["its own group", "a new group"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [
        f"row {i + 1}: {name}, {n[i]}" if own_rows else name for i, name in enumerate(LEVELS)
    ]
    per = n if outcome == "poisson" and not own_rows else np.ones(6)
    shares = found.family.link == "logit"
    for axes, prediction_target in zip(figure.axes, ("group", "new_group"), strict=True):
        expected = {}
        for fit in found.fits:
            rows = fit.predictions[fit.predictions["predicted_for"] == prediction_target]
            names = ["probability", "probability_lower", "probability_upper"] if shares else first
            numbers = rows[names].to_numpy() / per[:, None]
            outer = rows[["outcome_lower", "outcome_upper"]].to_numpy()
            outer = outer / (n if outcome == "binomial" else per)[:, None]
            for label, own, ends in zip(labels, numbers, outer, strict=True):
                expected |= three(fit.variant, label, dict(zip(first, own, strict=True)))
                if outcome != "bernoulli":
                    expected[label, fit.variant, "interval"].append(tuple(ends))
        hold(marks(axes, labels), expected)


def test_of_many_groups_those_predicted_have_their_own_numbers():
    levels = tuple(f"g{7 * i % 30}" for i in range(30))
    found = study(
        variants=VARIANTS[1:], levels=levels, rows=tuple(1 + 11 * i % 30 for i in range(30))
    )
    found = replace(found, formula=Formula("y ~ 1 + (1 | g)"), factors=found.factors[:1])
    found = predicted(found, pd.DataFrame({"g": sorted(levels)}), ("group",))
    [axes] = predictions.predictions(found).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    sizes = found.table["g"].value_counts()[labels]
    assert labels == sorted({*labels}) and len(labels) == predictions.ROWS
    assert {1, 2, 29, 30} < {*sizes}
    form = axes.figure.get_label()
    assert "only some groups or rows" in predictions.caption(found, form)
    drawn = marks(axes)
    for fit in found.fits:
        own = fit.predictions.set_index("g")
        for label in labels:
            assert drawn[label, fit.variant, "point"] == pytest.approx([own.loc[label, "mean"]])


@pytest.mark.parametrize("outcome", ["gaussian", "poisson", "bernoulli"])
def test_lines_of_predictions_are_in_the_panel_of_their_group(outcome):
    found = study(outcome)
    found = replace(found, formula=Formula("y ~ x + (x | g)"), factors=found.factors[:1])
    grid = pd.DataFrame({"g": np.repeat(LEVELS, 3), "x": np.tile([0.0, 1.0, 2.5], len(LEVELS))})
    grid["n"] = np.arange(2.0, 2 + len(grid))
    found = predicted(found, grid)
    figure = predictions.predictions(found)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert figure.get_label() == ""  # of all groups
    assert set(panels) == {
        *(f"{label}\nn = {rows}" for label, rows in zip(LEVELS, ROWS, strict=True)),
        "a new group",
    }
    start = "probability" if outcome in ("binomial", "bernoulli") else ""
    names = [f"{start}_{one}".strip("_") for one in ("lower", "upper")]
    for title, axes in panels.items():
        prediction_target = "new_group" if title == "a new group" else "group"
        label = (
            "delta" if prediction_target == "new_group" else title.partition("\n")[0]
        )  # the largest
        lines = list(axes.lines)
        if prediction_target == "group":
            rows = found.table[found.table["g"] == label]
            seen = rows["y"] / (rows["n"] if outcome in ("poisson", "binomial") else 1)
            points = lines.pop(0)
            assert points.get_xdata() == pytest.approx(rows["x"].to_numpy())
            if outcome == "bernoulli":
                assert ((points.get_ydata() > 1) == (seen == 1)).all()
            else:
                assert points.get_ydata() == pytest.approx(seen.to_numpy())
        [band] = axes.collections
        for line, fit in zip(lines, found.fits, strict=True):
            rows = fit.predictions[fit.predictions["predicted_for"] == prediction_target]
            rows = rows[rows["g"] == label]
            per = rows["n"] if outcome == "poisson" else 1
            assert who(line.get_color()) == fit.variant
            assert line.get_xdata() == pytest.approx([0, 1, 2.5])
            assert line.get_ydata() == pytest.approx((rows[start or "mean"] / per).to_numpy())
            if fit.variant == "hierarchical":
                assert who(band.get_facecolor()[0]) == fit.variant
                corners = {tuple(corner) for corner in band.get_paths()[0].vertices.round(9)}
                ends = {
                    (x, round(end, 9))
                    for name in names
                    for x, end in zip(rows["x"], rows[name] / per, strict=True)
                }
                assert ends <= corners
                assert corners <= ends | {(0.0, y) for x, y in ends} | {(2.5, y) for x, y in ends}


@pytest.mark.parametrize("held", [{}, {"soil": "mean"}])
def test_a_panel_of_a_new_group_says_whose_predictors_are_held(held):
    found = markup_study.study()
    fits = [
        replace(f, predictions=pd.concat([f.predictions.assign(x=x) for x in (0.0, 1.0)]))
        for f in found.fits
    ]
    *own, (title, asked, key) = predictions._panels(replace(found, fits=fits, held=held), "x")
    assert len(own) == len(markup_study.LEVELS) and asked == "new_group"
    assert title == "a new group" + f"\npredictors of {key[0]}" * bool(held)


HELD = {"soil": "most frequent label", "uranium": "mean"}
GRID = "Predictions over a grid that spans the range of your data."


def with_formula(text, names):
    """A study of a formula, with its factors, whose predictions have such columns."""
    found = study()
    formula = Formula(text)
    pairs = zip(found.factors, formula.factors.items(), strict=False)
    factors = tuple(replace(factor, name=name, columns=own) for factor, (name, own) in pairs)
    fits = [replace(fit, predictions=pd.DataFrame(columns=names)) for fit in found.fits]
    return replace(found, formula=formula, factors=factors, fits=fits)


@pytest.mark.parametrize(
    ("formula", "own"),
    [
        ("y ~ x", "its"),
        ("y ~ (1 | county)", "each county's own"),
        ("y ~ (1 | pupil) + (1 | item)", "each combination of pupil and item's own"),
        ("y ~ (1 | school) + (1 | school:room)", "each room within school's own"),
    ],
)
def test_a_caption_names_the_predictors_that_are_held_fixed(formula, own):
    found = with_formula(formula, ["y"])
    assert GRID in predictions.caption(found, "") and "Held" not in predictions.caption(found, "")
    said = predictions.caption(replace(found, held=HELD), "")
    assert f"Held fixed: soil at {own} most frequent label; uranium at {own} mean." in said
    given = predictions.caption(replace(found, held=HELD, new_data="new.csv"), "")
    assert given.startswith("Predictions for the rows of new.csv.") and "Held" not in given


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"family": "binomial", "trials": "n"}, "n at each g's own mean, rounded"),
        ({"family": "poisson", "exposure": "n"}, "n at each g's own mean"),
        ({"offset": "n"}, "n at each g's own mean"),
        ({"precision_weights": "n"}, "n at each g's own mean"),
        ({"weights": "n"}, None),
        ({}, None),
    ],
)
def test_columns_of_the_response_are_held_where_rows_to_predict_have_them(keys, said, shown):
    found = with_formula("y ~ (1 | g)", ["n"] if shown else ["y"])
    words = predictions.caption(replace(found, outcome=Outcome(**keys)), "")
    held = f" Held fixed: {said}." if said and shown else ""
    assert words == f"{GRID}{held}"
