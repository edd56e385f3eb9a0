"""Rough values of a posterior, from which its sampler starts and takes its scales."""

from dataclasses import dataclass

import numpy as np

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import collapse
from partialpool.model.description import GroupingFactor, ModelDescription
from partialpool.model.priors import FAMILIES, Priors

CHOSEN = 500  # groups that stand for all, at most


@dataclass(frozen=True)
class BetaPreconditioner:
    """Coordinates in which beta's posterior is near N(0, I), from rough variances.

    They decide how fast the sampler is, not what it draws. They are found by
    generalised least squares with the priors as further rows; coefficients that vary
    by group come last, so that each set of coordinates speaks of its own.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: beta there.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ rounded.
    on : numpy.ndarray
        `(coefficient, coefficient)`, determinant one: what the priors are on, from beta.
    chosen : numpy.ndarray
        Positions of the groups that stand for all: see :func:`representatives`.
    turned : numpy.ndarray
        `(varying, pair, chosen)`: the rows that u touches, times steps along the coordinates of
        coefficients that vary, and what is left of the response at the centre; and sums of two
        of these: see `collapse.pairs`.
    information : numpy.ndarray
        `(pair, stratum)`: squared length of the other rows, times the same.
    prior_information : numpy.ndarray
        `(pair,)`: and of the priors.
    last : int
        How many coefficients vary.
    """

    centre: np.ndarray
    inverse: np.ndarray
    on: np.ndarray
    chosen: np.ndarray
    turned: np.ndarray
    information: np.ndarray
    prior_information: np.ndarray
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
            directions, _ = collapse.orthogonalise(
                collapse.stacked(triangles.design, scale, spread, np), np
            )
            padded = np.concatenate([triangles.between, np.zeros_like(triangles.between)])
            left, _ = collapse.remove([d[:, None] for d in directions], padded)
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
        steps = steps @ collapse.pairs(len(last) + 1)

        def turn(rows):
            return np.einsum("rcg,ck->rkg", rows, steps)

        return cls(
            centre=centre,
            inverse=inverse,
            on=on,
            chosen=chosen,
            turned=turn(triangles.between[..., chosen]) * np.sqrt(times),
            information=(turn(triangles.within) ** 2).sum(axis=0),
            prior_information=((np.column_stack([on, location]) @ steps / width[:, None]) ** 2).sum(
                axis=0
            ),
            last=len(last),
        )


def representatives(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups that stand for all in what is known of coefficients at other variances.

    Variances decide where coefficients are if groups are few and unlike. If they are very many,
    only how far from there is asked for, and groups alike in their information stand for one
    another.

    Parameters
    ----------
    information : numpy.ndarray
        Shape `(group,)`: how much the rows of each say of its deviations.

    Returns
    -------
    positions, times : numpy.ndarray
        Shape `(chosen,)`: of the groups, and how many each stands for.
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
    """What the priors are on, from beta, `(coefficient, coefficient)`; where, and how wide."""
    on = np.eye(len(data.coefficients))
    if priors.centred:
        on[data.coefficients.index("Intercept")] = [data.mean[c] for c in data.coefficients]
    chosen = [priors.beta[name] for name in data.coefficients]
    location = np.array([p.parameters[FAMILIES[p.family].location] for p in chosen])
    return on, location, np.array([p.arguments[-1] for p in chosen])


def effects_basis(data: ModelDescription, priors: Priors, factor: GroupingFactor) -> np.ndarray:
    """From the deviations that the priors are on to those of a factor's coefficients.

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
    """The columns that the deviations which the priors are on act on, `(row, varying)`."""
    return data.of_columns(factor.varying) @ effects_basis(data, priors, factor)


def sigma(data: GroupTriangles) -> float:
    """The residual sd of separate least squares in each group; half the response's without one."""
    size = len(data.varying)
    within = data.triangle[:, size:, size:]
    remaining = np.linalg.qr(within.reshape(-1, within.shape[-1]), mode="r")[-1, -1]
    freedom = data.rows.sum() - size * len(data.levels) - (len(data.columns) - size)
    if freedom < 1 or abs(remaining) < 1e-6 * data.sd_of_weight_one:
        return data.sd_of_weight_one / 2
    return float(abs(remaining) / np.sqrt(freedom))


def log_sigma_precision(data: GroupTriangles) -> np.ndarray:
    """How precisely each group's own rows tell its log sigma, shape `(group,)`: 2 (n - columns)."""
    return 2 * np.maximum(data.rows - len(data.columns), 0)


def log_group_sigma(data: GroupTriangles) -> np.ndarray:
    """Log of the residual sd of least squares in each group alone, shape `(group,)`."""
    freedom = np.maximum(data.rows - len(data.columns), 1)
    smallest = 1e-6 * data.sd_of_weight_one * np.sqrt(freedom)
    return np.log(np.maximum(np.abs(data.triangle[:, -1, -1]), smallest) / np.sqrt(freedom))


def between_sd(priors: Priors, factor: str, variant: str) -> np.ndarray:
    """The fixed one; or a small part of it: one sd of the response for each sd of a predictor."""
    wide = np.array(list(priors.wide[factor].values()))
    return wide if variant == "unpooled" else 0.04 * wide
