"""Values of a `simulate` block: arrays, draws, and errors about them."""

import numpy as np
import pytest
from simulated_studies import one

from partialpool.base.errors import UserError
from partialpool.study.simulate_block import draw, each_group, require_names
from partialpool.table.simulate import simulate


@pytest.mark.parametrize(
    ("written", "mean", "variance"),
    [
        ("poisson(4)", 4, 4),
        ("gamma(3, 2)", 1.5, 0.75),
        ("exponential(4)", 0.25, 0.0625),
        ("bernoulli(0.2)", 0.2, 0.16),
    ],
)
def test_drawn_columns_have_the_moments_of_their_distribution(written, mean, variance):
    block = {"rows": 40000, "coefficients": {"x": 0}, "predictors": {"x": written}, "sigma": 1}
    x = simulate(one(simulate=block, formula="y ~ 0 + x"))[0]["x"]
    assert abs(x.mean() - mean) < 4 * (variance / 40000) ** 0.5
    assert abs(x.var() / variance - 1) < 0.05


STUDY = one(simulate={"rows": 9, "coefficients": {"Intercept": 1}, "sigma": 1}, formula="y ~ 1")


def test_a_number_is_for_all_groups_and_a_list_has_one_for_each():
    assert each_group(STUDY, 2, 3, "rows").tolist() == [2, 2, 2]
    assert each_group(STUDY, [1, 2.5], 2, "rows").tolist() == [1, 2.5]
    with pytest.raises(UserError, match=r"simulate\.sigma: a list of 2 for 3 groups"):
        each_group(STUDY, [1, 2], 3, "sigma")


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("normal(0, -1)", "its sd is negative"),
        ("uniform(2, 1)", "its upper end is below its lower end"),
        ("bernoulli(1.1)", "its probability is not between 0 and 1"),
        ("bernoulli(-0.1)", "its probability is not between 0 and 1"),
        ("poisson(1e16)", "its rate is not between 0 and 1e15"),
        ("gamma(0, 1)", "its shape and rate must be over 0"),
        ("gamma(1, 0)", "its shape and rate must be over 0"),
        ("exponential(0)", "its rate must be over 0"),
        ("normal(1)", "is none of normal(mean, sd), uniform(low, high), bernoulli(p)"),
        ("cauchy(0, 1)", "is none of normal(mean, sd)"),
        ("normal(0, x)", "is none of normal(mean, sd)"),
    ],
)
def test_distributions_that_are_refused(text, telling):
    with pytest.raises(UserError) as caught:
        draw(STUDY, text, np.random.default_rng(1), 5, "predictors.x")
    assert str(caught.value).startswith(f"config: studies.s.simulate.predictors.x: {text!r}")
    assert telling in str(caught.value)


@pytest.mark.parametrize(
    "text", ["normal(0, 0)", "uniform(1, 1)", "bernoulli(1)", "bernoulli(0)", "poisson(0)"]
)
def test_distributions_at_their_limits(text):
    """Each of these has one value only."""
    values = draw(STUDY, text, np.random.default_rng(1), 5, "predictors.x")
    assert len(values) == 5 and len({*values}) == 1


def test_a_number_is_the_same_in_every_row():
    assert draw(STUDY, 2.5, None, 3, "predictors.x").tolist() == [2.5, 2.5, 2.5]


def test_names_that_are_missing_or_unknown():
    require_names(STUDY, ["a", "b"], ["b", "a"], "a column", "groups")
    with pytest.raises(UserError, match=r"simulate\.groups: 'aa' is not a column; nearest: 'a'"):
        require_names(STUDY, ["aa"], ["a"], "a column", "groups")
    with pytest.raises(UserError, match=r"simulate\.groups: 'b' is missing"):
        require_names(STUDY, ["a"], ["a", "b"], "a column", "groups")
