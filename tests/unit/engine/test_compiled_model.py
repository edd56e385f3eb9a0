"""Variables of a compiled model, from positions."""

import numpy as np
from compiled_models import model_of


def test_variables_have_their_names_dims_and_labels():
    model = model_of("negative_binomial", "y ~ x + (1 + x | g) + (1 | h)", effects="student_t")
    positions = model.density.start + np.random.default_rng(1).normal(
        size=(2, 3, len(model.density.start))
    )
    found = model.constrain(positions)
    assert found["beta"].dims == ("chain", "draw", "coefficient")
    assert found["beta"].coords["coefficient"].values.tolist() == ["Intercept", "x"]
    assert found["u_g"].shape == (2, 3, 7, 2) and found["u_h"].shape == (2, 3, 3, 1)
    assert {"alpha", "sd_g", "sd_h", "partial_cor_g", "nu_g", "nu_h"} <= set(found)
    assert np.isfinite(found.to_dataarray()).all()
    at = model.outputs["alpha"][1]
    assert np.allclose(found["alpha"], np.exp(positions[..., at]))
    assert model.transformed[at] and not model.transformed[model.beta].any()


def test_a_draw_does_not_depend_on_those_before_it():
    model = model_of("gaussian", "y ~ x + (1 | g)", sigma="~ (1 | g)")
    positions = np.random.default_rng(1).normal(size=(1, 4, len(model.density.start)))
    together = model.constrain(positions)
    alone = model.constrain(positions[:, 2:3])
    for name in together:
        assert np.array_equal(together[name][0, 2], alone[name][0, 0])
