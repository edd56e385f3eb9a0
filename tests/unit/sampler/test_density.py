"""A density and its workspace."""

import numpy as np
from compiled_models import model_of


def test_a_copy_has_a_workspace_of_its_own():
    density = model_of("poisson", "y ~ x + (1 | g)").density
    other = density.copy()
    here = density(density.start)
    before = density.fields.work["BETA"].copy()
    other(density.start + 1)
    assert np.array_equal(density.fields.work["BETA"], before)
    assert (other.fields.work["BETA"] != before).any()
    again = density(density.start)
    assert here[0] == again[0] and np.array_equal(here[1], again[1])
