"""The registry of the response families, and the columns that go with them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from family_cases import CASES

from partialpool.base.errors import UserError
from partialpool.model import families
from partialpool.model.families import FAMILIES
from partialpool.study.outcome import Outcome


def test_a_record_is_found_under_its_name():
    assert tuple(FAMILIES) == tuple(CASES)
    assert all(family.name == name for name, family in FAMILIES.items())


def test_columns_and_what_they_add_to_the_linear_predictor():
    table = pd.DataFrame({"o": [1, 2], "e": [1.0, 10.0], "n": [3, 4], "w": [1, 2]})
    outcome = Outcome("poisson", offset="o", exposure="e", weights="w")
    values = families.columns(table, outcome)
    assert list(values) == ["offset", "exposure", "weights"]
    assert all(column.dtype == float for column in values.values())
    assert families.offset(values, 2) == pytest.approx([1, 2 + np.log(10)])
    assert families.offset({"exposure": values["exposure"]}, 2) == pytest.approx([0, np.log(10)])
    assert list(families.offset({}, 2)) == [0, 0]
    absent = families.columns(table, Outcome("gaussian", sigma="se"))
    assert np.isnan(absent["standard errors"]).all()
    assert families.relative_sd(absent) is absent["standard errors"]
    weighted = families.columns(table, Outcome("student_t", precision_weights="n", weights="w"))
    assert families.relative_sd(weighted) == pytest.approx([3**-0.5, 0.5])
    assert families.share_of_mean(weighted, 2) == pytest.approx([3, 8])
    assert families.relative_sd(values) is None
    absent = families.columns(table, Outcome("gaussian", precision_weights="size"))
    assert families.relative_sd(absent) == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("outcome", "telling"),
    [
        (Outcome("binomial"), "c: s: no `trials`; add the column"),
        (Outcome("poisson", trials="n"), "c: s.trials: family poisson has none"),
        (
            Outcome("student_t", exposure="n"),
            "c: s.exposure: family student_t has none, only poisson, negative_binomial, zero_",
        ),
        (Outcome("poisson", sigma=2), "c: s.sigma: family poisson has none; leave it out"),
        (
            Outcome("student_t", sigma="by_group"),
            "c: s.sigma: 'by_group' goes with family gaussian; student_t takes 'estimated', a",
        ),
        (Outcome("poisson", precision_weights="n"), "c: s.precision_weights: family poisson has"),
        (Outcome(sigma="se", precision_weights="n"), "c: s.precision_weights: the standard errors"),
    ],
)
def test_keys_that_do_not_go_with_the_family_are_named(outcome, telling):
    written = {"sigma": outcome.sigma} if outcome.sigma != "estimated" else {}
    with pytest.raises(UserError) as caught:
        families.check(outcome, written, "c: s")
    assert str(caught.value).startswith(telling)


def test_families_are_known_without_scientific_libraries():
    """They are read while the workflow is parsed, on every job of a cluster."""
    code = (
        "import sys; from partialpool.run import launch; from partialpool.model import families; "
        "assert families.FAMILIES; assert not {'numpy', 'scipy', 'pytensor'} & {*sys.modules}"
    )
    package = str(Path(families.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": package})
