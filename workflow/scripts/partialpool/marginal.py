"""Marginal: the density of each whole group's rows, its deviations integrated out.

Of a Gaussian response with normal effects this is the collapsed likelihood, and exact.
Student-t effects are normal ones whose precision is gamma distributed: what is left is an
integral over one number for each group. For other families, the integral over the deviations
is by adaptive Gauss-Hermite quadrature (Merkle, Furr & Rabe-Hesketh 2019,
https://doi.org/10.1007/s11336-019-09679-0), around the mode and the curvature there of each
group in each draw.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy import special

from partialpool import families
from partialpool.compress import Compressed
from partialpool.draws import degrees_of_freedom, flat, scale
from partialpool.models import collapse
from partialpool.rows import Rows

PRECISIONS = np.linspace(-14, 9, 40)  # in standard deviations of the log precision
NODES = {1: 15, 2: 7}  # in each direction, by the number of varying coefficients
STEPS = 20  # of Newton's method at most; it begins at a draw from what it looks for
LONGEST, CLOSE = 2.0, 1e-3  # of its steps, in sigmas or on the scale of the link
CELLS = 2_000_000  # rows x draws held at once
DRAWS = 100, 500  # at which integrals without a closed form are computed: at least, at most
EVALUATIONS = 250_000_000  # rows x nodes x draws, where that many draws can be had


def can_integrate(data: Compressed | Rows) -> bool:
    """Whether :func:`group_log_density` has a way for this model."""
    if isinstance(data, Compressed):
        return bool(data.factors)
    return len(data.factors) == 1 and len(data.factors[0].varying) in NODES


def draws_wanted(posterior, data: Compressed | Rows) -> int | None:
    """At how many draws the integrals of this model are worth their time; None: at all."""
    least, most = DRAWS
    if isinstance(data, Rows):
        nodes = NODES[size := len(data.factors[0].varying)] ** size
        return int(np.clip(EVALUATIONS // (len(data.y) * nodes), least, most))
    return most if f"nu_{data.factor}" in posterior else None


def group_log_density(posterior, data: Compressed | Rows, variant: str) -> np.ndarray:
    """Log density of each group's rows at each draw.

    Parameters
    ----------
    posterior : xarray.Dataset
    data : Compressed or Rows
        With one factor; :func:`can_integrate` says whether it will do.
    variant : str

    Returns
    -------
    numpy.ndarray
        Shape `(draw, group)`.
    """
    if isinstance(data, Rows):
        return _Quadrature(posterior, data, variant).log_density()
    beta = flat(posterior, "beta")
    known = "sigma" not in posterior
    sigma = np.full(len(beta), data.known_sigma) if known else flat(posterior, "sigma")
    if variant == "pooled":
        return collapse.group_log_density(data, beta, [], sigma)
    factor = scale(posterior, data.factor)
    nu = degrees_of_freedom(posterior, data.factor)
    if nu is None:
        return collapse.group_log_density(data, beta, _entries(factor), sigma)

    # Around the likeliest precision of each group, given a draw of its deviations.
    size, u = factor.shape[1], flat(posterior, f"u_{data.factor}")
    squares = (np.linalg.solve(factor[:, None], u[..., None]) ** 2).sum(axis=(-2, -1))
    shape, rate = (nu[:, None] + size) / 2, (nu[:, None] + squares) / 2
    parts = []
    for node in PRECISIONS:
        log_precision = np.log(shape / rate) + node / np.sqrt(shape)
        stretched = _entries(factor, np.exp(-0.5 * log_precision))
        density = collapse.group_log_density(data, beta, stretched, sigma)
        parts.append(density + _log_gamma(log_precision, nu[:, None] / 2))
    spacing = (PRECISIONS[1] - PRECISIONS[0]) / np.sqrt(shape)
    return special.logsumexp(parts, axis=0) + np.log(spacing)


def _entries(factor: np.ndarray, times=1.0) -> list[list[np.ndarray]]:
    """A Cholesky factor as `collapse` has it: `[row][column]` of `(draw, 1)` or `(draw, group)`."""
    return [[times * factor[:, i, k, None] for k in range(i + 1)] for i in range(factor.shape[1])]


def _log_gamma(log_precision, shape):
    """Log density of the logarithm of a Gamma(shape, shape)."""
    normalised = shape * np.log(shape) - special.gammaln(shape)
    return normalised + shape * (log_precision - np.exp(log_precision))


class _Quadrature:
    """Integrals over one factor's deviations u = L v, v standardised, for merged rows."""

    def __init__(self, posterior, data: Rows, variant: str):
        order = np.argsort(data.index[0], kind="stable")
        self.family = families.FAMILIES[data.outcome.family]
        self.y, self.trials, self.count = (
            array[order][:, None] for array in (data.y, data.trials, data.count)
        )
        self.group = data.index[0][order]
        self.starts = np.searchsorted(self.group, np.arange(len(data.factors[0].levels)))
        self.varying = data.of_columns(data.factors[0].varying)[order]
        name = data.factors[0].name
        self.beta = flat(posterior, "beta")
        self.population = data.of_columns(data.coefficients)[order]
        self.offset = data.offset[order][:, None]
        self.factor = None if variant == "pooled" else scale(posterior, name)
        self.u, self.nu = flat(posterior, f"u_{name}"), degrees_of_freedom(posterior, name)
        self.known_sigma = data.known_sigma
        self.drawn = {n: flat(posterior, n) for n in self.family.parameters if n in posterior}
        self.constant = data.constants[:, None]

    def log_density(self) -> np.ndarray:
        """Shape `(draw, group)`."""
        step = max(1, CELLS // len(self.y))
        starts = range(0, len(self.beta), step)
        return np.concatenate([self._of(slice(start, start + step)).T for start in starts])

    def _of(self, part: slice) -> np.ndarray:
        """Of some draws, `(group, draw)`."""
        fixed, parameters = self._fixed(part), self._parameters(part)
        if self.factor is None:
            return self._summed(self._kernel(fixed, parameters)) + self.constant
        factor = self.factor[part]
        size = factor.shape[1]
        # (row, draw, varying): what a unit of each v adds to the linear predictor.
        turned = np.einsum("ri,sik->rsk", self.varying, factor)
        nu = None if self.nu is None else self.nu[part]

        def log_joint(v):
            eta = fixed + (turned * v[self.group]).sum(axis=-1)
            return self._summed(self._kernel(eta, parameters)) + _log_prior(v, nu)

        mode, curvature = self._mode(part, fixed, turned, parameters, nu)
        spread = np.linalg.inv(np.linalg.cholesky(curvature)).swapaxes(-1, -2)
        found = [
            log_joint(mode + spread @ np.array(node)) + weight for node, weight in _nodes(size)
        ]
        volume = np.log(np.abs(np.diagonal(spread, axis1=-2, axis2=-1))).sum(axis=-1)
        return special.logsumexp(found, axis=0) + volume + self.constant

    def _mode(self, part: slice, fixed, turned, parameters, nu):
        """v where the integrand is highest, and its curvature there, both by group and draw."""
        u = np.moveaxis(self.u[part], 1, 0)[..., None]
        tiny = np.finfo(float).tiny
        factor = self.factor[part] + tiny * np.eye(self.factor.shape[1])
        v = np.linalg.solve(factor[None], u)[..., 0]
        v = np.where(np.isfinite(v), v, 0.0)
        for _ in range(STEPS):
            eta = fixed + (turned * v[self.group]).sum(axis=-1)
            slope, bend = self._derivatives(eta, parameters)
            pull = np.ones(v.shape[:-1])
            if nu is not None:
                pull = (nu + v.shape[-1]) / (nu + (v**2).sum(axis=-1))
            gradient = self._summed(slope[..., None] * turned) - pull[..., None] * v
            outer = bend[..., None, None] * turned[..., :, None] * turned[..., None, :]
            curvature = self._summed(outer) + pull[..., None, None] * np.eye(v.shape[-1])
            change = np.linalg.solve(curvature, gradient[..., None])[..., 0]
            moved = np.abs((turned * change[self.group]).sum(axis=-1)) / self._unit(parameters)
            if moved.max() < CLOSE:
                break
            # Far from the mode, whole steps might be too long.
            furthest = np.maximum(np.maximum.reduceat(moved, self.starts, axis=0), LONGEST)
            v = v + change * (LONGEST / furthest)[..., None]
        return v, curvature

    def _derivatives(self, eta, parameters):
        """Slope of each row's log density, and how far it bends down, by differences."""
        width = 1e-3 * self._unit(parameters)
        low, here, high = (self._kernel(eta + h, parameters) for h in (-width, 0.0, width))
        return (high - low) / (2 * width), np.maximum((2 * here - low - high) / width**2, 0)

    @staticmethod
    def _unit(parameters):
        """A short way for the linear predictor, by which densities change little."""
        return parameters.get("sigma", 1.0)

    def _kernel(self, eta, parameters):
        """Log density of merged rows without constants, `(row, draw)`."""
        with np.errstate(over="ignore"):
            return self.count * self.family.kernel(
                self.y, eta, parameters, self.trials, families.NUMPY
            )

    def _fixed(self, part: slice) -> np.ndarray:
        """The linear predictor without deviations, `(row, draw)`."""
        return self.population @ self.beta[part].T + self.offset

    def _parameters(self, part: slice) -> dict:
        """The family's own, broadcasting to `(row, draw)`."""
        found = {}
        for name in self.family.parameters:
            if name not in self.drawn:
                found[name] = np.full((1, 1), self.known_sigma)
            else:
                values = self.drawn[name][part]
                found[name] = values[:, self.group].T if values.ndim == 2 else values[None]
        return found

    def _summed(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows of each group."""
        return np.add.reduceat(values, self.starts, axis=0)


def _log_prior(v: np.ndarray, nu) -> np.ndarray:
    """Log density of standardised deviations, normal or Student-t, over the last dimension."""
    size, squares = v.shape[-1], (v**2).sum(axis=-1)
    if nu is None:
        return -0.5 * squares - 0.5 * size * families.LOG_2PI
    normalised = special.gammaln((nu + size) / 2) - special.gammaln(nu / 2)
    normalised -= 0.5 * size * np.log(np.pi * nu)
    return normalised - (nu + size) / 2 * np.log1p(squares / nu)


def _nodes(size: int) -> Iterator[tuple[tuple, float]]:
    """Nodes of the quadrature of a function that falls off as a standard normal; log weights."""
    x, weights = np.polynomial.hermite_e.hermegauss(NODES[size])
    logs = np.log(weights) + 0.5 * x**2
    for at in product(range(len(x)), repeat=size):
        yield tuple(x[list(at)]), logs[list(at)].sum()
