"""Blocks of `simulate` that do not fit the formula, the family or the config."""

import pytest
from simulated_studies import BOTH, SLOPES, one

from partialpool.base.errors import UserError
from partialpool.table.simulate import simulate


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"groups": None}, "the formula needs `groups`"),
        ({"rows": [1, 2]}, "simulate.rows: a list of 2 for 1000 groups"),
        ({"rows": "uniform(1.5, 2)"}, "must have whole numbers"),
        ({"predictors": {"z": "normal(0, 1)"}}, "'z' is not used by the study"),
        ({"predictors": None}, "predictors: 'x' is missing"),
        ({"predictors": {"x": "eval(1)"}}, "predictors.x: 'eval(1)' is none of normal(mean, sd)"),
        ({"coefficients": {"Intercept": 1, "z": 2}}, "'z' is not one of the formula"),
        ({"coefficients": {"Intercept": 1}}, "coefficients: 'x' is missing"),
        ({"coefficients": {"Intercept": 1, "x": "normal(0, -1)"}}, "its sd is negative"),
        ({"coefficients": {"Intercept": 1, "x": 2}}, "correlation: 0.6 needs two"),
        ({"sigma": None}, "no `sigma`"),
    ],
)
def test_a_block_that_does_not_fit_the_formula(changes, telling):
    block = {key: v for key, v in {**SLOPES["simulate"], **changes}.items() if v is not None}
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=block, formula=SLOPES["formula"]))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)


BINOMIAL = {"family": "binomial", "trials": "n"}


CROSSED = {
    "groups": {"a": 4, "b": 3},
    "rows": 24,
    "predictors": {"n": 20, "x": "normal(0, 1)"},
    "coefficients": {"Intercept": 0, "x": 1},
    "deviations": {"a": BOTH, "b": {"Intercept": 1}},
}


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"groups": 4}, "groups: 4 must be a number for each column, as in {a: 4, b: 4}"),
        ({"groups": {"a": 4, "c": 3}}, "groups: 'c' is not a grouping column of the formula"),
        ({"groups": {"a": 4}}, "groups: 'b' is missing"),
        ({"rows": 3}, "rows: 3 are too few for 4 groups of 'a'"),
        ({"rows": "uniform(1, 2)"}, "rows: uniform(1, 2) must be one number, of the whole table"),
        ({"predictors": {"n": "poisson(1)", "x": 1}}, "predictors.n: trials must be whole"),
        ({"predictors": {"n": "poisson(-1)", "x": 1}}, "'poisson(-1)': its rate is not between"),
        ({"predictors": {"x": 1}}, "predictors: 'n' is missing"),
        ({"coefficients": {"Intercept": 0, "x": "normal(0, 1)"}}, "coefficients.x: must be a"),
        ({"deviations": None}, "no `deviations`; with several factors, add sds as in {a: {Inter"),
        (
            {"deviations": {"a": {"x": 1}, "B": {"x": 1}}},
            "'B' is not a factor of the formula; nearest",
        ),
        ({"deviations": {"a": BOTH}}, "deviations: 'b' is missing"),
        ({"deviations": {"a": BOTH, "b": BOTH}}, "deviations.b: 'x' is not a coefficient that va"),
        ({"sigma": 1}, "sigma: the study's model has none; leave it out"),
        ({"alpha": 1}, "alpha: the study's model has none; leave it out"),
    ],
)
def test_a_block_of_several_factors_that_does_not_fit(changes, telling):
    block = {key: v for key, v in {**CROSSED, **changes}.items() if v is not None}
    model = {"formula": "y ~ x + (1 + x | a) + (1 | b)", **BINOMIAL}
    simulate(one(simulate=CROSSED, **model))
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=block, **model))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)


@pytest.mark.parametrize(
    ("study", "block", "telling"),
    [
        ({"family": "student_t"}, {"sigma": 1}, "no `nu`; add a number over 0"),
        ({"exposure": "t", "family": "poisson"}, {"predictors": {"t": 0}}, "exposure must be over"),
        ({"weights": "t"}, {"sigma": 1, "predictors": {"t": -1}}, "weights must be over 0"),
        ({"sigma": "~ (1 | g)"}, {"sigma": 1}, "sigma: give the median and, as `sd_log_sigma`"),
        ({"group_effects": "student_t"}, {"sigma": 1}, "student_t cannot be simulated"),
    ],
)
def test_a_block_that_does_not_fit_the_outcome(study, block, telling):
    written = {"groups": 3, "rows": 5, "coefficients": {"Intercept": 1}, **block}
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=written, formula="y ~ 1 + (1 | g)", **study))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)
