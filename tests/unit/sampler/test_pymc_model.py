"""PyMC's own density, for models that have no compiled one."""

import numpy as np
import pymc as pm
import pytest

from partialpool.sampler.pymc_model import PymcModel


def test_density_gradient_and_variables_are_those_of_the_model():
    with pm.Model(coords={"coefficient": ["a", "b"]}) as model:
        z = pm.Flat("z", dims="coefficient", initval=np.zeros(2))
        sigma = pm.HalfNormal("sigma", pm.Data("scale", 2.0), initval=1.0)
        pm.Deterministic("beta", 2 * z, dims="coefficient")
        pm.Potential("likelihood", -0.5 * ((z / sigma) ** 2).sum())
    found = PymcModel(model, 2)
    assert found.beta == slice(0, 2) and found.transformed.tolist() == [False, False, True]
    position = np.array([0.3, -1.0, 0.7])
    value, gradient = found.density(position)
    sigma, z = np.exp(0.7), position[:2]
    expected = np.log(2 / np.pi) / 2 - np.log(2) - sigma**2 / 8 + 0.7 - (z**2).sum() / sigma**2 / 2
    assert value == pytest.approx(expected, rel=1e-8)
    assert gradient[:2] == pytest.approx(-z / sigma**2)
    drawn = found.constrain(position[None, None])
    assert drawn["beta"].values[0, 0] == pytest.approx(2 * z)
    assert float(drawn["sigma"].values[0, 0]) == pytest.approx(sigma)
    assert found.density.copy() is found.density
