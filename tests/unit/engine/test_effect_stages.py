"""Effects of several factors: rotations, and gradients through all of them."""

import numpy as np
import pytest
from compiled_models import check_gradient, model_of

from partialpool.engine.effect_stages import rotate, rotate_back


def test_rotations_are_of_the_groups():
    rng, size = np.random.default_rng(1), 2
    rotation, values = rng.normal(size=(5, 5)), rng.normal(size=(5, size))
    found, back = np.zeros(5 * size), np.zeros(5 * size)
    rotate(rotation, values.ravel(), found, size)
    assert found.reshape(5, size) == pytest.approx(rotation @ values)
    rotate_back(rotation, found, back, size)
    assert back.reshape(5, size) == pytest.approx(rotation.T @ rotation @ values)


@pytest.mark.parametrize(
    "formula",
    ["y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 + x | g) + (0 + x | h)", "y ~ 1 + (1 | h/g)"],
)
@pytest.mark.parametrize("effects", ["normal", "student_t"])
def test_gradient_of_several_factors(formula, effects):
    check_gradient(model_of("poisson", formula, effects=effects))
