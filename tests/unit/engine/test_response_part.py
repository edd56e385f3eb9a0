"""Rows of each family in compiled blocks: the family's kernel, and derivatives by differences."""

import ctypes

import numpy as np
import pytest

from partialpool.engine import response_part
from partialpool.engine.fields import BLOCK
from partialpool.model.families import FAMILIES
from partialpool.sampler import machine_code

ROWS = 50
COMPILED = [name for name, family in FAMILIES.items() if family.row_slopes]


def block(family, y, trials, count, eta, parameters):
    """Densities of a block of rows, and derivatives in eta and in each parameter."""
    [function] = machine_code.load([response_part.code(family)])
    slope, sums = np.zeros(ROWS), np.zeros((len(parameters) + 1, BLOCK))
    given = np.array([*parameters.values(), 0.0])
    arrays = (y, trials, count, eta, given, slope, sums)
    lengths = np.array([ROWS, len(parameters)])
    places = np.array([array.ctypes.data for array in arrays])
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(function.address)
    assert call(lengths.ctypes.data, places.ctypes.data) == 0
    return sums[0, :ROWS], slope, sums[1:, :ROWS]


@pytest.mark.parametrize("name", COMPILED)
def test_a_block_has_the_densities_of_its_rows_and_their_derivatives(name):
    family, rng = FAMILIES[name], np.random.default_rng(1)
    truth = {"sigma": 0.7, "nu": 4.0, "alpha": 2.5, "phi": 6.0, "zi": 0.3, "hu": 0.4}
    parameters = {one: truth[one] for one in family.parameter_names}
    trials = rng.integers(1, 9, ROWS).astype(float)
    eta = 3 * rng.normal(size=ROWS)
    y = np.asarray(family.responses(rng, eta, parameters, trials), float)
    trials = trials if "trials" in family.needs else np.ones(ROWS)
    count = rng.integers(1, 4, ROWS).astype(float)

    def of(eta, parameters):
        return count * family.log_kernel(y, eta, parameters, trials)

    density, in_eta, in_parameters = block(family, y, trials, count, eta, parameters)
    assert np.allclose(density, of(eta, parameters), rtol=1e-11, atol=1e-12)
    step = 1e-6
    expected = (of(eta + step, parameters) - of(eta - step, parameters)) / (2 * step)
    assert np.allclose(in_eta, expected, rtol=1e-5, atol=1e-5)
    for found, one in zip(in_parameters, parameters, strict=True):
        ahead, behind = (of(eta, parameters | {one: truth[one] + s}) for s in (step, -step))
        assert np.allclose(found, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-5)


def test_families_have_functions_of_their_own():
    codes = [response_part.code(FAMILIES[name]) for name in COMPILED]
    assert len({code.key for code in codes}) == len(codes)
