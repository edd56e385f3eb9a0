"""Means and variances of columns, merged from parts of a table, and robust location and scale."""

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Moments:
    """Weight, mean and sum of squared distances from it, of one or several columns.

    Parts merge by the update of Chan, Golub & LeVeque (1983,
    https://doi.org/10.1080/00031305.1983.10483115), which loses no digits to a large mean.

    Attributes
    ----------
    weight : float
        Of all rows together; how many they are, where none is weighted.
    mean, squares : numpy.ndarray
        Shape `(...)`, that of a row.
    """

    weight: float
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray | None = None) -> "Moments":
        """Of rows, shape `(row, ...)`, each of which counts once or as its weight says."""
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
        """Standard deviation over the rows, not one less."""
        return np.sqrt(self.squares / self.weight)


def robust(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Median, and median absolute deviation in the units of a normal distribution's sd.

    Where more than half of the values are the same, the mean absolute deviation takes the place
    of the median one (Rousseeuw & Croux 1993, https://doi.org/10.1080/01621459.1993.10476408).

    Parameters
    ----------
    values, weights : numpy.ndarray
        Shape `(row,)`: a row counts once, or as its weight says.
    """

    def median(of):
        return float(np.quantile(of, 0.5, weights=weights, method="inverted_cdf"))

    middle = median(values)
    away = np.abs(values - middle)
    scale = median(away) / special.ndtri(0.75)
    if scale == 0:
        scale = np.average(away, weights=weights) * np.sqrt(np.pi / 2)
    return middle, float(scale)
