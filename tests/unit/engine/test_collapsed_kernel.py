"""Gradient of the collapsed Gaussian density, of every kind of sigma."""

import pytest
from compiled_models import check_gradient, model_of


@pytest.mark.parametrize("sigma", ["estimated", "by_group", "~ (1 | g)", 1.5])
@pytest.mark.parametrize("effects", ["normal", "student_t"])
@pytest.mark.parametrize("variant", ["unpooled", "hierarchical"])
def test_gradient_is_that_of_the_density(sigma, effects, variant):
    check_gradient(model_of("gaussian", "y ~ x + (1 + x | g)", variant, effects, sigma=sigma))


def test_a_position_that_is_too_far_is_not_finite():
    model = model_of("gaussian", "y ~ x + (1 | g)")
    value, _ = model.density(model.density.start + 2000.0)
    assert not value > -1e300
