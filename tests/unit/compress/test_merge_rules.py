"""Rules of merging: a family's rows have the same likelihood weighted, repeated and merged."""

from types import SimpleNamespace

import numpy as np
import pytest

from partialpool.compress.merge_rules import RULES
from partialpool.model.families import FAMILIES
from partialpool.model.family import COPIES, EXPOSURES, MERGING, TRIALS

Y = {
    "bernoulli": [0.0, 1.0, 1.0, 1.0],
    "binomial": [2.0, 5.0, 0.0, 3.0],
    "poisson": [0.0, 2.0, 5.0, 1.0],
    "negative_binomial": [2.0, 2.0, 2.0, 2.0],
    "student_t": [0.4, 0.4, 0.4, 0.4],
}
WEIGHTS = np.array([1.0, 3.0, 2.0, 0.5])
OFFSET = {EXPOSURES: np.array([0.1, -0.4, 0.8, 0.0]), TRIALS: np.full(4, 0.3)}


def test_every_kind_of_merging_has_a_rule():
    assert {*RULES} == {*MERGING}


@pytest.mark.parametrize("name", Y)
def test_a_merged_row_has_the_likelihood_of_its_weighted_rows(name):
    """Up to the constant, which the rule keeps."""
    family, y = FAMILIES[name], np.array(Y[name])
    rule, offset = RULES[family.merging], OFFSET.get(family.merging, np.full(4, 0.3))
    trials = np.full(4, 6.0 if name == "binomial" else 1.0)
    before = {"y": y, "trials": trials, "offset": offset, "count": np.ones(4)}
    rows = before | rule.weighted(y, trials, offset, WEIGHTS)
    constant = rows.pop("constant", np.zeros(4)).sum()
    one = np.zeros(4, dtype=int)
    weighted = SimpleNamespace(**rows)
    merged = SimpleNamespace(
        **{key: values[:1] for key, values in rows.items()} | rule.totals(weighted, one)
    )
    if rule.constant:
        constant += rule.constant(weighted).sum() - rule.constant(merged).sum()
    parameters = {"alpha": 1.7, "sigma": 0.6, "nu": 4.0}
    for eta in (-0.7, 0.2, 1.1):
        own = WEIGHTS * family.log_kernel(y, eta + offset, parameters, trials)
        count = merged.count if family.merging == COPIES else 1.0
        found = count * family.log_kernel(merged.y, eta + merged.offset, parameters, merged.trials)
        assert found.sum() + constant == pytest.approx(own.sum(), rel=1e-12)
    assert rule.size(merged).sum() == pytest.approx(rule.size(weighted).sum(), rel=1e-12)
