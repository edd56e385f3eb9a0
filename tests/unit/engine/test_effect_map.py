"""Sampled effects of one factor: a dot product in lanes, and what effects are by their position."""

import numpy as np
import pytest
from compiled_models import check_gradient, model_of

from partialpool.engine.effect_map import LANES, lanes_dot


@pytest.mark.parametrize("size", [0, 1, LANES, 3 * LANES + 5])
def test_dot_products(size):
    a, b = np.random.default_rng(size).normal(size=(2, size))
    assert lanes_dot(a, b) == pytest.approx(a @ b, abs=1e-14)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)"])
@pytest.mark.parametrize("effects", ["normal", "student_t"])
def test_effects_are_linear_in_their_positions(formula, effects):
    model = model_of("poisson", formula, effects=effects)
    rng, start = np.random.default_rng(2), model.density.start
    own = np.arange(len(start)) >= model.beta.stop
    steps = np.zeros((2, len(start)))
    steps[:, own] = rng.normal(size=(2, own.sum()))
    places = np.stack([start, start + steps[0], start + steps[1], start + steps.sum(axis=0)])
    origin, a, b, both = model.constrain(places[None])["u_g"].values[0]
    assert both - origin == pytest.approx((a - origin) + (b - origin), abs=1e-10)
    check_gradient(model)
