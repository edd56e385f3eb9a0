"""A compiled density with the names and shapes of its variables, as the sampler needs it."""

import math
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from partialpool.engine.fields import Part
from partialpool.engine.inputs import Fields, Parameters
from partialpool.sampler.density import Density
from partialpool.sampler.machine_code import Code, load


@dataclass(frozen=True)
class CompiledModel:
    """A model as NUTS samples it: positions to densities, and to variables.

    Attributes
    ----------
    density : Density
    transformed : numpy.ndarray
        Shape `(position,)`: whether a position is a logarithm or a logit.
    beta : slice
        Positions of the coordinates of the coefficients.
    outputs : dict of str to tuple
        By variable: its field of the workspace, first place in it, dims and shape.
    coords : dict of str to list
    """

    density: Density
    transformed: np.ndarray
    beta: slice
    outputs: dict[str, tuple]
    coords: dict[str, list] = field(default_factory=dict)

    kind = "compiled"  # for the provenance of a fit

    @classmethod
    def of(
        cls,
        code: Code,
        parts: dict,
        values: dict,
        work: dict,
        parameters: Parameters,
        variables: dict,
        *,
        coefficients: int,
        others: int,
        coords: dict,
    ) -> "CompiledModel":
        """Pack the data of a kernel, whose fields THETA and ONLY_VALUES are of the workspace.

        Parameters
        ----------
        code : Code
            Of the density.
        parts : dict of Part to Code
            Functions that it calls.
        values, work : dict
            As for :class:`partialpool.engine.inputs.Fields`.
        parameters : Parameters
            The first part of a position.
        variables : dict of str to tuple
            By variable besides these: its field of the workspace, first place, dims and shape.
        coefficients, others : int
            Numbers of coordinates of the coefficients, the second part, and of the rest.
        coords : dict of str to list
        """
        *called, function = load([*parts.values(), code])
        addresses = np.zeros(len(Part), np.int64)
        for part, loaded in zip(parts, called, strict=True):
            addresses[part] = loaded.address
        first = len(parameters.start)
        fields = Fields(values, work | {"THETA": (first,), "ONLY_VALUES": (1,), "TOTAL": (1,)})
        outputs = {}
        for name, (at, count, dims) in parameters.places.items():
            outputs[name] = ("THETA", at, dims, () if count is None else (count,))
        start = np.concatenate([parameters.start, np.zeros(coefficients + others)])
        return cls(
            Density(function, addresses, fields, start),
            transformed=np.arange(len(start)) < first,
            beta=slice(first, first + coefficients),
            outputs=outputs | variables,
            coords=coords,
        )

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
        chains, draws, _ = positions.shape
        own = self.density.copy()
        work = own.fields.work
        work["ONLY_VALUES"][:] = 1.0
        found, places = {}, {}
        for name, (one, at, _, shape) in self.outputs.items():
            places[name] = work[one].reshape(-1)[at : at + math.prod(shape)]
            found[name] = np.empty((chains * draws, len(places[name])))
        for number, position in enumerate(positions.reshape(chains * draws, -1)):
            own(position)
            for name, place in places.items():
                found[name][number] = place
        return xr.Dataset(
            {
                name: (("chain", "draw", *dims), found[name].reshape(chains, draws, *shape))
                for name, (_, _, dims, shape) in self.outputs.items()
            },
            coords={"chain": np.arange(chains), "draw": np.arange(draws), **self.coords},
        )
