"""Marginal log likelihood of groups, and of single-row groups, with group effects integrated out.

For a Gaussian response with normal effects this is the collapsed likelihood, and exact. Student-t
effects are normal with a gamma distributed precision, which leaves an integral over one number
for each group. For other families, the integral over the deviations is by `quadrature`. The density
of one row depends on its deviations only by their sum in the linear predictor, so its integral is
over one number, however many deviations there are.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from partialpool.answers.predictor import Predictor, degrees_of_freedom, flat, scale
from partialpool.answers.quadrature import NODES, Integrals, nodes
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import collapse
from partialpool.model import parameter_names
from partialpool.model.arrays import LOG_2PI

PRECISIONS = np.linspace(-14, 9, 40)  # in standard deviations of the log precision
CELLS = 50_000  # rows x draws held at once: larger arrays get fresh memory each time, which is slow
EVALUATIONS = 700_000_000  # rows x nodes x draws of one variant, some ten seconds
LEAST = 100  # draws that are used of very many rows, however long it takes


def can_integrate(data: GroupTriangles | MergedRows) -> bool:
    """Whether :func:`group_log_density` can integrate over the effects of this model."""
    if data.closed_form:
        return bool(data.factors)
    return len(data.factors) == 1 and len(data.factors[0].varying) in NODES


def draws_wanted(posterior, data: GroupTriangles | MergedRows, variant: str) -> int | None:
    """Number of draws for which the integrals of this variant are computed; None for all."""
    factor = data.factors[0]
    heavy = variant != "pooled" and parameter_names.nu(factor.name) in posterior
    if not data.closed_form:
        at = 1 if variant == "pooled" else len(nodes(len(factor.varying), heavy))
        return max(LEAST, EVALUATIONS // (len(data.y) * at))
    if heavy:
        return max(LEAST, EVALUATIONS // (data.triangle[:, 0].size * len(PRECISIONS)))
    return None


def group_log_density(posterior, data: GroupTriangles | MergedRows, variant: str) -> np.ndarray:
    """Log density of each group's rows at each draw.

    Parameters
    ----------
    posterior : xarray.Dataset
    data : GroupTriangles or MergedRows
        With one factor, see :func:`can_integrate`.
    variant : str

    Returns
    -------
    numpy.ndarray
        Shape `(draw, group)`.
    """
    if not data.closed_form:
        return _of_merged(posterior, data, variant)
    beta = flat(posterior, "beta")
    known = "sigma" not in posterior
    sigma = np.full(len(beta), data.known_sigma) if known else flat(posterior, "sigma")
    if variant == "pooled":
        return collapse.group_log_density(data, beta, [], sigma)
    factor = scale(posterior, data.factor)
    nu = degrees_of_freedom(posterior, data.factor)
    if nu is None:
        return collapse.group_log_density(data, beta, _entries(factor), sigma)
    u = flat(posterior, parameter_names.u(data.factor))
    squares = (np.linalg.solve(factor[:, None], u[..., None]) ** 2).sum(axis=(-2, -1))

    def density(stretch):
        return collapse.group_log_density(data, beta, _entries(factor, stretch), sigma)

    return _over_precisions(density, nu[:, None], factor.shape[1], squares)


def row_log_density(
    draws: Predictor, rows: np.ndarray, y: np.ndarray, alone: np.ndarray
) -> np.ndarray:
    """Log density of rows, with the deviations of groups that have no other row integrated out.

    Deviations of their other groups are those of the draws. Where effects are Student-t and a
    row is alone in its groups of several factors, only those of the first factor are integrated
    out.

    Parameters
    ----------
    draws : Predictor
        Predictor of the fitted table, or of some of its rows.
    rows : numpy.ndarray
        Shape `(row,)`: positions among its rows.
    y : numpy.ndarray
        Shape `(row,)`: their responses.
    alone : numpy.ndarray
        Shape `(factor, row)`: whether each is the only row of its group.

    Returns
    -------
    numpy.ndarray
        Shape `(row, draw)`, times the frequency weight of each row.
    """
    found = np.empty((len(rows), draws.count))
    step = max(1, CELLS // draws.count)
    for part in (slice(start, start + step) for start in range(0, len(rows), step)):
        found[part] = _of_rows(draws, rows[part], y[part], alone[:, part])
    return found


def _of_rows(draws: Predictor, rows: np.ndarray, y: np.ndarray, alone: np.ndarray) -> np.ndarray:
    nu = next((effects.nu for effects in draws.effects if effects.nu is not None), None)
    if nu is not None:
        # Each factor has its own nu, and a sum of Student-t variables is not Student-t.
        alone = alone & (np.cumsum(alone, axis=0) == 1)
        nus = [effects.nu for effects in draws.effects]
        nu = np.stack(nus)[alone.argmax(axis=0)]
    fixed = draws.linear_predictor(rows)
    inside, variance = np.zeros_like(fixed), np.zeros_like(fixed)
    for effects, alone_in_group in zip(draws.effects, alone, strict=True):
        at = np.flatnonzero(alone_in_group)
        inside[at] += effects.added(rows[at], False, 0)
        turned = np.einsum("ri,sik->krs", effects.varying[rows[at]], effects.scale)
        variance[at] += (turned**2).sum(axis=0)
    fixed -= inside
    spread = np.sqrt(variance)
    drawn = np.divide(inside, spread, out=np.zeros_like(inside), where=spread > 0)
    parameters, trials = draws.parameters(rows), draws.trials(rows)
    y, weights = y[:, None], draws.weights(rows)
    if not draws.family.normal:
        integrals = Integrals(draws.family, y, trials, weights, np.arange(len(rows)))
        constant = weights * draws.family.log_constant(y, trials)
        density = integrals.log_density(fixed, spread[None], parameters, nu, drawn[None])
        return density + constant

    sigma = parameters["sigma"]
    # The product of as many normal densities of y is one of their mean, but for a factor.
    repeated = 0.5 * (1 - weights) * (LOG_2PI + 2 * np.log(sigma)) - 0.5 * np.log(weights)

    def density(stretch):
        total = np.sqrt(sigma**2 / weights + (stretch * spread) ** 2)
        return draws.family.log_density(y, fixed, {"sigma": total}) + repeated

    return density(1.0) if nu is None else _over_precisions(density, nu, 1, drawn**2)


def _over_precisions(density: Callable, nu, size: int, squares: np.ndarray) -> np.ndarray:
    """Log density with Student-t deviations, from one with normal deviations.

    Parameters
    ----------
    density : callable
        From a factor on the scale of the deviations, of the shape of `squares`, to the log
        density with normal deviations.
    nu : numpy.ndarray
        Degrees of freedom, broadcasting against `squares`.
    size : int
        Number of deviations of a group.
    squares : numpy.ndarray
        Sum of squares of a draw of the standardised deviations: the integral is around the
        likeliest precision given these.
    """
    shape, rate = (nu + size) / 2, (nu + squares) / 2
    parts = []
    for node in PRECISIONS:
        log_precision = np.log(shape / rate) + node / np.sqrt(shape)
        stretched = density(np.exp(-0.5 * log_precision))
        parts.append(stretched + _log_gamma(log_precision, nu / 2))
    spacing = (PRECISIONS[1] - PRECISIONS[0]) / np.sqrt(shape)
    return special.logsumexp(parts, axis=0) + np.log(spacing)


def _entries(factor: np.ndarray, times=1.0) -> list[list[np.ndarray]]:
    """A Cholesky factor as in `collapse`: `[row][column]` of `(draw, 1)` or `(draw, group)`."""
    return [[times * factor[:, i, k, None] for k in range(i + 1)] for i in range(factor.shape[1])]


def _log_gamma(log_precision, shape):
    """Log density of the logarithm of a Gamma(shape, shape)."""
    normalised = shape * np.log(shape) - special.gammaln(shape)
    return normalised + shape * (log_precision - np.exp(log_precision))


def _of_merged(posterior, data: MergedRows, variant: str) -> np.ndarray:
    """Log density of the groups of merged rows, `(draw, group)`."""
    [factor] = data.factors
    order = np.argsort(data.index[0], kind="stable")
    group = data.index[0][order]
    y, trials, count, offset = (
        array[order][:, None] for array in (data.y, data.trials, data.count, data.offset)
    )
    integrals = Integrals(data.family, y, trials, count, group)
    population = data.select_columns(data.coefficients)[order]
    varying = data.select_columns(factor.varying)[order]
    beta, u = flat(posterior, "beta"), flat(posterior, parameter_names.u(factor.name))
    between = None if variant == "pooled" else scale(posterior, factor.name)
    nu = degrees_of_freedom(posterior, factor.name)
    drawn = {n: flat(posterior, n) for n in data.family.parameter_names if n in posterior}
    unknown = [n for n in data.family.parameter_names if n not in drawn]
    known = {n: np.full((1, 1), data.known_sigma) for n in unknown}

    def of(part: slice) -> np.ndarray:
        fixed = population @ beta[part].T + offset
        parameters = known | {
            name: values[part][:, group].T if values.ndim == 2 else values[None, part]
            for name, values in drawn.items()
        }
        if between is None:
            return integrals.without(fixed, parameters)
        turned = np.einsum("ri,sik->krs", varying, between[part])
        factor = between[part] + np.finfo(float).tiny * np.eye(between.shape[1])
        v = np.linalg.solve(factor[:, None], u[part][..., None])[..., 0]
        v = np.where(np.isfinite(v), v, 0.0).T.copy()
        nu_of_part = None if nu is None else nu[part]
        return integrals.log_density(fixed, turned, parameters, nu_of_part, v)

    step = max(1, CELLS // len(y))
    parts = [of(slice(start, start + step)).T for start in range(0, len(beta), step)]
    return np.concatenate(parts) + data.constants
