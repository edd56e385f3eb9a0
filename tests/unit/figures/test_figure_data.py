"""Means of groups, and what a study has."""

from dataclasses import replace

import markup_study
import numpy as np
import pytest


def test_shares_and_rates_are_of_all_that_a_group_has():
    found = markup_study.study("binomial", trials="of")
    found = replace(found, y=np.arange(24.0), per=np.tile([10.0, 30.0], 12))
    assert found.by_group(found.factors[0], found.y)[0] == pytest.approx(sum(range(6)) / 120)
    doubled = replace(found, weights=np.where(np.arange(24) == 5, 2.0, 1.0))
    assert doubled.by_group(found.factors[0], found.y)[0] == pytest.approx(20 / 150)
    rows = np.array([0, 1, 6])
    some = found.by_group(found.factors[0], np.stack([found.y[rows]] * 2), rows)
    assert np.allclose(some[:, :2], [[1 / 40, 6 / 10]] * 2) and np.isnan(some[:, 2:]).all()
