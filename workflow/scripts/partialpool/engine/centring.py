"""Coordinates of coefficients and deviations in which a working Gaussian model is N(0, I).

Write u = L v with v ~ N(0, I) for the deviations of one group. In the working model, given
beta and the other factors, its rows say that v has precision T'T = I + L'SL and mean
(T'T)^-1 L'(g - H beta), S being the information of its rows. So v = T^-1 (c + z), with
T'c = L'(g - H beta), has a standard normal z whatever L is. Where the rows say little this
is the non-centred form, where they say much the centred one, and groups between are
between (Papaspiliopoulos, Roberts & Sköld 2007, https://doi.org/10.1214/088342307000000014).

The factor with most groups is the inner one. The others come first, with beta and the inner
factor's deviations integrated out of the working model; then beta, given them; then the inner
deviations, given all else. What the rows say of the level of a factor is then left to beta, and
only contrasts between its groups are informed. So that the level scales with L, as the prior has
it, and contrasts are where the rows put them, its deviations are rotated over the groups, which
leaves their normal prior as it is: each of the new ones has an information of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import group_algebra, preconditioner
from partialpool.engine.pirls import WorkingModel, block_diagonal, diagonal_blocks
from partialpool.model.description import GroupingFactor

LARGEST = 400  # coordinates that are turned together
LEAST = 1e-9  # of the largest information, so that triangles have inverses


@dataclass(frozen=True)
class Block:
    """What the working rows say of one factor's deviations.

    Attributes
    ----------
    position : int
        Of the factor among those of the data.
    factor : GroupingFactor
    root : numpy.ndarray
        Shape `(varying, varying, group)`: upper triangular, its square is the information S.
    on_beta : numpy.ndarray
        H, shape `(varying, coefficient, group)`.
    natural : numpy.ndarray
        g, shape `(varying, group)`.
    rotation : numpy.ndarray or None
        Orthogonal, `(group, group)`: deviations of the groups are this matrix times those that
        the block is of.
    """

    position: int
    factor: GroupingFactor
    root: np.ndarray
    on_beta: np.ndarray
    natural: np.ndarray
    rotation: np.ndarray | None = None

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

    def mostly_prior(self, working: WorkingModel) -> bool:
        """Whether the rows of most groups decide less than half of their deviations."""
        return np.median(self.centring(working.covariance[self.position])) < 0.5

    @property
    def is_non_centred(self) -> bool:
        """Whether its effects are non-centred; other information is never without a triangle."""
        return not self.root.any()

    def non_centred(self) -> "Block":
        """The same factor as if its rows said nothing: the non-centred form."""
        zeros = {n: np.zeros_like(getattr(self, n)) for n in ("root", "on_beta", "natural")}
        return replace(self, **zeros)


@dataclass(frozen=True)
class BetaInformation:
    """What the working rows say of positions of beta, the inner deviations unknown.

    Attributes
    ----------
    root : numpy.ndarray
        Shape `(varying, varying, chosen)`: of :class:`Block`, all other deviations known, of the
        groups that stand for all.
    turned : numpy.ndarray
        `(varying, pair, chosen)`: the rows that the deviations touch, times steps along the last
        positions, and what is left of the response at the origin; and sums of two of these.
    squares : numpy.ndarray
        `(pair,)`: squared lengths of the rows that they do not touch, times the same.
    """

    root: np.ndarray
    turned: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class EffectCoordinates:
    """How positions of the sampler become coefficients and deviations.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: beta at the origin.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ position + beta_regression @
        deviations. Coefficients that vary by the inner factor come last, so that each of their
        coordinates is of one coefficient alone.
    last : int
        How many vary by it.
    informed : Informed or None
        What the rows say of the last positions; None without factors.
    beta_regression : numpy.ndarray
        `(coefficient, outer)`: deviations are those of all outer factors, group by group.
    rotation : numpy.ndarray or None
        `(outer, outer)`: positions of the outer deviations, from those of the sampler.
    blocks : list of Block
        By factor; first the inner one, that with most groups.
    """

    centre: np.ndarray
    inverse: np.ndarray
    last: int
    informed: BetaInformation | None
    beta_regression: np.ndarray
    rotation: np.ndarray | None
    blocks: list[Block]

    @property
    def outer(self) -> int:
        """Number of coordinates of the deviations of all blocks but the first."""
        return sum(block.natural.size for block in self.blocks[1:])

    def of_block(self, block: Block) -> slice:
        """Where the deviations of an outer block are among those of all of them."""
        begin = 0
        for one in self.blocks[1:]:
            end = begin + one.natural.size
            if one is block:
                break
            begin = end
        return slice(begin, end)

    @classmethod
    def of(
        cls, data: MergedRows, working: WorkingModel, non_centred: bool = False, heavy=()
    ) -> "EffectCoordinates":
        """From the working model of one variant.

        `non_centred` makes factors non-centred whose groups' own rows decide little. The factors in
        `heavy` have Student-t deviations, which are not to be rotated.
        """
        size = len(working.beta)
        factors = data.factors[: len(working.u)]
        order = sorted(range(len(factors)), key=lambda i: -len(factors[i].levels))
        inner, outer = order[:1], order[1:]
        marginal = _without(working, inner, outer)
        precision, cross = marginal[:size, :size].toarray(), marginal[size:, :size].toarray()

        varies = factors[inner[0]].varying if inner else ()
        last = [c for c in data.coefficients if c in varies]
        index = [data.coefficients.index(c) for c in data.coefficients if c not in varies]
        index += [data.coefficients.index(c) for c in last]
        own = precision[np.ix_(index, index)]
        inverse = np.zeros_like(precision)
        inverse[index] = np.linalg.inv(linalg.cholesky((own + own.T) / 2))
        informed = None
        if inner:
            informed = _beta_information(data, working, inner[0], inverse[:, size - len(last) :])

        beta_regression = -np.linalg.solve(precision, cross.T)
        modes = [working.u[position].ravel() for position in outer]
        centre = working.beta - beta_regression @ np.concatenate([*modes, np.zeros(0)])
        blocks, joint = _outer(
            data, working, outer, marginal[size:, size:], cross, beta_regression, heavy
        )
        blocks = [_inner(data, working, position) for position in inner] + blocks
        if non_centred:
            blocks = [
                block.non_centred() if block.mostly_prior(working) else block for block in blocks
            ]
        rotation = None if joint is None else _turned(joint, blocks[1:], working)
        return cls(centre, inverse, len(last), informed, beta_regression, rotation, blocks)


def _beta_information(
    data: MergedRows, working: WorkingModel, position: int, steps: np.ndarray
) -> BetaInformation:
    """From the working model, whose mode is the origin of positions."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    given_all = working.blocks(position)
    information = given_all - np.linalg.inv(working.covariance[position])
    on_beta = working.precision[where, :size].toarray().reshape(*u.shape, size)
    # What the rows say of u, all else at the mode: u is where this and the prior balance.
    own = np.einsum("gik,gk->gi", given_all, u)
    block = _block(position, factor, information, on_beta, own)

    chosen, times = preconditioner.representatives(np.trace(information, axis1=1, axis2=2))
    if len(chosen) < len(u):
        own = np.zeros_like(own)
    root = np.moveaxis(block.root, -1, 0)
    along = np.concatenate([on_beta @ steps, own[..., None]], axis=-1)
    touched = np.linalg.solve(np.swapaxes(root, 1, 2), along)
    whole = np.zeros((steps.shape[1] + 1, steps.shape[1] + 1))
    whole[:-1, :-1] = steps.T @ working.precision[:size, :size].toarray() @ steps
    if own.any():
        # At the mode, the slope in beta is that which the deviations balance.
        whole[-1, :-1] = whole[:-1, -1] = np.einsum("gik,gi->k", along[..., :-1], u)
    whole -= np.einsum("gik,gim->km", touched, touched)
    pairs = group_algebra.pairs(len(whole))
    turned = np.moveaxis(touched[chosen] @ pairs, 0, -1) * np.sqrt(times)
    return BetaInformation(
        block.root[..., chosen], turned, np.einsum("ip,ik,kp->p", pairs, whole, pairs)
    )


def _inner(data: MergedRows, working: WorkingModel, position: int) -> Block:
    """The factor with most groups, given all else."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    information = working.blocks(position) - np.linalg.inv(working.covariance[position])
    mode = np.concatenate([working.beta, *(one.ravel() for one in working.u)])
    # Z'W y of the working rows, since the prior of u is centred at zero.
    natural = (working.precision[where] @ mode).reshape(u.shape)
    on_beta = working.precision[where, :size].toarray().reshape(*u.shape, size)
    return _block(position, factor, information, on_beta, natural)


def _outer(data, working, positions, within, cross, beta_regression, heavy):
    """Blocks of the outer factors, beta and the inner deviations integrated out.

    `within` is their precision given beta, `cross` that with it. Their joint precision, rotated,
    comes with them, unless they are very many.
    """
    joint = None
    if within.shape[0] <= LARGEST:
        joint = within.toarray() + cross @ beta_regression
        joint = (joint + joint.T) / 2
    blocks, begin, rotations = [], 0, []
    for position in positions:
        factor, u = data.factors[position], working.u[position]
        where = slice(begin, begin + u.size)
        rotation, begin = None, where.stop
        if joint is None:
            own = diagonal_blocks(within[where, where], u.shape[1])
            own = own + cross[where].reshape(*u.shape, -1) @ beta_regression[:, where].T.reshape(
                *u.shape, -1
            ).swapaxes(1, 2)
        else:
            part = joint[where, where].reshape(*u.shape, *u.shape)
            if factor.name not in heavy:
                rotation = _rotation(part)
                part = np.einsum("aj,aibk,bl->jilk", rotation, part, rotation, optimize=True)
                u = rotation.T @ u
            own = np.einsum("jijk->jik", part)
        rotations.append(np.eye(len(u)) if rotation is None else rotation)
        natural = np.einsum("gik,gk->gi", own, u)
        information = own - np.linalg.inv(working.covariance[position])
        on_beta = np.zeros((*u.shape, 0))
        block = _block(position, factor, information, on_beta, natural)
        blocks.append(replace(block, rotation=rotation))
    if not blocks or joint is None:
        return blocks, None
    sizes = [working.u[position].shape[1] for position in positions]
    whole = linalg.block_diag(
        *(np.kron(one, np.eye(size)) for one, size in zip(rotations, sizes, strict=True))
    )
    return blocks, whole.T @ joint @ whole


def _rotation(part: np.ndarray) -> np.ndarray:
    """Eigenvectors over groups of the information, `(group, varying, group, varying)`.

    With several varying coefficients, of the sum of theirs, each in units of its own.
    """
    summed = 0.0
    for i in range(part.shape[1]):
        own = part[:, i, :, i]
        summed = summed + own / np.trace(own)
    return np.linalg.eigh((summed + summed.T) / 2)[1]


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


def _without(working: WorkingModel, inner: list[int], outer: list[int]) -> sparse.csr_array:
    """Precision of beta and the outer factors' u, the inner's integrated out."""
    kept = np.concatenate(
        [np.arange(len(working.beta)), *(np.r_[working.where(position)] for position in outer)]
    )
    precision = sparse.csr_array(working.precision)
    left = precision[kept][:, kept]
    for position in inner:
        cross = precision[working.where(position)][:, kept]
        left = left - cross.T @ block_diagonal(np.linalg.inv(working.blocks(position))) @ cross
    return sparse.csr_array(left)


def _turned(joint: np.ndarray, blocks, working: WorkingModel) -> np.ndarray:
    """What makes positions of the outer deviations N(0, I) at the rough covariances."""
    maps = []
    for block in blocks:
        scale = np.linalg.cholesky(working.covariance[block.position])
        inner = np.eye(len(scale)) + scale.T @ block.information @ scale
        upper = np.swapaxes(np.linalg.cholesky(inner), 1, 2)
        maps += [*(scale @ np.linalg.inv(upper))]
    jacobian = linalg.block_diag(*maps)
    return np.linalg.inv(np.linalg.cholesky(jacobian.T @ joint @ jacobian)).T
