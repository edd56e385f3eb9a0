"""Log density of a PyMC model and its gradient, as machine code that is stored on disk.

PyTensor rewrites the graph of a model, half a second of Python, and numba compiles it, half a
minute. Neither happens if a graph of the same shape has been compiled before on this machine:
the code is stored under a hash of the graph before it is rewritten. Numbers and lengths of a model
are data, which the code is called with. It is a C function, so that NUTS calls it without Python,
from as many threads as there are chains.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import batched
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba import types
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import graph_inputs, io_toposort

from partialpool.sampler import compile_queue, pytensor_numba

LONGEST_CALL = 29  # arguments: numba cannot inline a call with more
FAILED, NO_GRADIENT, NO_VALUE = 1, 3, 4  # what the function returns on failure
NUMBERS = types.CPointer(types.double)
# length, position, gradient, value, pointers to the data: as nutpie calls it
SIGNATURE = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.CPointer(types.voidptr))
# Parts of the key of stored code: versions of all packages that make it, and the processor.
MADE_BY = [
    *(f"{name} {version(name)}" for name in ("pymc", "pytensor", "numba", "llvmlite", "numpy")),
    *pytensor_numba.PROCESSOR,
    *(Path(file).read_text(encoding="utf-8") for file in (__file__, pytensor_numba.__file__)),
]


@dataclass(frozen=True)
class Density:
    """A log density and its gradient.

    Attributes
    ----------
    function : numba.core.ccallback.CFunc
        With `SIGNATURE`. It returns zero, or a code for why the density is not finite.
    data : tuple of numpy.ndarray
        Arguments besides the position.
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
        """Addresses of the shapes and of the data; valid as long as this object lives."""
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
    """Value variables in the order of a position; those with lengths that are data come last."""
    return sorted(model.continuous_value_vars, key=lambda value: None in value.type.shape)


def compiled(model: pm.Model, point: dict) -> Density:
    """Compile the density of a model, or load the code of a model of the same shape.

    Parameters
    ----------
    model : pm.Model
        Continuous parameters only.
    point : dict
        Start of the sampler: a value of every value variable.
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
            # Inlined, or it would be optimised twice: by itself, and in the C function.
            inline = "always" if len(data) < LONGEST_CALL else "never"
            return pytensor_numba.jitted(function.maker.fgraph, inline=inline)

    source = _source(data)
    shape = "\n".join([*MADE_BY, source, _structure([position, *shared], outputs)])
    key = hashlib.sha256(shape.encode()).hexdigest()
    start = np.concatenate([np.ravel(point[value.name]) for value in parts])
    density = Density(_stored(source, key, jitted), tuple(data), start)
    density(start)  # raises if it cannot be computed at all, wherever chains start
    return density


def _split(model: pm.Model, position) -> dict:
    """Each value variable as a part of a position; lengths that are data stay symbolic."""
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
    """Canonical text of a graph, used as cache key.

    It is the same for graphs with the same operations and constants in the same order, whatever the
    names of variables and the values of shared ones.
    """
    places = {variable: f"input {i}" for i, variable in enumerate(inputs)}
    lines = [f"{places[variable]}: {variable.type}" for variable in inputs]

    def place(variable) -> str:
        if isinstance(variable, Constant) and variable not in places:
            return f"{variable.type} {pytensor_numba.constant_key(variable.data)}"
        return places[variable]

    for i, node in enumerate(io_toposort(inputs, outputs)):
        places |= {output: f"{i}.{j}" for j, output in enumerate(node.outputs)}
        given = ", ".join(map(place, node.inputs))
        kinds = [output.type for output in node.outputs]
        lines.append(f"{i}: {pytensor_numba.operation_key(node.op)} ({given}) {kinds}")
    return "\n".join([*lines, *map(place, outputs)])


def _source(data: list[np.ndarray]) -> str:
    """Source of the C function, in the Python that numba compiles. It calls `jitted`."""
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


def _stored(source: str, key: str, jitted):
    """Load the code of a density, or compile it; `jitted` returns the function to compile."""

    def load(**names):
        return pytensor_numba.stored_callback(source, "density", SIGNATURE, key, **names)

    try:  # without the function that it calls it can be loaded, but not compiled
        return load()
    except pytensor_numba.NotStored:
        pass
    # While this process waits, another may store the same function, or operations in common.
    for mine in compile_queue.turns(pytensor_numba.FOLDER):
        try:
            return load()
        except pytensor_numba.NotStored:
            if mine:
                return load(jitted=jitted())
