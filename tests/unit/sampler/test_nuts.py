"""NUTS on compiled densities, and the parts of nutpie that are not its public interface."""

import dataclasses
import importlib

import numba
import numpy as np
import pytest

from partialpool.base.errors import UserError
from partialpool.sampler import nuts
from partialpool.sampler.machine_code import DENSITY, NO_VALUE
from partialpool.sampler.pymc_model import PymcDensity

FIELDS = {
    *("dims", "compiled_logp_func", "compiled_expand_func", "initial_point_func", "shared_data"),
    *("shared_var_keys", "user_data", "n_expanded", "shape_info", "logp_func", "expand_func"),
    *("_n_dim", "_shapes", "_coords"),
}


def test_nutpie_still_has_the_compiled_model_that_a_density_is_wrapped_in():
    try:
        model = importlib.import_module("nutpie.compile_pymc").CompiledPyMCModel
    except (ImportError, AttributeError) as error:
        pytest.fail(f"nutpie.compile_pymc no longer has CompiledPyMCModel: {error}")
    fields = {field.name: field for field in dataclasses.fields(model) if field.init}
    missing, added = FIELDS - fields.keys(), fields.keys() - FIELDS
    assert not missing, f"nutpie's CompiledPyMCModel no longer has the fields {sorted(missing)}"
    required = {
        name
        for name in added
        if fields[name].default is dataclasses.MISSING
        and fields[name].default_factory is dataclasses.MISSING
    }
    assert not required, f"nutpie's CompiledPyMCModel now also needs the fields {sorted(required)}"


def test_nutpie_still_samples_a_density_of_this_signature():
    """The value and gradient of a standard normal, by a C function with our arguments."""

    @numba.cfunc(DENSITY)
    def normal(size, position, gradient, value, data):
        value[0] = 0.0
        for i in range(size):
            value[0] -= 0.5 * position[i] ** 2
            gradient[i] = -position[i]
        return 0

    density = PymcDensity(normal, np.zeros(0), None, np.zeros(2))
    positions, statistics = nuts.draw(
        density, np.ones((2, 2)), seed=1, at_once=1, draws=500, tune=300, target_accept=0.8
    )
    missing = set(nuts.STATISTICS.values()) - statistics.keys()
    assert not missing, f"nutpie no longer returns the sampler statistics {sorted(missing)}"
    moments = positions.mean(), positions.std()
    assert moments == pytest.approx((0, 1), abs=0.15), (
        "nutpie no longer calls a density as (size, position, gradient, value, data)"
    )


def test_a_density_that_is_nowhere_finite_is_one_line():
    @numba.cfunc(DENSITY)
    def nowhere(size, position, gradient, value, data):
        return NO_VALUE

    found = PymcDensity(nowhere, np.zeros(0), None, np.zeros(2))
    for at_once in (1, 2):
        with pytest.raises(UserError, match="the sampler could not start"):
            nuts.draw(found, np.ones((2, 2)), seed=1, at_once=at_once, draws=5, tune=5)


def test_chains_that_cannot_start_where_they_should_do_so_closer_to_the_middle():
    @numba.cfunc(DENSITY)
    def near_zero(size, position, gradient, value, data):
        if abs(position[0]) > 3:
            return NO_VALUE
        value[0], gradient[0] = -0.5 * position[0] ** 2, -position[0]
        return 0

    found = PymcDensity(near_zero, np.zeros(0), None, np.zeros(1))
    starts = np.array([[1000.0], [-5.0], [1.0], [1.0]])
    positions, _ = nuts.draw(found, starts, seed=1, at_once=1, draws=50, tune=50)
    assert positions.shape == (4, 50, 1) and np.abs(positions).max() <= 3
    assert (positions[2] != positions[3]).all()  # each has random numbers of its own
