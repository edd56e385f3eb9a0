"""Parameters and arrays as compiled densities take them."""

import numpy as np
import pytest

from partialpool.engine import group_algebra, inputs
from partialpool.engine.kernel_parts import CODES, LOG_ODDS, LOGARITHM
from partialpool.model.priors import Prior


def test_parameters_have_places_codes_and_starts():
    found = inputs.Parameters()
    prior = Prior("gamma", (2.0, 0.1))
    assert found.add("sd_g", [prior, Prior("half_normal", (1.0,))], [1.0, 2.0], ("d",)) == 0
    assert found.partial_correlations("partial_cor_g", [2.0]) == 2
    assert found.add("sigma", prior, 3.0) == 3
    assert found.places["sigma"] == (3, None, ())
    assert found.transforms == [LOGARITHM, LOGARITHM, LOG_ODDS, LOGARITHM]
    assert found.codes[:2] == [CODES["gamma"], CODES["half_normal"]]
    assert np.exp(found.start) == pytest.approx([1, 2, 1, 3])
    assert found.numbers[0] == (2.0, 0.1, 0.0)


def test_a_prior_without_a_kernel_has_no_code():
    with pytest.raises(inputs.NoKernel):
        inputs.coded("lkj", (2.0,))


def test_triangles_of_quadratic_forms():
    """The inverse of polarisation."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 3))
    matrix, directions = root.T @ root, group_algebra.pairs(3)
    squares = np.einsum("ip,ik,kp->p", directions, matrix, directions)
    assert inputs.of_pairs(squares, 3) == pytest.approx(matrix[np.triu_indices(3)])


def test_a_copy_shares_the_data_and_not_the_workspace():
    own = inputs.Fields({"CENTRE": np.arange(3.0)}, {"BETA": (2,)})
    other = own.copy()
    other.work["BETA"][0] = 1.0
    assert own.work["BETA"][0] == 0 and other.values["CENTRE"] is own.values["CENTRE"]
