"""The parts of PyTensor that are not its public interface, and what is used of them."""

import importlib
import math

import numba
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

PLACES = {
    "pytensor.link.numba.dispatch.basic": ["numba_funcify", "numba_njit"],
}


@pytest.fixture
def own():
    """The module that knows them; imported here so that the first test says what is missing."""
    return importlib.import_module("partialpool.sampler.pytensor_numba")


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in PLACES.items() for n in names])
def test_names_are_still_where_they_were(module, name):
    package = module.partition(".")[0]
    try:
        found = importlib.import_module(module)
    except ImportError:
        pytest.fail(f"{package} no longer has the module {module}, where {name} was")
    assert hasattr(found, name), f"{package} no longer has {name} in {module}"


def test_a_graph_becomes_a_function_that_numba_can_call(own):
    x = pt.dvector("x")
    graph = pytensor.function([x], [pt.exp(x).sum(), x + 1], mode="NUMBA").maker.fgraph
    function = own.jitted(graph, inline="never")

    @numba.njit
    def call(values):
        total, more = function(values)
        return total[()], more

    total, more = call(np.array([0.0, math.log(2)]))
    assert total == pytest.approx(3), "numba_funcify no longer gives the function of a graph"
    assert more[0] == 1
