"""A compiled density with the names and shapes of its variables, as the sampler needs it."""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from partialpool.engine.inputs import Parameters, packed
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
        By variable: dims, shape, and the place in the workspace.
    coords : dict of str to list
    values_only : int
        Place in the workspace of the flag that ends a call before the likelihood.
    """

    density: Density
    transformed: np.ndarray
    beta: slice
    outputs: dict[str, tuple]
    coords: dict[str, list] = field(default_factory=dict)
    values_only: int = 0

    @classmethod
    def of(
        cls, code: Code, parts, fields, values: dict, work: dict, parameters: Parameters, variables: dict,
        *, coefficients: int, others: int, coords: dict,
    ) -> "CompiledModel":  # fmt: skip
        """Pack the data of a kernel, whose fields THETA and ONLY_VALUES are of the workspace.

        Parameters
        ----------
        code : Code
            Of the density.
        parts : sequence of Code
            Functions that it calls, in the order in which it knows them.
        fields : type of enum.IntEnum
        values, work : dict
            As for :func:`partialpool.engine.inputs.packed`.
        parameters : Parameters
            The first part of a position.
        variables : dict of str to tuple
            By variable besides these: its field of the workspace, first place, dims and shape.
        coefficients, others : int
            Numbers of coordinates of the coefficients, the second part, and of the rest.
        coords : dict of str to list
        """
        *called, function = load([*parts, code])
        addresses = [part.address for part in called]
        first = len(parameters.start)
        table, *buffers = packed(fields, values, work | {"THETA": (first,), "ONLY_VALUES": (1,)})
        outputs = {}
        theta = table[fields["THETA"], 1]
        for name, (at, count, dims) in parameters.places.items():
            shape = () if count is None else (count,)
            place = slice(theta + at, theta + at + (count or 1))
            outputs[name] = (dims, shape, place)
        for name, (one, at, dims, shape) in variables.items():
            begin = table[fields[one], 1] + at
            outputs[name] = (dims, shape, slice(begin, begin + int(np.prod(shape))))
        start = np.concatenate([parameters.start, np.zeros(coefficients + others)])
        return cls(
            Density(function, (np.array(addresses, np.int64), table, *buffers), start),
            transformed=np.arange(len(start)) < first,
            beta=slice(first, first + coefficients),
            outputs=outputs,
            coords=coords,
            values_only=int(table[fields["ONLY_VALUES"], 1]),
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
        own.work[self.values_only] = 1.0
        found = {
            name: np.empty((chains * draws, place.stop - place.start))
            for name, (_, _, place) in self.outputs.items()
        }
        for number, position in enumerate(positions.reshape(chains * draws, -1)):
            own(position)
            for name, (_, _, place) in self.outputs.items():
                found[name][number] = own.work[place]
        return xr.Dataset(
            {
                name: (("chain", "draw", *dims), found[name].reshape(chains, draws, *shape))
                for name, (dims, shape, _) in self.outputs.items()
            },
            coords={"chain": np.arange(chains), "draw": np.arange(draws), **self.coords},
        )
