"""Variances, and coefficients given them: what all compiled densities share."""

import numpy as np
import pytest
from compiled_models import check_gradient, model_of


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_coordinates_of_coefficients_follow_the_variances(family):
    """The same coordinates are nearer to the centre where groups differ less."""
    model = model_of(family, "y ~ x + (1 + x | g)")
    moved = []
    for log_sd in (-2.0, 2.0):
        position = model.density.start.copy()
        at = model.outputs["sd_g"][1]
        position[at : at + 2] = log_sd
        here = model.constrain(position[None, None])["beta"].values
        position[model.beta] += 1.0
        moved.append(np.abs(model.constrain(position[None, None])["beta"].values - here).max())
    assert moved[1] > 2 * moved[0]


@pytest.mark.parametrize("formula", ["y ~ x + (0 + x | g)", "y ~ 1 + (1 + x | g)", "y ~ x"])
def test_gradient_whichever_coefficients_vary(formula):
    variant = "pooled" if "|" not in formula else "hierarchical"
    check_gradient(model_of("poisson", formula, variant))
    check_gradient(model_of("gaussian", formula, variant))
