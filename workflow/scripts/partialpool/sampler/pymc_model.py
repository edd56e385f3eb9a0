"""A PyMC model as NUTS samples it, by its own log density: for models without a compiled one.

PyTensor rewrites the graph of the log density, and numba compiles it, which takes half a minute
for every fit. The function is called as those of :mod:`partialpool.sampler.machine_code` are.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import batched

import numba
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.traversal import graph_inputs
from pytensor.link.basic import PerformLinker

from partialpool.sampler import pytensor_numba
from partialpool.sampler.density import Density
from partialpool.sampler.machine_code import DENSITY, NO_GRADIENT, NO_VALUE

BATCH = 5_000_000  # numbers in one call for several draws
LONGEST_CALL = 29  # arguments: numba cannot inline a call with more


@dataclass(frozen=True)
class PymcDensity(Density):
    """A log density whose data are arrays of any number of axes, and which has no workspace.

    Attributes
    ----------
    arrays : tuple of numpy.ndarray
    """

    arrays: tuple[np.ndarray, ...] = ()

    @cached_property
    def _shapes(self) -> np.ndarray:
        return np.array([length for array in self.arrays for length in array.shape], np.int64)

    @cached_property
    def pointers(self) -> np.ndarray:
        """Addresses of the lengths of all axes, and of the arrays."""
        return np.array([array.ctypes.data for array in (self._shapes, *self.arrays)], np.uintp)

    def copy(self) -> "PymcDensity":
        """The same: calls do not share anything that they write."""
        return self


class PymcModel:
    """A PyMC model with its compiled density.

    Parameters
    ----------
    model : pm.Model
        Continuous parameters only; the coordinates of the coefficients are `z`.
    coefficients : int
        Number of coefficients, whose coordinates come first in `z`.

    Attributes
    ----------
    density, transformed, beta
        As of :class:`partialpool.engine.compiled_model.CompiledModel`.
    """

    kind = "PyMC"

    def __init__(self, model: pm.Model, coefficients: int):
        self.model, self._point = model, model.initial_point(0)
        values = model.continuous_value_vars
        sizes = [np.size(self._point[value.name]) for value in values]
        transforms = [model.rvs_to_transforms[model.values_to_rvs[value]] for value in values]
        self.transformed = np.repeat([one is not None for one in transforms], sizes)
        begin = sum(sizes[: [value.name for value in values].index("z")])
        self.beta = slice(begin, begin + coefficients)
        self.density = _compiled(model, self._point)

    def constrain(self, positions: np.ndarray) -> xr.Dataset:
        """Map positions to the model's variables on their own scale.

        Parameters
        ----------
        positions : numpy.ndarray
            Shape `(chain, draw, position)`.

        Returns
        -------
        xarray.Dataset
            Dims `(chain, draw, *dims of the variable)`.
        """
        model, chains, draws = self.model, *positions.shape[:2]
        flat = positions.reshape(chains * draws, -1)
        batched_values, columns, at = {}, [], 0
        for value in model.continuous_value_vars:
            shape = self._point[value.name].shape
            size = math.prod(shape)
            kind = value.type.clone(shape=(None, *value.type.shape))
            batched_values[value] = kind(f"{value.name}_batch")
            columns.append(flat[:, at : at + size].reshape(-1, *shape))
            at += size
        # With many draws a call an interpreter is as fast as compiled code.
        function = pm.pytensorf.compile(
            list(batched_values.values()),
            vectorize_graph(
                model.replace_rvs_by_values(model.unobserved_RVs), replace=batched_values
            ),
            mode=Mode(linker=PerformLinker(), optimizer=None),
            on_unused_input="ignore",
        )
        data = sum(shared.get_value(borrow=True).size for shared in function.get_shared())
        step = max(1, BATCH // max(1, data))
        parts = [
            function(*(column[start : start + step] for column in columns))
            for start in range(0, len(flat), step)
        ]
        values = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return xr.Dataset(
            {
                variable.name: (
                    ("chain", "draw", *_dims(model, variable)),
                    value.reshape(chains, draws, *value.shape[1:]),
                )
                for variable, value in zip(model.unobserved_RVs, values, strict=True)
            },
            coords={
                "chain": np.arange(chains),
                "draw": np.arange(draws),
                **{dim: list(labels) for dim, labels in model.coords.items() if labels is not None},
            },
        )


def _dims(model: pm.Model, variable) -> list[str]:
    named = model.named_vars_to_dims.get(variable.name)
    return list(named) if named else [f"{variable.name}_dim_{i}" for i in range(variable.ndim)]


def _compiled(model: pm.Model, point: dict) -> PymcDensity:
    position = pt.dvector("position")
    parts, begin = {}, 0
    for value in model.continuous_value_vars:
        shape = point[value.name].shape
        end = begin + math.prod(shape)
        parts[value] = position[begin:end].reshape(shape) if shape else position[begin]
        begin = end
    logp = model.logp()
    rewritten = rewrite_pregrad(logp)
    gradients = pytensor.grad(rewritten, list(parts), disconnected_inputs="ignore")
    gradient = pt.concatenate([one.ravel() for one in gradients])
    outputs = clone_replace([rewritten, gradient], parts, rebuild_strict=False)
    shared = [one for one in graph_inputs(outputs) if isinstance(one, SharedVariable)]
    data = [np.asarray(one.get_value(borrow=True), order="C") for one in shared]
    inputs = {one: one.type(one.name) for one in shared}
    # Without fast math: see `machine_code`.
    with pytensor.config.change_flags(numba__fastmath=False):
        function = pm.pytensorf.compile(
            [position, *inputs.values()],
            clone_replace(outputs, inputs),
            mode="NUMBA",
            on_unused_input="ignore",
        )
        inline = "always" if len(data) < LONGEST_CALL else "never"
        jitted = pytensor_numba.jitted(function.maker.fgraph, inline=inline)
        names = {"carray": numba.carray, "math": math, "np": np, "jitted": jitted}
        exec(_source(data), names)  # text of nothing but numbers
        compiled = numba.cfunc(DENSITY)(names["density"])
    start = np.concatenate([np.ravel(point[value.name]) for value in parts])
    return PymcDensity(compiled, np.zeros(0, np.int64), None, start, tuple(data))


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
    shapes = carray(data[0], ({axis},), np.int64)
    found, slope = {call}
    value[0] = found[()]
    if not math.isfinite(value[0]):
        return {NO_VALUE}
    for i in range(size):
        gradient[i] = slope[i]
        if not math.isfinite(slope[i]):
            return {NO_GRADIENT}
    return 0
"""
