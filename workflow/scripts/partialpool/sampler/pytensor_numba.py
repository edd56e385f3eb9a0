"""PyTensor's numba backend and numba's compiler: everything that is not their public interface.

A new version of either may move or change these; `test_pytensor_numba` says which.
"""

import math

import numba
import numpy as np
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from pytensor.graph.op import HasMultipleInnerGraph, Op
from pytensor.link.numba.cache import (
    NUMBA_CACHE_PATH,
    compile_numba_function_src,
    hash_from_pickle_dump,
)
from pytensor.link.numba.dispatch.basic import (
    cache_key_for_constant,
    default_hash_key_from_props,
    numba_funcify,
    numba_njit,
    register_funcify_default_op_cache_key,
)

FOLDER = NUMBA_CACHE_PATH  # where PyTensor stores machine code
# Kind of processor that numba compiles for: its target, name and features.
PROCESSOR = cpu_target.target_context.codegen().magic_tuple()
NotStored = TypingError  # code that is not stored cannot be compiled without the function it calls


def operation_key(op: Op) -> str:
    """Cache key of an operation: of its properties, or of all of it if it has inner graphs."""
    by_properties = hasattr(op, "__props__") and not isinstance(op, HasMultipleInnerGraph)
    return (default_hash_key_from_props if by_properties else hash_from_pickle_dump)(op)


def constant_key(value) -> str:
    """Cache key of a constant's value."""
    return cache_key_for_constant(value)


def jitted(graph, inline: str):
    """Translate a rewritten graph to a function for numba, which compiles it when it is called.

    Parameters
    ----------
    graph : pytensor.graph.fg.FunctionGraph
    inline : {"always", "never"}
        Whether numba inlines the function into its caller.
    """
    return numba_njit(numba_funcify(graph).py_func, inline=inline)


def register(operation: type[Op], function) -> None:
    """Use a numba function for an operation in compiled graphs."""

    @register_funcify_default_op_cache_key(operation)
    def _funcify(op, node, **kwargs):
        return function


def stored_function(function, name: str):
    """The same numba function, its machine code stored in `FOLDER` under a name."""
    source = "def stored(*given): return function(*given)"
    names = {"function": function, "__name__": __name__}
    found = compile_numba_function_src(source, "stored", names, cache_key=name)
    return numba.njit(found, cache=True)


def stored_callback(source: str, name: str, signature, key: str, **names):
    """C function of a source text, its machine code stored in `FOLDER` under a key.

    Parameters
    ----------
    source : str
        A Python function that numba can compile; it may use `carray`, `math` and `np`.
    name : str
        Name of the function.
    signature : numba.core.typing.Signature
    key : str
    **names
        Other functions that it calls.

    Raises
    ------
    NotStored
        If the code is not stored, and a function that it calls is not among the `names`.
    """
    names = {"__name__": __name__, "carray": numba.carray, "math": math, "np": np, **names}
    function = compile_numba_function_src(source, name, names, cache_key=f"partialpool-{key}")
    return numba.cfunc(signature, cache=True)(function)
