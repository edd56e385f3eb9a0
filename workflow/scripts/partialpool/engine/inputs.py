"""What a compiled density is called with: its parameters and fields, packed into flat buffers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from partialpool.engine import group_algebra, preconditioner
from partialpool.engine.fields import ENTRIES, Block, Field
from partialpool.engine.kernel_parts import CODES, LOG_ODDS, LOGARITHM
from partialpool.engine.posterior import varying
from partialpool.model.arrays import NUMPY
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior, Priors


class NoKernel(Exception):
    """A model that has a prior or a family without a compiled density."""


@dataclass
class Parameters:
    """Parameters with a bounded support and their priors, in the order of a position.

    Attributes
    ----------
    places : dict of str to tuple
        By name: the first place, the number of parameters (None for a scalar), and the dims.
    """

    places: dict = field(default_factory=dict)
    transforms: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    numbers: list[tuple[float, ...]] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    constant: float = 0.0

    def add(self, name: str, priors: Prior | Sequence[Prior], rough, dims=()) -> int:
        """Add a parameter with the support of its prior, or a vector of them.

        Returns the first place. Parameters are positive or, as probabilities, from 0 to 1.

        Raises
        ------
        NoKernel
            If there is no compiled density of its prior.
        """
        one = isinstance(priors, Prior)
        priors = [priors] if one else list(priors)
        rough = np.broadcast_to(rough, len(priors))
        at = self._place(name, None if one else len(priors), dims)
        for prior, value in zip(priors, rough, strict=True):
            self._add(prior.family, prior.arguments, value)
        return at

    def partial_correlations(self, name: str, shapes: Sequence[float]) -> int:
        """Add canonical partial correlations, each 2 Beta(shape, shape) - 1."""
        at = self._place(name, len(shapes), (f"{name}_dim_0",))
        for shape in shapes:
            self._add("beta", (shape, shape), 0.5)
        return at

    def _place(self, name, count, dims) -> int:
        self.places[name] = (len(self.start), count, tuple(dims))
        return len(self.start)

    def _add(self, family: str, arguments, start: float) -> None:
        code, numbers, constant = coded(family, arguments)
        probability = FAMILIES[family].support == "probability"
        self.constant += constant
        self.codes.append(code)
        self.numbers.append(numbers)
        self.transforms.append(LOG_ODDS if probability else LOGARITHM)
        self.start.append(float(NUMPY.logit(start) if probability else np.log(start)))


def coded(family: str, arguments) -> tuple[int, tuple[float, ...], float]:
    """Code of a prior's family, its three numbers, and the constant of its log density.

    Raises
    ------
    NoKernel
        If the family has no compiled density.
    """
    if family not in CODES:
        raise NoKernel(f"prior {family}")
    numbers = (*arguments, *[0.0] * (3 - len(arguments)))
    constant = FAMILIES[family].constant(NUMPY, *map(float, arguments))
    return CODES[family], numbers, float(constant)


def add_factor(
    parameters: Parameters, values: dict, blocks: np.ndarray, number: int, factor, priors, variant
) -> None:
    """Add the sds, correlations and degrees of freedom of a factor's effects.

    Sets their places in a row of `blocks`, and of `FIXED_SD` and `PARTIAL` among the `values`.
    """
    name, own = factor.name, blocks[number]
    own[Block.SD_AT] = own[Block.NU_AT] = -1
    if variant == "unpooled":
        values["FIXED_SD"][number, : len(factor.varying)] = list(priors.wide[name].values())
        return
    rough = preconditioner.between_sd(priors, name, variant)
    dims = (varying(name),)
    own[Block.SD_AT] = parameters.add(f"sd_{name}", priors.sd[name].values(), rough, dims)
    if name in priors.cor:
        shapes = group_algebra.partial_correlations(factor.blocks, *priors.cor[name].arguments)
        first = parameters.partial_correlations(f"partial_cor_{name}", list(shapes.values()))
        for at, pair in enumerate(shapes):
            values["PARTIAL"][(number, *pair)] = first + at
    if name in priors.nu:
        own[Block.NU_AT] = parameters.add(f"nu_{name}", priors.nu[name], 8.0)


def shared_values(parameters: Parameters, data, priors: Priors, constant: float) -> dict:
    """Fields of the parameters and of the priors of beta, by name."""
    chosen = [priors.beta[name] for name in data.coefficients]
    found = [coded(prior.family, prior.arguments) for prior in chosen]
    codes, numbers, constants = zip(*found, strict=True)
    return {
        "TRANSFORMS": np.array(parameters.transforms, int),
        "PRIOR_CODES": np.array(parameters.codes, int),
        "PRIOR_NUMBERS": np.reshape(np.array(parameters.numbers, float), (-1, 3)),
        "BETA_CODES": np.array(codes),
        "BETA_NUMBERS": np.array(numbers),
        "BETA_ON": preconditioner.prior_rows(data, priors)[0],
        "CONSTANT": np.array([sum(constants) + parameters.constant + constant]),
    }


def shared_work(parameters: Parameters, width, blocks, widest, size, last) -> dict:
    """Shapes of the fields of the shared stages: see `shared_stages`."""
    pairs, square = (last + 1) * (last + 2) // 2, (blocks, widest, widest)
    fields = {name: square for name in ("SCALES", "CORRELATIONS", "ROOTS", "IN_SCALES")}
    fields |= {name: (width,) for name in ("BETA", "STANDARDISED", "IN_BETA")}
    fields |= {name: (last + 1, last + 1) for name in ("JOINT", "FACTOR")}
    return fields | {
        "SLOPE": (len(parameters.start),),
        "PRODUCTS": (pairs,),
        "CHOSEN_IN_SCALE": (pairs, size, size),
    }


def of_pairs(squares: np.ndarray, size: int) -> np.ndarray:
    """Upper triangles of symmetric matrices from their quadratic forms.

    The inverse of polarisation: see :func:`group_algebra.pairs`. The rows, one for each pair, are
    ordered as (0, 0), (0, 1), ..., (1, 1), ...
    """
    found, at = [], size
    for a in range(size):
        found.append(squares[a])
        for b in range(a + 1, size):
            found.append((squares[at] - squares[a] - squares[b]) / 2)
            at += 1
    return np.array(found)


class Fields:
    """Arrays of a model, and the table by which a compiled density finds them.

    Parameters
    ----------
    values : dict of str to array_like
        Fields that do not change, by name; those that are left out are empty.
    work : dict of str to tuple of int
        Shapes of the fields of the workspace, which begins as zeros.

    Attributes
    ----------
    table : numpy.ndarray
        Shape `(field, entry)`: see :mod:`partialpool.engine.fields`.
    work : dict of str to numpy.ndarray
    """

    def __init__(self, values: dict, work: dict):
        self.values = {name: _contiguous(array) for name, array in values.items()}
        self.work = {name: np.zeros(shape) for name, shape in work.items()}
        self.table = np.zeros((len(Field), ENTRIES), np.int64)
        for name, array in (self.values | self.work).items():
            self.table[Field[name], : array.ndim + 1] = array.ctypes.data, *array.shape

    def copy(self) -> "Fields":
        """The same data with a workspace of its own."""
        return Fields(self.values, {name: array.shape for name, array in self.work.items()})


def _contiguous(array) -> np.ndarray:
    array = np.asarray(array)
    return np.ascontiguousarray(array, np.int64 if array.dtype.kind in "ib" else np.float64)
