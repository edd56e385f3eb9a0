"""Simulated tables of nested and crossed factors, and of factors with several blocks."""

import numpy as np
import pytest
from configs import read
from simulated_studies import NUMBERS, one, several

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.table.simulate import simulate


def test_nested_columns_count_within_their_parent():
    deviations = {"school": {"Intercept": 1}, "school:class": {"Intercept": 0.5}}
    study = several("y ~ 1 + (1 | school/class)", {"school": 3, "class": 12}, 5, deviations)
    table, truth = simulate(study)
    values = truth["values"]
    assert list(table) == ["school", "class", "y"]
    assert (table.groupby(["school", "class"]).size() == 5).all()
    assert sorted(table["class"].unique()) == [f"g{n:02}" for n in range(1, 13)]
    coefficients = [
        values[f"coef_school[{a}, Intercept]"] + values[f"coef_school:class[{a}:{b}, Intercept]"]
        for a, b in zip(table["school"], table["class"], strict=True)
    ]
    np.testing.assert_allclose(table["y"], np.array(coefficients) - 2, atol=1e-7)
    assert len({f"{value:.6f}" for value in coefficients}) == 36


def test_crossed_factors_share_all_rows():
    deviations = {"a": {"Intercept": 1, "x": 0.5}, "b": {"Intercept": 2}}
    study = several("y ~ x + (1 + x | a) + (1 | b)", {"a": 7, "b": 5}, 100, deviations)
    table, truth = simulate(study)
    values = truth["values"]
    assert len(table) == 100
    for name, groups in (("a", 7), ("b", 5)):
        sizes = table.groupby(name).size()
        assert len(sizes) == groups and np.ptp(sizes) <= 1
    assert len(table.groupby(["a", "b"])) > 30
    expected = [
        values[f"coef_a[{a}, Intercept]"]
        + values[f"coef_b[{b}, Intercept]"]
        - 2
        + values[f"coef_a[{a}, x]"] * x
        for a, b, x in zip(table["a"], table["b"], table["x"], strict=True)
    ]
    np.testing.assert_allclose(table["y"], expected, atol=1e-7)


@pytest.mark.parametrize(
    ("terms", "groups", "rows", "cells"),
    [
        ("(1 | a) + (1 | b) + (1 | a:b)", {"a": 4, "b": 3}, 2, {("a", "b"): 12}),
        ("(1 | a/b) + (1 | c)", {"a": 4, "b": 3, "c": 5}, 60, {("a", "b"): 12, ("c",): 5}),
        ("(1 | a/b) + (1 | a:c)", {"a": 4, "b": 3, "c": 2}, 1, {("a", "b", "c"): 24}),
        ("(1 | a/b/c)", {"a": 2, "b": 3, "c": 2}, "uniform(2, 4)", {("a", "b", "c"): 12}),
    ],
)
def test_every_group_has_rows(terms, groups, rows, cells):
    formula = f"y ~ 1 + {terms}"
    deviations = {name: {"Intercept": 1} for name in Formula(formula).factors}
    table, _ = simulate(several(formula, groups, rows, deviations))
    for columns, count in cells.items():
        assert len(table.groupby(list(columns))) == count


def test_deviations_have_their_sds_and_correlations():
    deviations = {"a": {"Intercept": 1, "x": 0.5}, "b": {"Intercept": 2}}
    formula, groups = "y ~ x + (1 + x | a) + (1 | b)", {"a": 2000, "b": 1500}
    _, truth = simulate(several(formula, groups, 2000, deviations, correlation=-0.6))
    coefficients: dict[str, list] = {}
    for name, value in truth["values"].items():
        if name.startswith("coef_"):
            coefficients.setdefault(f"{name[5]} {name[:-1].split(', ')[1]}", []).append(value)
    moments = {name: (np.mean(v), np.std(v)) for name, v in coefficients.items()}
    for name, mean, sd in (("a Intercept", 2, 1), ("a x", 3, 0.5), ("b Intercept", 2, 2)):
        assert abs(moments[name][0] - mean) < 4 * sd / 1500**0.5
        assert abs(moments[name][1] / sd - 1) < 0.08
    found = np.corrcoef(coefficients["a Intercept"], coefficients["a x"])[0, 1]
    assert abs(found + 0.6) < 0.06
    assert truth["values"]["cor_a[Intercept, x]"] == -0.6


def test_coefficients_are_correlated_within_a_group_term_and_not_between():
    text = "y ~ x + z + (1 + z + x | a) + (1 + x | b) + (0 + z | b)"
    sds = {"Intercept": 1, "x": 0.5, "z": 2}
    block = {"groups": {"a": 3000, "b": 3000}, "rows": 3000, "sigma": 1, "correlation": 0.5}
    block |= {"coefficients": {"Intercept": 1, "x": 2, "z": 3}, "deviations": {"a": sds, "b": sds}}
    _, truth = simulate(one(simulate=block | {"predictors": NUMBERS}, formula=text))
    values = truth["values"]
    for factor, together in (("a", {*sds}), ("b", {"Intercept", "x"})):
        labels = [
            name[7:-4] for name in values if name.startswith(f"coef_{factor}[") and "z]" in name
        ]
        drawn = {c: [values[f"coef_{factor}[{label}, {c}]"] for label in labels] for c in sds}
        for first, second in (("Intercept", "x"), ("Intercept", "z"), ("z", "x")):
            expected = 0.5 if {first, second} <= together else 0.0
            found = np.corrcoef(drawn[first], drawn[second])[0, 1]
            assert found == pytest.approx(expected, abs=4 / 3000**0.5)
            pair = [
                f"cor_{factor}[{a}, {b}]" in values for a, b in ((first, second), (second, first))
            ]
            assert any(pair) == (expected > 0)
        for name, sd in sds.items():
            assert np.std(drawn[name]) == pytest.approx(sd, rel=4 / 6000**0.5)
            assert values[f"sd_{factor}[{name}]"] == sd


def study_of(formula, **block):
    """A study of one factor, whose truth is what matters."""
    block = {"groups": 4000, "rows": 1, "sigma": 1, **block}
    return read({"seed": 1, "studies": {"s": {"formula": formula, "simulate": block}}})["s"]


X = {"x": "normal(0, 1)"}


SDS = {"a": {"Intercept": 1, "x": 0.5}}


@pytest.mark.parametrize("text", ["(1 + x || a)", "(1 | a) + (0 + x | a)"])
@pytest.mark.parametrize(
    "block",
    [
        {"coefficients": {"Intercept": 2, "x": 3}, "deviations": SDS},
        {"coefficients": {"Intercept": "normal(2, 1)", "x": "normal(3, 0.5)"}},
    ],
    ids=["deviations", "distributions"],
)
def test_blocks_are_independent(text, block):
    formula, block = f"y ~ x + {text}", block | {"predictors": X}
    _, truth = simulate(study_of(formula, **block))
    assert not any(name.startswith("cor_") for name in truth["values"])
    assert abs(np.corrcoef(coefficients(truth, "Intercept", "x"))[0, 1]) < 4 / 4000**0.5
    with pytest.raises(
        UserError, match=r"correlation: 0\.6 needs two or more normal coefficients in"
    ):
        simulate(study_of(formula, correlation=0.6, **block))


def coefficients(truth, *names):
    """True coefficients of each group, shape `(name, group)`."""
    values = truth["values"].items()
    return [
        [v for n, v in values if n.startswith("coef_") and n.endswith(f", {c}]")] for c in names
    ]


def test_correlations_are_within_blocks():
    _, truth = simulate(
        study_of(
            "y ~ x + z + (1 + x | a) + (0 + z | a)",
            predictors=X | {"z": "normal(0, 1)"},
            coefficients={"Intercept": 2, "x": 3, "z": 1},
            deviations={"a": SDS["a"] | {"z": 2}},
            correlation=-0.6,
        )
    )
    correlations = {n: value for n, value in truth["values"].items() if n.startswith("cor_")}
    assert correlations == {"cor_a[Intercept, x]": -0.6}
    found = np.corrcoef(coefficients(truth, "Intercept", "x", "z"))
    np.testing.assert_allclose(found[[0, 0, 1], [1, 2, 2]], [-0.6, 0, 0], atol=4 / 4000**0.5)


def test_a_label_that_is_a_predictor_too_is_made_once():
    study = study_of(
        "y ~ variety + (1 | block/variety)",
        groups={"block": 4, "variety": 2},
        rows=3,
        coefficients={"Intercept": 1, "variety[g2]": 30},
        deviations={"block": {"Intercept": 0.5}, "block:variety": {"Intercept": 0.1}},
    )
    table, truth = simulate(study)
    assert list(table) == ["block", "variety", "y"]
    means = table.groupby("variety")["y"].mean()
    assert abs(means["g2"] - means["g1"] - 30) < 3
    assert truth["values"]["beta[variety[g2]]"] == 30
