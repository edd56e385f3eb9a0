"""Rough values of a posterior, from which its sampler starts and takes its scales."""

from dataclasses import dataclass

import numpy as np

from partialpool.compress import Compressed
from partialpool.models import collapse
from partialpool.priors import FAMILIES, Priors


@dataclass(frozen=True)
class Coordinates:
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
    turned : numpy.ndarray
        `(varying, varying, group)`: the rows that u touches, times the columns of
        `inverse` of the varying coefficients.
    information : numpy.ndarray
        `(varying, stratum)`: squared length of the other rows, times the same.
    prior_information : numpy.ndarray
        `(varying,)`: and of the priors.
    """

    centre: np.ndarray
    inverse: np.ndarray
    on: np.ndarray
    turned: np.ndarray
    information: np.ndarray
    prior_information: np.ndarray

    @classmethod
    def of(
        cls, data: Compressed, priors: Priors, triangles: collapse.Triangles, variant: str
    ) -> "Coordinates":
        """From compressed data, and the same split for a variant."""
        varies = len(triangles.design) > 0
        last = [c for c in data.varying if c in data.coefficients] if varies else []
        order = [c for c in data.coefficients if c not in last] + last
        index = [data.coefficients.index(name) for name in order]

        on = np.eye(len(index))
        if priors.centred:
            on[data.coefficients.index("Intercept")] = [data.mean[c] for c in data.coefficients]
        chosen = [priors.beta[name] for name in data.coefficients]
        location = np.array([p.parameters[FAMILIES[p.family].location] for p in chosen])
        scale = np.array([p.arguments[-1] for p in chosen])

        spread = sigma(data) if data.known_sigma is None else data.known_sigma
        systems = [
            _flat(triangles.within) / spread,
            np.column_stack([on, location]) / scale[:, None],
        ]
        if varies:
            sd = np.diag(between_sd(priors, variant))
            directions, _ = collapse.orthogonalise(
                collapse.stacked(triangles.design, sd, spread, np), np
            )
            padded = np.concatenate([triangles.between, np.zeros_like(triangles.between)])
            left, _ = collapse.remove([d[:, None] for d in directions], padded)
            systems.append(_flat(left) / spread)
        rows = np.concatenate(systems)[:, [*index, -1]]
        factor = np.linalg.qr(rows, mode="r")
        inverse = np.zeros_like(on)
        inverse[index] = np.linalg.inv(factor[:-1, :-1])
        centre = inverse @ factor[:-1, -1]

        of_varying = inverse[:, len(order) - len(last) :]

        def turn(rows):
            return np.einsum("rcg,ck->rkg", rows[:, :-1], of_varying)

        return cls(
            centre=centre,
            inverse=inverse,
            on=on,
            turned=turn(triangles.between),
            information=(turn(triangles.within) ** 2).sum(axis=0),
            prior_information=((on @ of_varying / scale[:, None]) ** 2).sum(axis=0),
        )


def _flat(system: np.ndarray) -> np.ndarray:
    """From `(row, column, group)` to `(rows of all groups, column)`."""
    return np.moveaxis(system, 1, -1).reshape(-1, system.shape[1])


def sigma(data: Compressed) -> float:
    """The residual sd of separate least squares in each group; half the response's without one."""
    size = len(data.varying)
    within = data.triangle[:, size:, size:]
    remaining = np.linalg.qr(within.reshape(-1, within.shape[-1]), mode="r")[-1, -1]
    freedom = data.rows.sum() - size * len(data.levels) - (len(data.columns) - size)
    if freedom < 1 or abs(remaining) < 1e-6 * data.response_sd:
        return data.response_sd / 2
    return float(abs(remaining) / np.sqrt(freedom))


def between_sd(priors: Priors, variant: str) -> np.ndarray:
    """The fixed one; or one sd of the response for each sd of a predictor."""
    return np.array(list(priors.wide.values())) * (1 if variant == "unpooled" else 0.04)
