"""Responses and the outcome's columns against the support of the family."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import response
from partialpool.table.reader import TableFile

FILE = TableFile("t.csv", "t.csv")


def complaint(y, **outcome) -> str:
    """What is wrong with a response; empty where nothing is."""
    table = pd.DataFrame({"y": np.array(y, dtype=float), "n": 4})
    error = response.first_wrong(
        FILE, table, Formula("y ~ 1").design(table, response=True), Outcome(**outcome)
    )
    return "" if error is None else str(error).partition("; ")[2]


@pytest.mark.parametrize(
    ("family", "y", "advice"),
    [
        ("bernoulli", [1, 2, 2], "make 1 and 2 0 and 1"),
        ("bernoulli", [-1, 1, 1], "make -1 and 1 0 and 1"),
        (
            "bernoulli",
            [0, 1, 2],
            "counts fit families poisson and negative_binomial, scores and measurements gaussian",
        ),
        (
            "bernoulli",
            [0, 0.5, 2],
            "other numbers fit families gaussian, student_t, hurdle_lognormal and hurdle_gamma",
        ),
        (
            "poisson",
            [0, 0.5],
            "other numbers fit families gaussian, student_t, hurdle_lognormal and hurdle_gamma",
        ),
        ("binomial", [0.25, 0.5], "give the number of successes, not their share"),
        (
            "binomial",
            [3, 5],
            "counts fit families poisson and negative_binomial, scores and measurements gaussian",
        ),
        ("binomial", [-3, 1.5], "other numbers fit families gaussian and student_t"),
    ],
)
def test_advice_about_responses_outside_the_support(family, y, advice):
    trials = {"trials": "n"} if family == "binomial" else {}
    assert complaint(y, family=family, **trials).endswith(f"; {advice}")


@pytest.mark.parametrize(
    ("family", "y"),
    [
        ("gaussian", [-1.5, 1e20]),
        ("student_t", [0, 0.5]),
        ("bernoulli", [0, 1]),
        ("binomial", [0, 4]),
        ("poisson", [0, 1e15]),
        ("negative_binomial", [0, 7]),
    ],
)
def test_responses_in_the_support_are_accepted(family, y):
    trials = {"trials": "n"} if family == "binomial" else {}
    assert complaint(y, family=family, **trials) == ""


def test_counts_that_no_float_holds_are_refused():
    assert complaint([0, 2e15], family="poisson").startswith("family poisson takes whole numbers")


@pytest.mark.parametrize(
    ("outcome", "value", "needs"),
    [
        (Outcome("binomial", trials="n"), 0, "trials must be whole numbers, 1 or more"),
        (Outcome("binomial", trials="n"), 1.5, "trials must be whole numbers, 1 or more"),
        (Outcome("poisson", exposure="n"), 0, "exposure must be over 0"),
        (Outcome(weights="n"), -1, "weights must be over 0"),
        (Outcome("poisson", offset="n"), 101, "an offset is added on the scale of the log and"),
        (Outcome("bernoulli", offset="n"), -101, "an offset is added on the scale of the logit"),
    ],
)
def test_columns_of_the_outcome_outside_their_limits(outcome, value, needs):
    table = pd.DataFrame({"n": [1.0, value, value]})
    with pytest.raises(UserError) as caught:
        response.check_columns(FILE, table, outcome)
    assert str(caught.value).startswith(f"t.csv: {needs}")
    assert str(caught.value).endswith(f"column 'n' is {value:g} in row 2")


def test_an_offset_without_a_link_has_no_limit():
    response.check_columns(FILE, pd.DataFrame({"n": [1e6]}), Outcome(offset="n"))
