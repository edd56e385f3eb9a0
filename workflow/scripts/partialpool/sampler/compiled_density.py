"""Density: a model's log density and its gradient, as machine code that is kept on disk.

PyTensor rewrites the graph of a model, half a second of Python, and numba compiles it, half a
minute. Neither happens where a graph of the same shape has been compiled before on this machine:
the code is stored under a hash of the graph as it is before it is rewritten. What numbers
and lengths a model has are data, which the code is called with. It is a C function, so that NUTS
calls it without Python, from as many threads as there are chains.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import batched
from pathlib import Path

import numba
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba import types
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.op import HasMultipleInnerGraph
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import graph_inputs, io_toposort
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
)

from partialpool.sampler import compile_queue

LONGEST_CALL = 29  # arguments: Python turns a call with more into what numba cannot inline
FAILED, NO_GRADIENT, NO_VALUE = 1, 3, 4  # what the function returns, besides 0
NUMBERS = types.CPointer(types.double)
# length, position, gradient, value, pointers to the data: as nutpie calls it
SIGNATURE = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.CPointer(types.voidptr))
# Code is of one version of whatever makes it, for one kind of processor.
MADE_BY = [
    *(f"{name} {version(name)}" for name in ("pymc", "pytensor", "numba", "llvmlite", "numpy")),
    *cpu_target.target_context.codegen().magic_tuple(),
    Path(__file__).read_text(encoding="utf-8"),
]


@dataclass(frozen=True)
class Density:
    """A log density and its gradient.

    Attributes
    ----------
    function : numba.core.ccallback.CFunc
        Of `SIGNATURE`. It returns zero, or why there is no density at a position.
    data : tuple of numpy.ndarray
        What it is called with besides the position.
    start : numpy.ndarray
        A position to start from, shape `(position,)`.
    """

    function: object
    data: tuple[np.ndarray, ...]
    start: np.ndarray

    @cached_property
    def shapes(self) -> np.ndarray:
        """Lengths of all axes of all data, one after another."""
        return np.array([length for array in self.data for length in array.shape], np.int64)

    @cached_property
    def pointers(self) -> np.ndarray:
        """Where the shapes and the data are in memory, as long as this lives."""
        return np.array([array.ctypes.data for array in (self.shapes, *self.data)], np.uintp)

    def __call__(self, position) -> tuple[float, np.ndarray]:
        """The log density at one position, and its gradient."""
        position = np.ascontiguousarray(position, dtype=float)
        gradient, value = np.empty_like(position), np.empty(1)
        call = self.function.ctypes
        arrays = zip((position, gradient, value, self.pointers), call.argtypes[1:], strict=True)
        code = call(len(position), *(array.ctypes.data_as(kind) for array, kind in arrays))
        if code == FAILED:
            raise RuntimeError("the density cannot be computed")
        return float(value[0]), gradient


def values(model: pm.Model) -> list:
    """Value variables in the order of a position; last those as long as the data say."""
    return sorted(model.continuous_value_vars, key=lambda value: None in value.type.shape)


def compiled(model: pm.Model, point: dict) -> Density:
    """The density of a model, compiled if no model of its shape has been.

    Parameters
    ----------
    model : pm.Model
        Continuous parameters only.
    point : dict
        Where to start: one value of every value variable.
    """
    position = pt.dvector("position")
    parts, logp = _split(model, position), model.logp()
    outputs = clone_replace([logp, *parts], parts, rebuild_strict=False)
    shared = [one for one in graph_inputs(outputs) if isinstance(one, SharedVariable)]
    data = [np.asarray(one.get_value(borrow=True), order="C") for one in shared]

    def jitted():
        """The density as a function of the position and the data, ready to be compiled."""
        rewritten = rewrite_pregrad(logp)
        gradients = pytensor.grad(rewritten, list(parts), disconnected_inputs="ignore")
        gradient = pt.concatenate([one.ravel() for one in gradients])
        inputs = {one: one.type(one.name) for one in shared}
        density = clone_replace([rewritten, gradient], parts, rebuild_strict=False)
        density = clone_replace(density, inputs)
        # Fast math lets the compiler reorder sums as it pleases, and it pleases
        # differently for code from the cache: draws would depend on the cache.
        with pytensor.config.change_flags(numba__fastmath=False):
            function = pm.pytensorf.compile(
                [position, *inputs.values()], density, mode="NUMBA", on_unused_input="ignore"
            )
            # A part of what calls it, so that it is not optimised as a function of its own first.
            inline = "always" if len(data) < LONGEST_CALL else "never"
            return numba_njit(numba_funcify(function.maker.fgraph).py_func, inline=inline)

    source = _source(data)
    shape = "\n".join([*MADE_BY, source, _structure([position, *shared], outputs)])
    key = hashlib.sha256(shape.encode()).hexdigest()
    start = np.concatenate([np.ravel(point[value.name]) for value in parts])
    density = Density(_stored(source, key, jitted), tuple(data), start)
    density(start)  # so that what cannot be computed anywhere is not a matter of where it starts
    return density


def _split(model: pm.Model, position) -> dict:
    """Each value variable as a part of a position. Lengths that data say are data here too."""
    parts, begin = {}, 0
    for value in values(model):
        dims = model.named_vars_to_dims.get(model.values_to_rvs[value].name)
        shape = [
            length if length is not None else model.dim_lengths[dims[axis]]
            for axis, length in enumerate(value.type.shape)
        ]
        end = begin + math.prod(shape)
        parts[value] = position[begin:end].reshape(shape) if shape else position[begin]
        begin = end
    return parts


def _structure(inputs: list[Variable], outputs: list[Variable]) -> str:
    """A graph in words, the same for graphs that compute the same in the same way.

    Operations and constants are told apart as PyTensor does for its own machine code, those with
    graphs of their own by all there is to them.
    """
    places = {variable: f"input {i}" for i, variable in enumerate(inputs)}
    lines = [f"{places[variable]}: {variable.type}" for variable in inputs]

    def place(variable) -> str:
        if isinstance(variable, Constant) and variable not in places:
            return f"{variable.type} {cache_key_for_constant(variable.data)}"
        return places[variable]

    for i, node in enumerate(io_toposort(inputs, outputs)):
        told = hasattr(node.op, "__props__") and not isinstance(node.op, HasMultipleInnerGraph)
        known_by = default_hash_key_from_props if told else hash_from_pickle_dump
        places |= {output: f"{i}.{j}" for j, output in enumerate(node.outputs)}
        given = ", ".join(map(place, node.inputs))
        lines.append(f"{i}: {known_by(node.op)} ({given}) {[o.type for o in node.outputs]}")
    return "\n".join([*lines, *map(place, outputs)])


def _source(data: list[np.ndarray]) -> str:
    """The C function, in the Python that numba compiles. It calls `jitted`."""
    arguments, axis = ["carray(position, (size,))"], 0
    for number, array in enumerate(data, start=1):
        lengths = [f"shapes[{axis + i}]" for i in range(array.ndim)]
        shape = f"({', '.join(lengths)},)" if lengths else "()"
        arguments.append(f"carray(data[{number}], {shape}, np.{array.dtype.name})")
        axis += array.ndim
    call = f"jitted({', '.join(arguments)})"
    if len(arguments) > LONGEST_CALL:
        tuples = [f"({', '.join(some)},)" for some in batched(arguments, LONGEST_CALL)]
        call = f"jitted(*({' + '.join(tuples)}))"
    # Loops, because numba takes seconds to compile assignments and reductions of whole arrays.
    return f"""
def density(size, position, gradient, value, data):
    try:
        shapes = carray(data[0], ({axis},), np.int64)
        found, slope = {call}
        value[0] = found[()]
        if not math.isfinite(value[0]):
            return {NO_VALUE}
        for i in range(size):
            gradient[i] = slope[i]
            if not math.isfinite(slope[i]):
                return {NO_GRADIENT}
    except Exception:
        return {FAILED}
    return 0
"""


def stored(source: str, name: str, signature, key: str, **names):
    """Machine code of a function in numba's Python, stored where PyTensor stores its own.

    Raises
    ------
    TypingError
        If it is not stored, and a name that it uses is not among the `names`.
    """
    names = {"__name__": __name__, "carray": numba.carray, "math": math, "np": np, **names}
    function = compile_numba_function_src(source, name, names, cache_key=f"partialpool-{key}")
    return numba.cfunc(signature, cache=True)(function)


def _stored(source: str, key: str, jitted):
    """The code of a density, from the disk if it is there; `jitted` makes what is compiled."""

    def load(**names):
        return stored(source, "density", SIGNATURE, key, **names)

    try:  # Without what it calls, it can be loaded but not compiled.
        return load()
    except TypingError:
        pass
    # Whoever waits finds what others stored: the same function, or operations in common.
    for mine in compile_queue.turns(NUMBA_CACHE_PATH):
        try:
            return load()
        except TypingError:
            if mine:
                return load(jitted=jitted())
