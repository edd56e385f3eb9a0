"""Means and variances that merge over parts of a table; robust location and scale."""

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Moments:
    """Weight, mean and sum of squared deviations of one or several columns.

    Parts merge by the update of Chan, Golub & LeVeque (1983,
    https://doi.org/10.1080/00031305.1983.10483115), which loses no digits to a large mean.

    Attributes
    ----------
    weight : float
        Sum of the rows' weights; their number if there are no weights.
    mean, squares : numpy.ndarray
        Shape `(...)`, that of a row.
    """

    weight: float
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray | None = None) -> "Moments":
        """Moments of rows, shape `(row, ...)`, with optional weights, shape `(row,)`."""
        if weights is None:
            mean = values.mean(axis=0)
            return cls(float(len(values)), mean, ((values - mean) ** 2).sum(axis=0))
        mean = np.average(values, axis=0, weights=weights)
        squares = np.tensordot(weights, (values - mean) ** 2, axes=1)
        return cls(float(weights.sum()), mean, squares)

    def __add__(self, other: "Moments") -> "Moments":
        weight = self.weight + other.weight
        away = other.mean - self.mean
        share = other.weight / weight
        return Moments(
            weight,
            self.mean + share * away,
            self.squares + other.squares + away**2 * self.weight * share,
        )

    @property
    def sd(self) -> np.ndarray:
        """Standard deviation, with the sum of weights as denominator."""
        return np.sqrt(self.squares / self.weight)


def robust(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Weighted median, and median absolute deviation scaled to the sd of a normal distribution.

    If more than half of the values are equal, the mean absolute deviation is used instead
    (Rousseeuw & Croux 1993, https://doi.org/10.1080/01621459.1993.10476408).

    Parameters
    ----------
    values, weights : numpy.ndarray
        Shape `(row,)`; weights are one by default.
    """

    def median(of):
        return float(np.quantile(of, 0.5, weights=weights, method="inverted_cdf"))

    middle = median(values)
    away = np.abs(values - middle)
    scale = median(away) / special.ndtri(0.75)
    if scale == 0:
        scale = np.average(away, weights=weights) * np.sqrt(np.pi / 2)
    return middle, float(scale)
