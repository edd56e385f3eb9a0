"""Marginal likelihood of groups by adaptive Gauss–Hermite quadrature.

Adaptive Gauss-Hermite quadrature (Merkle, Furr & Rabe-Hesketh 2019,
https://doi.org/10.1007/s11336-019-09679-0), around the mode and the curvature there of each
group in each draw. Where deviations are Student-t the integrand has their tails, which
Gauss-Hermite nodes do not reach; those of a trapezoidal rule do, in the hyperbolic arcsine of the
distance from the mode.
"""

from functools import cache
from itertools import product

import numpy as np
from scipy import special

from partialpool.model.arrays import LOG_2PI
from partialpool.model.family import ResponseFamily

NODES = {1: 15, 2: 9}  # in each direction, by the number of varying coefficients
HEAVY = {1: 25, 2: 17}  # the same for Student-t effects
FURTHEST = 8.0  # outermost node for Student-t effects, where 2 sinh(x / 2) is 55 sds
STEPS = 20  # steps of Newton's method at most; it starts at a posterior draw
LONGEST = 2.0  # longest step, in sigmas or on the scale of the link
CLOSE = 0.1  # last step at most, in sds of the integrand


class Integrals:
    """Integrals over standardised deviations v of each unit, of the density of its rows.

    Parameters
    ----------
    family : ResponseFamily
    y, trials, count : numpy.ndarray
        Shape `(row, 1)`: responses, trials and frequencies of rows that are sorted by unit.
    unit : numpy.ndarray
        Shape `(row,)`: number of each row's unit, all from 0.
    """

    def __init__(self, family: ResponseFamily, y, trials, count, unit: np.ndarray):
        self.family, self.y, self.trials, self.count, self.unit = family, y, trials, count, unit
        self.starts = np.flatnonzero(np.diff(unit, prepend=-1))
        self.single = len(self.starts) == len(unit)

    def without(self, fixed, parameters) -> np.ndarray:
        """Log density without deviations, up to constants, `(unit, draw)`."""
        return self._summed(self._kernel(fixed, parameters))

    def log_density(self, fixed, turned, parameters, nu, start) -> np.ndarray:
        """Log of the integrals, up to constants, `(unit, draw)`.

        Parameters
        ----------
        fixed : numpy.ndarray
            Shape `(row, draw)`: the linear predictor without deviations.
        turned : numpy.ndarray
            `(varying, row, draw)`: its derivative by each v.
        parameters : dict of str to numpy.ndarray
            The family's own, broadcasting against `(row, draw)`.
        nu : numpy.ndarray or None
            Degrees of freedom, broadcasting against `(unit, draw)`; None where v is normal.
        start : numpy.ndarray
            `(varying, unit, draw)`: a draw of v.
        """

        def eta(v):
            return fixed + self._explained(turned, v)

        mode, spread = self._mode(eta, turned, parameters, nu, start)
        found = []
        for node, weight in nodes(len(turned), nu is not None):
            v = mode + sum(column * at for column, at in zip(spread, node, strict=True))
            density = self._summed(self._kernel(eta(v), parameters))
            found.append(density + _log_prior(v, nu) + weight)
        volume = sum(np.log(column[i]) for i, column in enumerate(spread))
        return special.logsumexp(found, axis=0) + volume

    def _mode(self, eta, turned, parameters, nu, v):
        """Mode of the integrand, and columns of a root of its covariance there."""
        # A distance of linear predictors over which densities change little.
        short = parameters.get("sigma", 1.0)
        for _ in range(STEPS):
            slope, bend = self._derivatives(eta(v), parameters, 1e-3 * short)
            pull = 1.0 if nu is None else (nu + len(v)) / (nu + (v**2).sum(axis=0))
            gradient = [
                self._summed(slope * one) - pull * u for one, u in zip(turned, v, strict=True)
            ]
            curvature = [[self._summed(bend * a * b) for a in turned] for b in turned]
            for i in range(len(v)):
                curvature[i][i] = curvature[i][i] + pull
            root = _inverse_root(curvature)
            standardised = [sum(g * r for g, r in zip(gradient, c, strict=True)) for c in root]
            change = sum(column * one for column, one in zip(root, standardised, strict=True))
            moved = np.abs(self._explained(turned, change)) / short
            # Far from the mode, whole steps might be too long.
            furthest = moved if self.single else np.maximum.reduceat(moved, self.starts, axis=0)
            v = v + change * (LONGEST / np.maximum(furthest, LONGEST))
            if sum(one**2 for one in standardised).max() < CLOSE**2:
                break
        return v, root

    def _derivatives(self, eta, parameters, width):
        """First derivative of each row's log density, and minus the second, by differences."""
        low, here, high = (self._kernel(eta + h, parameters) for h in (-width, 0.0, width))
        return (high - low) / (2 * width), np.maximum((2 * here - low - high) / width**2, 0)

    def _kernel(self, eta, parameters):
        """Log density of rows up to constants, `(row, draw)`."""
        with np.errstate(over="ignore"):
            return self.count * self.family.log_kernel(self.y, eta, parameters, self.trials)

    def _explained(self, turned, v) -> np.ndarray:
        """Contribution of the deviations to the linear predictor, `(row, draw)`."""
        by_row = v if self.single else v[:, self.unit]
        return sum(one * own for one, own in zip(turned, by_row, strict=True))

    def _summed(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows of each unit."""
        return values if self.single else np.add.reduceat(values, self.starts, axis=0)


def _inverse_root(matrix: list[list[np.ndarray]]) -> np.ndarray:
    """Columns of a root of the inverse of matrices given by their entries: `(column, row, ...)`.

    The root is upper triangular, its diagonal over 0.
    """
    if len(matrix) == 1:
        return np.array(matrix) ** -0.5
    stacked = np.moveaxis(np.array(matrix), (0, 1), (-2, -1))
    # The inverse of a lower triangle is one, and its rows are the columns of its transpose.
    return np.moveaxis(np.linalg.inv(np.linalg.cholesky(stacked)), (-2, -1), (0, 1)).copy()


def _log_prior(v: np.ndarray, nu) -> np.ndarray:
    """Log density of standardised deviations, normal or Student-t, over the first dimension."""
    size, squares = len(v), (v**2).sum(axis=0)
    if nu is None:
        return -0.5 * squares - 0.5 * size * LOG_2PI
    normalised = special.gammaln((nu + size) / 2) - special.gammaln(nu / 2)
    normalised -= 0.5 * size * np.log(np.pi * nu)
    return normalised - (nu + size) / 2 * np.log1p(squares / nu)


@cache
def nodes(size: int, heavy: bool) -> list[tuple[tuple, float]]:
    """Nodes of a quadrature in units of the integrand's sds, and their log weights.

    For functions with the tails of a standard normal, or, if `heavy`, of a Student-t.
    """
    if heavy:
        x, spacing = np.linspace(-FURTHEST, FURTHEST, HEAVY[size], retstep=True)
        x, logs = 2 * np.sinh(x / 2), np.log(spacing * np.cosh(x / 2))
    else:
        x, weights = np.polynomial.hermite_e.hermegauss(NODES[size])
        logs = np.log(weights) + 0.5 * x**2
    places = product(range(len(x)), repeat=size)
    return [(tuple(x[list(at)]), logs[list(at)].sum()) for at in places]
