"""The parts of numba and PyTensor that are not their public interface, and what is used of them."""

import importlib
import math

import numba
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.builders import OpFromGraph

PLACES = {
    "numba.core.registry": ["cpu_target"],
    "numba.core.errors": ["TypingError"],
    "pytensor.graph.op": ["HasMultipleInnerGraph"],
    "pytensor.link.numba.cache": [
        *("NUMBA_CACHE_PATH", "compile_numba_function_src", "hash_from_pickle_dump"),
    ],
    "pytensor.link.numba.dispatch.basic": [
        *("cache_key_for_constant", "default_hash_key_from_props", "numba_funcify", "numba_njit"),
        "register_funcify_default_op_cache_key",
    ],
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


def test_numba_names_the_kind_of_processor_it_compiles_for(own):
    target, name, features = own.PROCESSOR
    assert target.count("-") >= 2, "numba's magic_tuple no longer begins with the target triple"
    assert name and "+" in features, "numba's magic_tuple no longer has processor and features"


def test_keys_of_operations_depend_on_their_properties_and_inner_graphs(own):
    x = pt.dvector("x")
    first, same = (pt.sum(x, axis=0).owner.op for _ in range(2))
    assert own.operation_key(first) == own.operation_key(same)
    inner = [OpFromGraph([x], [y]) for y in (pt.exp(x), pt.exp(x) + 1)]
    keys = {own.operation_key(op) for op in [first, pt.exp(x).owner.op, *inner]}
    assert len(keys) == 4, "PyTensor's cache keys no longer tell operations apart"
    assert own.constant_key(np.arange(3)) != own.constant_key(np.arange(4)), (
        "PyTensor's cache keys no longer tell constants apart"
    )


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


def test_stored_code_is_found_again_without_the_function_it_calls(own):
    """A name that is used for nothing else; the second call has no `called` to compile."""
    source = "def plus(value):\n    return called(value)\n"
    signature = numba.types.double(numba.types.double)
    key = f"test-{np.random.default_rng().integers(1 << 62)}"
    with pytest.raises(own.NotStored):
        own.stored_callback(source, "plus", signature, key)
    called = numba.njit(lambda value: value + 1)
    assert own.stored_callback(source, "plus", signature, key, called=called).ctypes(1.5) == 2.5
    again = own.stored_callback(source, "plus", signature, key)
    assert again.ctypes(1.5) == 2.5
    assert again.cache_hits, "numba no longer loads a C function that PyTensor's cache has stored"
