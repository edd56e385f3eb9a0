"""A log density and its gradient as a C function with its data."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Density:
    """A log density and its gradient.

    Attributes
    ----------
    function : numba.core.ccallback.CFunc
        With the signature `DENSITY` of :mod:`partialpool.sampler.machine_code`. It returns zero,
        or a code for why the density is not finite.
    parts : numpy.ndarray
        Addresses of the functions that it calls.
    fields : Fields
        Its `table` has the addresses of the data and of the workspace.
    start : numpy.ndarray
        A position to start from, shape `(position,)`.
    """

    function: object
    parts: np.ndarray
    fields: object
    start: np.ndarray

    @cached_property
    def pointers(self) -> np.ndarray:
        """Addresses of what it is called with; valid as long as this object lives."""
        return np.array([array.ctypes.data for array in (self.parts, self.fields.table)], np.uintp)

    def copy(self) -> "Density":
        """The same density with a workspace of its own, for another thread."""
        return replace(self, fields=self.fields.copy())

    def __call__(self, position) -> tuple[float, np.ndarray]:
        """The log density at one position, and its gradient."""
        position = np.ascontiguousarray(position, dtype=float)
        gradient, value = np.zeros_like(position), np.full(1, math.nan)
        call = self.function.ctypes
        arrays = zip((position, gradient, value, self.pointers), call.argtypes[1:], strict=True)
        call(len(position), *(array.ctypes.data_as(kind) for array, kind in arrays))
        return float(value[0]), gradient
