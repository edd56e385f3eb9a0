"""Coordinates of coefficients and deviations in which a working Gaussian model is N(0, I).

Write u = L v with v ~ N(0, I) for the deviations of one group. In the working model, given
beta and the other factors, its rows say that v has precision T'T = I + L'SL and mean
(T'T)^-1 L'(g - H beta), S being the information of its rows. So v = T^-1 (c + z), with
T'c = L'(g - H beta), has a standard normal z whatever L is. Where the rows say little this
is the non-centred form, where they say much the centred one, and groups between are
between (Papaspiliopoulos, Roberts & Sköld 2007, https://doi.org/10.1214/088342307000000014).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from partialpool.described import Grouping
from partialpool.models import collapse
from partialpool.models.working import Working, block_diagonal
from partialpool.rows import Rows

LARGEST = 400  # coordinates that are turned together
LEAST = 1e-9  # of the largest information, so that triangles have inverses


@dataclass(frozen=True)
class Block:
    """What the working rows say of one factor's deviations.

    Attributes
    ----------
    position : int
        Of the factor among those of the data.
    factor : Grouping
    root : numpy.ndarray
        Shape `(varying, varying, group)`: upper triangular, its square is the information S.
    on_beta : numpy.ndarray
        H, shape `(varying, coefficient, group)`.
    natural : numpy.ndarray
        g, shape `(varying, group)`.
    """

    position: int
    factor: Grouping
    root: np.ndarray
    on_beta: np.ndarray
    natural: np.ndarray

    @property
    def information(self) -> np.ndarray:
        """S, shape `(group, varying, varying)`."""
        root = np.moveaxis(self.root, -1, 0)
        return np.swapaxes(root, 1, 2) @ root

    def centring(self, covariance: np.ndarray) -> np.ndarray:
        """How much each group's own rows decide its deviations, `(group,)`: 0 nothing, 1 all."""
        size = len(covariance)
        precision = self.information + np.linalg.inv(covariance)
        return np.trace(np.linalg.solve(precision, self.information), axis1=1, axis2=2) / size

    def mostly_prior(self, working: Working) -> bool:
        """Whether the rows of most groups decide less than half of their deviations."""
        return np.median(self.centring(working.covariance[self.position])) < 0.5

    def silent(self) -> "Block":
        """The same factor as if its rows said nothing: the non-centred form."""
        zeros = (np.zeros_like(part) for part in (self.root, self.on_beta, self.natural))
        return Block(self.position, self.factor, *zeros)


@dataclass(frozen=True)
class Informed:
    """What the working rows say of positions of beta, one factor's deviations unknown.

    Attributes
    ----------
    factor : Grouping
    root : numpy.ndarray
        Shape `(varying, varying, group)`: of :class:`Block`, all other deviations known.
    turned : numpy.ndarray
        `(varying, pair, group)`: the rows that the deviations touch, times steps along the last
        positions, and what is left of the response at the origin; and sums of two of these.
    squares : numpy.ndarray
        `(pair,)`: squared lengths of the rows that they do not touch, times the same.
    """

    factor: Grouping
    root: np.ndarray
    turned: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class Coordinates:
    """How positions of the sampler become coefficients and deviations.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: beta at the origin.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ position. Those that vary by group
        come last, so that each of their coordinates speaks of its own.
    last : int
        How many coefficients vary.
    informed : list of Informed
        What the rows say of the last positions, by factor, in the order of `blocks`.
    alone : numpy.ndarray
        `(last, last)`: variance of the last positions if all deviations are known.
    lean, turn : numpy.ndarray or None
        Positions of all factors but the first block's: what they have of the position of beta,
        `(outer, coefficient)`, and of the sampler's own, `(outer, outer)`.
    blocks : list of Block
        By factor; first the one with most groups.
    """

    centre: np.ndarray
    inverse: np.ndarray
    last: int
    informed: list[Informed]
    alone: np.ndarray
    lean: np.ndarray | None
    turn: np.ndarray | None
    blocks: list[Block]

    @property
    def outer(self) -> int:
        """Number of coordinates of the deviations of all blocks but the first."""
        return sum(block.natural.size for block in self.blocks[1:])

    @classmethod
    def of(cls, data: Rows, working: Working, silent: bool = False) -> "Coordinates":
        """From the working model of one variant.

        `silent` makes factors non-centred whose groups' own rows decide little.
        """
        size = len(working.beta)
        factors = data.factors[: len(working.u)]
        order = sorted(range(len(factors)), key=lambda i: -len(factors[i].levels))
        identity = np.eye(working.precision.shape[0], size)
        covariance = splu(working.precision).solve(identity)[:size]

        varies = {c for factor in factors for c in factor.varying}
        last = [c for c in data.coefficients if c in varies]
        index = [data.coefficients.index(c) for c in data.coefficients if c not in varies]
        index += [data.coefficients.index(c) for c in last]
        precision = np.linalg.inv(covariance[np.ix_(index, index)])
        inverse = np.zeros_like(covariance)
        inverse[index] = np.linalg.inv(linalg.cholesky((precision + precision.T) / 2))
        steps = inverse[:, len(index) - len(last) :]
        alone = np.linalg.inv(steps.T @ working.precision[:size, :size].toarray() @ steps)
        informed = [_informed(data, working, i, steps) for i in order]

        blocks = [_inner(data, working, order[0])] if order else []
        if len(order) > 1:
            marginal, at = _without(working, order[0], order[1:])
            blocks += [_outer(data, working, i, marginal, at[i], size) for i in order[1:]]
        if silent:
            blocks = [block.silent() if block.mostly_prior(working) else block for block in blocks]
        lean = turn = None
        if len(order) > 1 and marginal.shape[0] <= LARGEST:
            lean, turn = _turned(marginal.toarray(), inverse, blocks[1:], working)
        return cls(working.beta, inverse, len(last), informed, alone, lean, turn, blocks)


def _informed(data: Rows, working: Working, position: int, steps: np.ndarray) -> Informed:
    """From the working model, whose mode is the origin of positions."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    information = working.blocks(position) - np.linalg.inv(working.covariance[position])
    on_beta = working.precision[where, :size].toarray().reshape(*u.shape, size)
    own = np.einsum("gik,gk->gi", information, u)
    block = _block(position, factor, information, on_beta, own)

    root = np.moveaxis(block.root, -1, 0)
    along = np.concatenate([on_beta @ steps, own[..., None]], axis=-1)
    touched = np.linalg.solve(np.swapaxes(root, 1, 2), along)
    whole = np.zeros((steps.shape[1] + 1, steps.shape[1] + 1))
    whole[:-1, :-1] = steps.T @ working.precision[:size, :size].toarray() @ steps
    # At the mode, the slope in beta is that which the deviations balance.
    whole[-1, :-1] = whole[:-1, -1] = np.einsum("gik,gi->k", along[..., :-1], u)
    whole -= np.einsum("gik,gim->km", touched, touched)
    pairs = collapse.pairs(len(whole))
    turned = np.moveaxis(touched @ pairs, 0, -1)
    return Informed(factor, block.root, turned, np.einsum("ip,ik,kp->p", pairs, whole, pairs))


def _inner(data: Rows, working: Working, position: int) -> Block:
    """The factor with most groups, given all else."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    prior = np.linalg.inv(working.covariance[position])
    information = working.blocks(position) - prior
    mode = np.concatenate([working.beta, *(one.ravel() for one in working.u)])
    others = working.precision[where] @ mode
    natural = others.reshape(u.shape) - u @ prior
    on_beta = working.precision[where, :size].toarray().reshape(*u.shape, size)
    return _block(position, factor, information, on_beta, natural)


def _outer(data, working, position, marginal, where, size) -> Block:
    """Another factor, given beta, the deviations of the first integrated out."""
    factor, u = data.factors[position], working.u[position]
    prior = np.linalg.inv(working.covariance[position])
    groups, varying = u.shape
    part = marginal[where, where]
    first = np.arange(groups) * varying
    information = np.empty((groups, varying, varying))
    for i in range(varying):
        for k in range(varying):
            information[:, i, k] = part[first + i, first + k]
    on_beta = marginal[where, :size].toarray().reshape(groups, varying, size)
    natural = np.einsum("gik,gk->gi", information, u) + on_beta @ working.beta
    return _block(position, factor, information - prior, on_beta, natural)


def _block(position, factor, information, on_beta, natural) -> Block:
    """The arrays of a block, group last; information is made sure to have a triangle."""
    largest = np.trace(information, axis1=1, axis2=2).max()
    values, vectors = np.linalg.eigh((information + np.swapaxes(information, 1, 2)) / 2)
    values = np.maximum(values, LEAST * max(largest, LEAST))
    root = np.linalg.qr(np.sqrt(values)[:, :, None] * np.swapaxes(vectors, 1, 2), mode="r")
    return Block(
        position,
        factor,
        np.moveaxis(root, 0, -1),
        np.moveaxis(on_beta, 0, -1),
        np.moveaxis(natural, 0, -1),
    )


def _without(working: Working, first: int, others: list[int]):
    """Precision of beta and other factors' u, the first's integrated out; and where each is."""
    size = len(working.beta)
    kept = np.arange(size)
    at, end = {}, size
    for position in others:
        where = working.where(position)
        kept = np.concatenate([kept, np.arange(where.start, where.stop)])
        at[position] = slice(end, end + working.u[position].size)
        end = at[position].stop
    precision = sparse.csr_array(working.precision)
    cross = precision[working.where(first)][:, kept]
    inverse = block_diagonal(np.linalg.inv(working.blocks(first)))
    return sparse.csr_array(precision[kept][:, kept] - cross.T @ inverse @ cross), at


def _turned(marginal, inverse, blocks, working) -> tuple[np.ndarray, np.ndarray]:
    """What makes positions of deviations N(0, I), given that of beta, at the rough covariances.

    They follow the position of beta, and not the other way round: how far the data tie the
    two together does not depend on the variances, as the spread of beta does.
    """
    size = len(inverse)
    jacobian = np.zeros_like(marginal)
    jacobian[:size, :size] = inverse
    begin = size
    for block in blocks:
        covariance = working.covariance[block.position]
        scale = np.linalg.cholesky(covariance)
        precision = block.information + np.linalg.inv(covariance)
        on_beta = np.moveaxis(block.on_beta, -1, 0)
        shift = -np.linalg.solve(precision, on_beta) @ inverse
        inner = np.eye(len(scale)) + scale.T @ block.information @ scale
        upper = np.swapaxes(np.linalg.cholesky(inner), 1, 2)
        own = scale @ np.linalg.inv(upper)
        groups, varying = shift.shape[:2]
        end = begin + groups * varying
        jacobian[begin:end, :size] = shift.reshape(-1, size)
        jacobian[begin:end, begin:end] = linalg.block_diag(*own)
        begin = end
    joint = jacobian.T @ marginal @ jacobian
    own, cross = joint[size:, size:], joint[size:, :size]
    return -np.linalg.solve(own, cross), np.linalg.inv(np.linalg.cholesky(own)).T
