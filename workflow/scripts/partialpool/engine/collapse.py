"""Integrate the group effects of a Gaussian model out, and draw them from their conditional.

In the triangle of group j, the rows that depend on u are e_j ~ N(S_j u_j, sigma^2 I) with
u_j ~ N(0, L L') and S_j square upper triangular in the varying columns. Write
u = L v with v ~ N(0, I), and stack A = [S L; sigma I], b = [e; 0]. Then

    |b - A v|^2 = |e - S u|^2 + sigma^2 |v|^2

so one orthogonalisation of [A, b] gives everything: the product of the diagonal
of A's triangle T is the determinant, the remaining length of b the quadratic
form, and v | y ~ N(T^-1 c, sigma^2 T^-1 T^-T), where c are b's components along
A. Nothing is squared before it is orthogonalised, so no digits are lost to a
predictor with a large mean (Björck 1967, https://doi.org/10.1007/BF01934122).
"""

from dataclasses import dataclass

import numpy as np

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import group_algebra

BATCH = 4_000_000  # numbers per temporary array, to bound memory


@dataclass(frozen=True)
class Triangles:
    """Compressed rows, split into what depends on u and what does not.

    Attributes
    ----------
    design : numpy.ndarray
        S, shape `(varying, varying, group)`: the rows of each triangle that u touches.
    between : numpy.ndarray
        The same rows of the population-level columns and, last, of the response,
        `(varying, coefficient + 1, group)`.
    within : numpy.ndarray
        The rows below, `(row, coefficient + 1, stratum)`: they are free of u, so where
        groups share one sigma they merge into one stratum.
    rows : numpy.ndarray
        Rows of each stratum.
    """

    design: np.ndarray
    between: np.ndarray
    within: np.ndarray
    rows: np.ndarray

    @classmethod
    def split(cls, data: GroupTriangles, basis: np.ndarray, merge: bool = True) -> "Triangles":
        """Split the triangles of `data` after as many rows as coefficients vary.

        Parameters
        ----------
        data : GroupTriangles
        basis : numpy.ndarray
            Shape `(varying, varying)`, upper triangular: the deviations are `basis @ u`. It has
            no rows where nothing varies.
        merge : bool
            Whether to merge the rows below into one stratum where groups share sigma.
        """
        varying = len(basis)
        kept = [data.columns.index(name) for name in data.coefficients] + [-1]
        between = np.moveaxis(data.triangle[:, :varying], 0, -1)
        within, rows = data.triangle[:, varying:], data.rows
        if merge and not data.outcome.sigma_by_group:
            width = data.triangle.shape[-1]
            within = np.linalg.qr(within.reshape(-1, width), mode="r")[None]
            rows = np.array([rows.sum()])
        return cls(
            design=np.einsum("rcg,ck->rkg", between[:, :varying], basis),
            between=between[:, kept],
            within=np.moveaxis(within, 0, -1)[:, kept],
            rows=rows.astype(float),
        )


def draw_deviations(data: GroupTriangles, beta, scale, sigma, basis, rng) -> np.ndarray:
    """Draw every group's u from its exact conditional normal, for each posterior draw.

    Parameters
    ----------
    data : GroupTriangles
    beta : numpy.ndarray
        Shape `(draw, coefficient)`.
    scale : list of list of numpy.ndarray
        L, lower triangular, `[row][column]`, each of shape `(draw, 1)` or `(draw, group)`.
    sigma : numpy.ndarray
        Shape `(draw,)` or `(draw, group)`.
    basis : numpy.ndarray
        Shape `(varying, varying)`: L is the factor of u's covariance, deviations are `basis @ u`.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        Deviations, shape `(draw, group, varying)`.
    """
    triangles = Triangles.split(data, basis)
    drawn = []
    for part, spread in _batches(data, sigma, len(beta)):
        entries = [[entry[part] for entry in row] for row in scale]
        triangle, along, _ = _collapsed(triangles, beta[part], entries, spread)
        u = _drawn(triangle, along, entries, spread, rng)
        drawn.append(np.stack(u, axis=-1) @ basis.T)
    return np.concatenate(drawn)


def draw(design, residual, scale, sigma, rng) -> np.ndarray:
    """Draw u from its exact conditional normal, given what is left of the rows it touches.

    Parameters
    ----------
    design : numpy.ndarray
        S, shape `(varying, varying, ...)`.
    residual : numpy.ndarray
        e, `(varying, draw, group)`.
    scale
        L, as in :func:`draw_deviations`.
    sigma : numpy.ndarray
        Broadcasting against `(draw, group)`.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        u, shape `(varying, draw, group)`.
    """
    directions, triangle = group_algebra.orthogonalise(
        group_algebra.stacked(design, scale, sigma, np), np
    )
    _, along = group_algebra.remove(directions, np.concatenate([residual, np.zeros_like(residual)]))
    spread = np.broadcast_to(sigma, residual.shape[1:])
    return np.stack(_drawn(triangle, along, scale, spread, rng))


def _drawn(triangle, along, scale, sigma, rng) -> list[np.ndarray]:
    """u = L v, v from N(T^-1 c, sigma^2 T^-1 T^-T); a list over varying columns."""
    size = len(scale)
    noise = np.moveaxis(rng.standard_normal((*sigma.shape, size)), -1, 0) * sigma
    v = [None] * size
    for i in reversed(range(size)):
        known = sum(triangle[i, k] * v[k] for k in range(i + 1, size))
        v[i] = (along[i] + noise[i] - known) / triangle[i, i]
    return [sum(scale[i][k] * v[k] for k in range(i + 1)) for i in range(size)]


def group_log_density(data: GroupTriangles, beta, scale, sigma) -> np.ndarray:
    """Log density of each whole group's rows, its deviations integrated out.

    Parameters
    ----------
    data, beta, scale, sigma
        As in :func:`draw_deviations`, of the deviations themselves; an empty `scale` means none.

    Returns
    -------
    numpy.ndarray
        Shape `(draw, group)`, in the units of the rows as given.
    """
    triangles = Triangles.split(data, np.eye(len(scale)), merge=False)
    constant = data.log_jacobian - 0.5 * np.log(2 * np.pi) * data.rows
    densities = []
    for part, spread in _batches(data, sigma, len(beta)):
        squares = (_residual(triangles.within, beta[part]) ** 2).sum(axis=0)
        log_determinant = data.rows * np.log(spread)
        if scale:
            entries = [[entry[part] for entry in row] for row in scale]
            triangle, _, left = _collapsed(triangles, beta[part], entries, spread)
            squares = squares + (left**2).sum(axis=0)
            diagonal = [triangle[i, i] for i in range(len(scale))]
            log_determinant = log_determinant + np.log(diagonal / spread).sum(axis=0)
        densities.append(constant - log_determinant - 0.5 * squares / spread**2)
    return np.concatenate(densities)


def _residual(rows: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Response minus predictors times beta, `(row, draw, group)`."""
    return rows[:, -1][:, None, :] - np.einsum("rcg,sc->rsg", rows[:, :-1], beta)


def _collapsed(triangles: Triangles, beta, scale, sigma):
    """T, components of b along A, and what is left of b, for a batch of draws."""
    directions, triangle = group_algebra.orthogonalise(
        group_algebra.stacked(triangles.design[:, :, None, :], scale, sigma, np), np
    )
    residual = _residual(triangles.between, beta)
    left, along = group_algebra.remove(
        directions, np.concatenate([residual, np.zeros_like(residual)])
    )
    return triangle, along, left


def _batches(data: GroupTriangles, sigma: np.ndarray, draws: int):
    """Slices of the draws, and sigma of each draw and group in them."""
    step = max(1, BATCH // data.triangle[:, 0].size)
    sigma = np.broadcast_to(sigma.reshape(draws, -1), (draws, len(data.levels)))
    for start in range(0, draws, step):
        part = slice(start, start + step)
        yield part, sigma[part]
