"""The description of a model: stored and read back, and of the parts of a table together."""

import json

import numpy as np
import pandas as pd
import pytest

from partialpool.compress.build import model_description
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.description import ModelDescription
from partialpool.study.outcome import Outcome

RNG = np.random.default_rng(2)
ROWS = pd.DataFrame(
    {
        "y": RNG.normal(3, 2, 60),
        "x": RNG.normal(10, 4, 60),
        "g": RNG.choice([*"abc"], 60),
        "w": RNG.uniform(0.5, 3, 60),
    }
)
FORMULA = Formula("y ~ x + (1 | g) + (0 + x | g)")


def described(outcome: Outcome, rows=ROWS) -> ModelDescription:
    """The description of some of the rows, by the design of all of them."""
    design = FORMULA.design(ROWS).for_rows(rows, response=True)
    return ModelDescription(**model_description(design, outcome, families.columns(rows, outcome)))


@pytest.mark.parametrize(
    "outcome", [Outcome(), Outcome("student_t", precision_weights="w"), Outcome(sigma="w")], ids=str
)
def test_it_is_the_same_when_it_is_read_back(outcome):
    one = described(outcome)
    stored = json.loads(json.dumps(one.to_dict()))
    assert ModelDescription(**ModelDescription.arguments(stored)) == one
    assert one.factors[0].blocks == (("Intercept",), ("x",))


def test_parts_of_a_table_are_described_as_the_whole():
    outcome = Outcome(precision_weights="w")
    whole = described(outcome)
    together = ModelDescription.merged_scales(
        [described(outcome, ROWS[:13]), described(outcome, ROWS[13:])]
    )
    for name, value in together.items():
        assert value == pytest.approx(getattr(whole, name), rel=1e-12), name
    assert whole.mean["x"] == pytest.approx(np.average(ROWS["x"], weights=ROWS["w"]), rel=0.1)
    assert whole.total == 60


def test_sigma_is_known_only_where_the_config_says_it():
    known = {
        Outcome(): None,
        Outcome(sigma=1.5): 1.5,
        Outcome(sigma="w"): 1.0,  # rows are divided by their standard errors
        Outcome("student_t", sigma=2): 2.0,
    }
    assert {one: described(one).known_sigma for one in known} == known
