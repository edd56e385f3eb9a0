"""Back-transformation of predictions from a transformed response, such as log(sales)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from formulae.terms import Call
from formulae.terms.call_resolver import LazyCall, LazyVariable

from partialpool.design.design import Design


@dataclass(frozen=True)
class ResponseTransform:
    """An increasing function that a response may be transformed by, such as a logarithm.

    Attributes
    ----------
    inverse : callable
        Values outside the function's range count as the nearest in it.
    mean : callable or None
        `(mu, sigma)` to the mean of x where f(x) is normal; None where it has no closed form.
    rate : float or None
        For a logarithm: f(x) - f(z) = d means that x is exp(rate d) times z.
    ratio_of : str
        What that holds of; `{x}` stands for x.
    """

    inverse: Callable
    mean: Callable | None = None
    rate: float | None = None
    ratio_of: str = "{x}"


def _logarithm(base: float) -> ResponseTransform:
    rate = np.log(base)
    return ResponseTransform(
        lambda z: np.exp(rate * z),
        lambda mu, sigma: np.exp(rate * mu + (rate * sigma) ** 2 / 2),
        float(rate),
    )


FUNCTIONS = {
    "log": _logarithm(np.e),
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "log1p": ResponseTransform(
        np.expm1, lambda mu, sigma: np.expm1(mu + sigma**2 / 2), 1.0, "1 + {x}"
    ),
    "sqrt": ResponseTransform(lambda z: np.maximum(z, 0) ** 2, lambda mu, sigma: mu**2 + sigma**2),
    "exp": ResponseTransform(lambda z: np.log(np.maximum(z, 0))),
    "expm1": ResponseTransform(lambda z: np.log1p(np.maximum(z, -1))),
}
IDENTITY = ResponseTransform(lambda z: z, lambda mu, sigma: mu + 0 * sigma)
SHIFTS = ("center", "scale", "standardize")  # linear functions, with fitted means and sds


@dataclass(frozen=True)
class ResponseScale:
    """The transformation of a response, to be undone.

    Attributes
    ----------
    column : str
        The column that the response is a function of.
    function : ResponseTransform
        f: the response is (f(column) - shift) / unit.
    shift, unit : float
    """

    column: str
    function: ResponseTransform
    shift: float
    unit: float

    @classmethod
    def of(cls, design: Design) -> "ResponseScale | None":
        """From a design's response; None where it is a column, or no such function of one."""
        [component] = design.response.term.components
        if not isinstance(component, Call):
            return None
        call, shift, unit = component.call, 0.0, 1.0
        while isinstance(call, LazyCall) and call.callee in SHIFTS:
            learned = call.stateful_transform
            spread = getattr(learned, "std", 1.0)
            shift, unit = learned.mean + spread * shift, spread * unit
            [call] = [*call.args, *call.kwargs.values()]
        function = IDENTITY
        if isinstance(call, LazyCall):
            function = FUNCTIONS.get(call.callee.removeprefix("np."))
            [call] = [*call.args, *call.kwargs.values()] if len(call.args) == 1 else [None]
        if function is None or not isinstance(call, LazyVariable):
            return None
        return cls(call.name, function, shift, unit)

    def back(self, eta: np.ndarray) -> np.ndarray:
        """Values of the column from values of the response."""
        with np.errstate(over="ignore", divide="ignore"):
            return self.function.inverse(self.shift + self.unit * eta)

    def mean(self, eta: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Mean of the column where the response is normal and the mean has a closed form."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.function.mean(self.shift + self.unit * eta, self.unit * sigma)

    @property
    def ratio_of(self) -> str:
        """The quantity of which :meth:`ratio` is the ratio."""
        return self.function.ratio_of.format(x=self.column)

    def ratio(self, difference: np.ndarray) -> np.ndarray | None:
        """Ratio of two values of :attr:`ratio_of` from a difference of logarithms; else None."""
        if self.function.rate is None:
            return None
        with np.errstate(over="ignore"):
            return np.exp(self.function.rate * self.unit * difference)
