"""Rough values, the groups that represent all, and where priors hold."""

import numpy as np
import pytest
from three_group_table import one_group

from partialpool.engine import collapse, preconditioner
from partialpool.model import priors


def test_few_groups_represent_very_many_by_their_information(monkeypatch):
    information = np.random.default_rng(1).gamma(1, size=200)
    monkeypatch.setattr(preconditioner, "CHOSEN", 20)
    positions, times = preconditioner.representatives(information)
    assert len(positions) == 20 and times.sum() == 200
    assert (times * information[positions]).sum() == pytest.approx(information.sum(), rel=0.15)
    positions, times = preconditioner.representatives(information[:20])
    assert sorted(positions) == list(range(20)) and (times == 1).all()


def test_the_centre_is_the_generalised_least_squares_estimate():
    """With a flat prior, a known covariance of effects, and a known residual sd."""
    design, data, scale, noise = one_group("estimated")
    wide = priors.complete({"Intercept": "normal(0, 1e6)", "x": "normal(0, 1e6)"}, data)
    triangles = collapse.Triangles.split(data, np.eye(2))
    entries = [[scale[i, k] for k in range(i + 1)] for i in range(2)]
    found = preconditioner.BetaPreconditioner.of(
        data, wide, triangles, data.varying, entries, noise[0]
    )
    same = design.factors[0].index[:, None] == design.factors[0].index
    covariance = (design.matrix @ scale @ scale.T @ design.matrix.T) * same + np.diag(noise**2)
    precision = design.matrix.T @ np.linalg.solve(covariance, design.matrix)
    expected = np.linalg.solve(precision, design.matrix.T @ np.linalg.solve(covariance, design.y))
    assert found.centre == pytest.approx(expected, rel=1e-6)
    assert found.inverse @ found.inverse.T == pytest.approx(np.linalg.inv(precision), rel=1e-6)


def test_default_priors_of_a_factor_hold_at_the_averages_of_its_predictors():
    _, data, _, _ = one_group("estimated")
    basis = preconditioner.effects_basis(data, priors.complete({}, data), data.factors[0])
    assert basis == pytest.approx(np.array([[1, -data.mean["x"]], [0, 1]]))
    given = priors.complete({"sd": "half_normal(1)", "cor": "lkj(2)"}, data)
    assert (preconditioner.effects_basis(data, given, data.factors[0]) == np.eye(2)).all()
