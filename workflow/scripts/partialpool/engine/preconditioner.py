"""Approximate posterior of beta by generalised least squares; starts and scales of the sampler."""

from dataclasses import dataclass

import numpy as np

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import collapse, group_algebra
from partialpool.model.description import GroupingFactor, ModelDescription
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Priors

CHOSEN = 500  # representative groups, at most


@dataclass(frozen=True)
class BetaPreconditioner:
    """Coordinates in which the posterior of beta is near N(0, I), at rough variances.

    They decide how fast the sampler is, not what it draws. They follow from generalised least
    squares with the priors as further rows. Coefficients that vary by group come last, so that the
    last coordinates depend on these alone.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: the generalised least squares estimate.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ position.
    on : numpy.ndarray
        `(coefficient, coefficient)`, determinant one: the priors are on `on @ beta`.
    chosen : numpy.ndarray
        Indices of the representative groups: see :func:`representatives`.
    touched : numpy.ndarray
        `(varying, pair, chosen)`: the rows that u touches, times steps along the coordinates of
        coefficients that vary, and what is left of the response at the centre; and sums of two
        of these: see `group_algebra.pairs`.
    within : numpy.ndarray
        `(pair, stratum)`: sums of squares of the same, over the rows that are free of u.
    prior_precision : numpy.ndarray
        `(pair,)`: sums of squares of the same, over the priors as rows.
    last : int
        Number of population-level coefficients that vary by group.
    """

    centre: np.ndarray
    inverse: np.ndarray
    on: np.ndarray
    chosen: np.ndarray
    touched: np.ndarray
    within: np.ndarray
    prior_precision: np.ndarray
    last: int

    @classmethod
    def of(
        cls,
        data: ModelDescription,
        priors: Priors,
        triangles: collapse.Triangles,
        varying: tuple[str, ...],
        scale,
        spread: float,
    ) -> "BetaPreconditioner":
        """From compressed rows, split after the varying columns.

        Parameters
        ----------
        data : ModelDescription
        priors : Priors
        triangles : Triangles
        varying : tuple of str
            Columns with deviations; none in a pooled variant.
        scale : sequence of sequence of float
            A rough Cholesky factor of their covariance, `[row][column]`.
        spread : float
            A rough sigma.
        """
        last = [c for c in varying if c in data.coefficients]
        order = [c for c in data.coefficients if c not in last] + last
        index = [data.coefficients.index(name) for name in order]

        on, location, width = prior_rows(data, priors)
        systems = [
            _flat(triangles.within) / spread,
            np.column_stack([on, location]) / width[:, None],
        ]
        if varying:
            directions, _ = group_algebra.orthogonalise(
                group_algebra.stacked(triangles.design, scale, spread, np), np
            )
            padded = np.concatenate([triangles.between, np.zeros_like(triangles.between)])
            left, _ = group_algebra.remove([d[:, None] for d in directions], padded)
            systems.append(_flat(left) / spread)
        rows = np.concatenate(systems)[:, [*index, -1]]
        factor = np.linalg.qr(rows, mode="r")
        inverse = np.zeros_like(on)
        inverse[index] = np.linalg.inv(factor[:-1, :-1])
        centre = inverse @ factor[:-1, -1]

        chosen, times = representatives((triangles.design**2).sum(axis=(0, 1)))
        # Steps along the last coordinates, and what is left of the response at the centre.
        steps = np.column_stack([inverse[:, len(order) - len(last) :], -centre])
        steps = np.vstack([steps, np.eye(len(last) + 1)[-1]])
        if len(chosen) < len(triangles.design.T):
            steps[:, -1] = 0
        steps = steps @ group_algebra.pairs(len(last) + 1)

        def turn(rows):
            return np.einsum("rcg,ck->rkg", rows, steps)

        return cls(
            centre=centre,
            inverse=inverse,
            on=on,
            chosen=chosen,
            touched=turn(triangles.between[..., chosen]) * np.sqrt(times),
            within=(turn(triangles.within) ** 2).sum(axis=0),
            prior_precision=((np.column_stack([on, location]) @ steps / width[:, None]) ** 2).sum(
                axis=0
            ),
            last=len(last),
        )


@dataclass(frozen=True)
class CollapsedModel:
    """Compressed rows, and coordinates of the coefficients, of one variant.

    Attributes
    ----------
    basis : numpy.ndarray
        Shape `(varying, varying)`, without rows where nothing varies: see
        :func:`effects_basis`.
    triangles : collapse.Triangles
    spread : float
        Rough residual sd.
    coordinates : BetaPreconditioner
    """

    basis: np.ndarray
    triangles: collapse.Triangles
    spread: float
    coordinates: BetaPreconditioner

    @classmethod
    def of(cls, data: GroupTriangles, priors: Priors, variant: str) -> "CollapsedModel":
        """Split the triangles, and find coordinates by generalised least squares."""
        basis = np.zeros((0, 0))
        if variant != "pooled" and data.factors:
            basis = effects_basis(data, priors, data.factors[0])
        triangles, size = collapse.Triangles.split(data, basis), len(basis)
        start = np.diag(between_sd(priors, data.factor, variant)) if size else []
        spread = sigma(data) if data.known_sigma is None else data.known_sigma
        coordinates = BetaPreconditioner.of(
            data, priors, triangles, data.varying[:size], start, spread
        )
        return cls(basis, triangles, spread, coordinates)


def representatives(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose groups that represent all in the conditional precision of beta given the variances.

    If groups are few and unbalanced, the conditional mean of beta depends on the variances, too, so
    all groups are used. Of very many groups, those with similar information represent each other,
    for the precision alone.

    Parameters
    ----------
    information : numpy.ndarray
        Shape `(group,)`: trace of the precision of its effects from its own rows.

    Returns
    -------
    positions, times : numpy.ndarray
        Shape `(chosen,)`: indices of the groups, and the number that each represents.
    """
    order = np.argsort(information, kind="stable")
    alike = np.array_split(order, min(len(order), CHOSEN) or 1)
    positions = np.array([some[len(some) // 2] for some in alike if len(some)], dtype=int)
    times = np.array([len(some) for some in alike if len(some)], dtype=float)
    return positions, times


def _flat(system: np.ndarray) -> np.ndarray:
    """From `(row, column, group)` to `(rows of all groups, column)`."""
    return np.moveaxis(system, 1, -1).reshape(-1, system.shape[1])


def prior_rows(data: ModelDescription, priors: Priors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Priors of beta as rows: matrix `(coefficient, coefficient)`, locations, and scales."""
    on = np.eye(len(data.coefficients))
    if priors.centred:
        on[data.coefficients.index("Intercept")] = [data.mean[c] for c in data.coefficients]
    chosen = [priors.beta[name] for name in data.coefficients]
    location = np.array([p.parameters[FAMILIES[p.family].location] for p in chosen])
    return on, location, np.array([p.arguments[-1] for p in chosen])


def effects_basis(data: ModelDescription, priors: Priors, factor: GroupingFactor) -> np.ndarray:
    """Matrix from the deviations that the priors are on to those of a factor's coefficients.

    Default priors of a factor's sds and correlations hold at the averages of its predictors, so
    that they do not depend on where a predictor's zero is, as that of the Intercept: they are on
    the deviation of a group's line there, which is u[Intercept] + sum of mean[c] u[c] over the
    other columns of its block.

    Returns
    -------
    numpy.ndarray
        Shape `(varying, varying)`, upper triangular, ones on the diagonal: deviations are this
        matrix times those that the priors are on.
    """
    basis = np.eye(len(factor.varying))
    if factor.name in priors.at_averages:
        for block in factor.blocks:
            if "Intercept" in block:
                row = factor.varying.index("Intercept")
                for name in block:
                    if name != "Intercept":
                        basis[row, factor.varying.index(name)] = -data.mean[name]
    return basis


def effects_columns(data: MergedRows, priors: Priors, factor: GroupingFactor) -> np.ndarray:
    """Design columns of the deviations that the priors are on, `(row, varying)`."""
    return data.select_columns(factor.varying) @ effects_basis(data, priors, factor)


def sigma(data: GroupTriangles) -> float:
    """Residual sd of separate least squares in each group; half the response's if it has none."""
    size = len(data.varying)
    within = data.triangle[:, size:, size:]
    remaining = np.linalg.qr(within.reshape(-1, within.shape[-1]), mode="r")[-1, -1]
    freedom = data.rows.sum() - size * len(data.levels) - (len(data.columns) - size)
    if freedom < 1 or abs(remaining) < 1e-6 * data.sd_of_weight_one:
        return data.sd_of_weight_one / 2
    return float(abs(remaining) / np.sqrt(freedom))


def log_sigma_precision(data: GroupTriangles) -> np.ndarray:
    """Precision of each group's log sigma from its own rows, `(group,)`: 2 (n - columns)."""
    return 2 * np.maximum(data.rows - len(data.columns), 0)


def log_group_sigma(data: GroupTriangles) -> np.ndarray:
    """Log of the residual sd of least squares in each group alone, shape `(group,)`."""
    freedom = np.maximum(data.rows - len(data.columns), 1)
    smallest = 1e-6 * data.sd_of_weight_one * np.sqrt(freedom)
    return np.log(np.maximum(np.abs(data.triangle[:, -1, -1]), smallest) / np.sqrt(freedom))


def between_sd(priors: Priors, factor: str, variant: str) -> np.ndarray:
    """Between-group sds: the fixed ones if unpooled; otherwise rough ones, 0.04 of these."""
    wide = np.array(list(priors.wide[factor].values()))
    return wide if variant == "unpooled" else 0.04 * wide
