"""Partially centred parameterisation of group effects, from a working Gaussian model.

Write u = L v with v ~ N(0, I) for the effects of one group. In the working model, given beta and
the other factors, v has precision T'T = I + L'SL and mean (T'T)^-1 L'(g - H beta), where S is the
precision that the group's rows add. So z in v = T^-1 (c + z), with T'c = L'(g - H beta), is
standard normal whatever L is. With little information in the rows this is the non-centred
parameterisation, with much the centred one, and in between partially centred (Papaspiliopoulos,
Roberts & Sköld 2007, https://doi.org/10.1214/088342307000000014).

The factor with most groups is sampled last. The others come first, from their marginal with beta
and the last factor's effects integrated out of the working model; then beta given these; then the
last factor's effects given all else. In that marginal the mean of a factor's effects is confounded
with beta, and only contrasts between groups are identified by the rows. Its effects are therefore
rotated over the groups to the eigenvectors of their precision: the normal prior is invariant, the
mean scales with L, and each contrast has a precision of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import group_algebra, preconditioner
from partialpool.engine.pirls import WorkingModel, block_diagonal, diagonal_blocks
from partialpool.model.description import GroupingFactor

# Effects that are rotated jointly, at most. With 500, the rotation takes a third of the time of a
# gradient of 100,000 rows, and draws are worth twenty times as much.
LARGEST = 1000
LEAST = 1e-9  # smallest eigenvalue of a precision, relative to the largest


@dataclass(frozen=True)
class Block:
    """Precision and linear term of one factor's effects in the working model.

    Attributes
    ----------
    position : int
        Index of the factor among those of the data.
    factor : GroupingFactor
    root : numpy.ndarray
        Shape `(varying, varying, group)`: upper triangular root R of S = R'R.
    beta_cross : numpy.ndarray
        H, cross precision with beta, shape `(varying, coefficient, group)`.
    linear : numpy.ndarray
        g, linear term of the log density, shape `(varying, group)`.
    rotation : numpy.ndarray or None
        Orthogonal, `(group, group)`: effects of the groups are this matrix times the rotated ones,
        which the other arrays are of.
    """

    position: int
    factor: GroupingFactor
    root: np.ndarray
    beta_cross: np.ndarray
    linear: np.ndarray
    rotation: np.ndarray | None = None

    @property
    def precision(self) -> np.ndarray:
        """S, the precision from the rows, shape `(group, varying, varying)`."""
        root = np.moveaxis(self.root, -1, 0)
        return np.swapaxes(root, 1, 2) @ root

    def centring(self, covariance: np.ndarray) -> np.ndarray:
        """Share of the rows in the precision of each group's effects, `(group,)`, from 0 to 1."""
        size = len(covariance)
        total = self.precision + np.linalg.inv(covariance)
        return np.trace(np.linalg.solve(total, self.precision), axis1=1, axis2=2) / size

    def mostly_prior(self, working: WorkingModel) -> bool:
        """Whether the prior has more precision than the rows in most groups."""
        return np.median(self.centring(working.covariance[self.position])) < 0.5

    @property
    def is_non_centred(self) -> bool:
        """Whether effects are non-centred; other blocks have a positive definite S."""
        return not self.root.any()

    @property
    def is_diagonal(self) -> bool:
        """Whether the rotation has left nothing to decorrelate."""
        return self.rotation is not None and len(self.linear) == 1

    def non_centred(self) -> "Block":
        """The same factor with S = 0: the non-centred parameterisation."""
        zeros = {n: np.zeros_like(getattr(self, n)) for n in ("root", "beta_cross", "linear")}
        return replace(self, **zeros)


@dataclass(frozen=True)
class BetaPrecision:
    """Parts of the conditional precision of beta given the variances, in the working model.

    The effects of the last factor are integrated out at the current variances: a Schur complement
    of their joint precision with the last coordinates of beta.

    Attributes
    ----------
    root : numpy.ndarray
        Shape `(varying, varying, chosen)`: as in :class:`Block`, of the representative groups.
    rows : numpy.ndarray
        `(varying, pair, chosen)`: working rows that depend on the effects, times the directions of
        the last coordinates of beta, and their residuals; and sums of each two of these.
    squares : numpy.ndarray
        `(pair,)`: sums of squares of the same, over the rows that are free of the effects.
    """

    root: np.ndarray
    rows: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class EffectCoordinates:
    """Affine maps from the sampler's positions to coefficients and group effects.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: beta at the origin.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ position + beta_regression @
        effects. Coefficients that vary by the last factor have the last positions.
    last : int
        Number of coefficients that vary by the last factor.
    beta_precision : BetaPrecision or None
        For the last positions; None without factors.
    beta_regression : numpy.ndarray
        `(coefficient, effect)`: regression of beta on the effects of all other factors, group by
        group, in the working model.
    rotation : numpy.ndarray or None
        `(effect, effect)`: decorrelates the positions of these effects.
    blocks : list of Block
        By factor; first the one with most groups, which is sampled last.
    """

    centre: np.ndarray
    inverse: np.ndarray
    last: int
    beta_precision: BetaPrecision | None
    beta_regression: np.ndarray
    rotation: np.ndarray | None
    blocks: list[Block]

    @property
    def others(self) -> int:
        """Number of effects of all blocks but the first."""
        return sum(block.linear.size for block in self.blocks[1:])

    def of_block(self, block: Block) -> slice:
        """Slice of a block's effects among those of all blocks but the first."""
        begin = 0
        for one in self.blocks[1:]:
            end = begin + one.linear.size
            if one is block:
                break
            begin = end
        return slice(begin, end)

    @classmethod
    def of(
        cls, data: MergedRows, working: WorkingModel, non_centred: bool = False, heavy=()
    ) -> "EffectCoordinates":
        """Coordinates from the working model of one variant.

        With `non_centred`, factors with more precision from the prior than from the rows are
        non-centred. Factors in `heavy` have Student-t effects, which rotations would change.
        """
        size = len(working.beta)
        factors = data.factors[: len(working.u)]
        order = sorted(range(len(factors)), key=lambda i: -len(factors[i].levels))
        inner, outer = order[:1], order[1:]
        marginal = _marginal_precision(working, inner, outer)
        precision, cross = marginal[:size, :size].toarray(), marginal[size:, :size].toarray()

        varies = factors[inner[0]].varying if inner else ()
        last = [c for c in data.coefficients if c in varies]
        index = [data.coefficients.index(c) for c in data.coefficients if c not in varies]
        index += [data.coefficients.index(c) for c in last]
        own = precision[np.ix_(index, index)]
        inverse = np.zeros_like(precision)
        inverse[index] = np.linalg.inv(linalg.cholesky((own + own.T) / 2))
        beta_precision = None
        if inner:
            beta_precision = _beta_precision(
                data, working, inner[0], inverse[:, size - len(last) :]
            )

        beta_regression = -np.linalg.solve(precision, cross.T)
        modes = [working.u[position].ravel() for position in outer]
        centre = working.beta - beta_regression @ np.concatenate([*modes, np.zeros(0)])
        blocks, joint = _other_blocks(
            data, working, outer, marginal[size:, size:], cross, beta_regression, heavy
        )
        blocks = [_last_block(data, working, position) for position in inner] + blocks
        if non_centred:
            blocks = [
                block.non_centred() if block.mostly_prior(working) else block for block in blocks
            ]
        rotation = None if joint is None else _decorrelation(joint, blocks[1:], working)
        return cls(centre, inverse, len(last), beta_precision, beta_regression, rotation, blocks)


def _beta_precision(
    data: MergedRows, working: WorkingModel, position: int, steps: np.ndarray
) -> BetaPrecision:
    """Conditional precision of beta along `steps`, from the mode."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    given_all = working.blocks(position)
    information = given_all - np.linalg.inv(working.covariance[position])
    beta_cross = working.precision[where, :size].toarray().reshape(*u.shape, size)
    # Linear term with all else at the mode, where the mode of u is u itself.
    own = np.einsum("gik,gk->gi", given_all, u)
    block = _block(position, factor, information, beta_cross, own)

    chosen, times = preconditioner.representatives(np.trace(information, axis1=1, axis2=2))
    if len(chosen) < len(u):
        own = np.zeros_like(own)
    root = np.moveaxis(block.root, -1, 0)
    along = np.concatenate([beta_cross @ steps, own[..., None]], axis=-1)
    touched = np.linalg.solve(np.swapaxes(root, 1, 2), along)
    whole = np.zeros((steps.shape[1] + 1, steps.shape[1] + 1))
    whole[:-1, :-1] = steps.T @ working.precision[:size, :size].toarray() @ steps
    if own.any():
        # At the mode, the gradients in beta and in the effects are both zero.
        whole[-1, :-1] = whole[:-1, -1] = np.einsum("gik,gi->k", along[..., :-1], u)
    whole -= np.einsum("gik,gim->km", touched, touched)
    pairs = group_algebra.pairs(len(whole))
    rows = np.moveaxis(touched[chosen] @ pairs, 0, -1) * np.sqrt(times)
    return BetaPrecision(
        block.root[..., chosen], rows, np.einsum("ip,ik,kp->p", pairs, whole, pairs)
    )


def _last_block(data: MergedRows, working: WorkingModel, position: int) -> Block:
    """Block of the factor with most groups, given all else."""
    factor, u = data.factors[position], working.u[position]
    where, size = working.where(position), len(working.beta)
    information = working.blocks(position) - np.linalg.inv(working.covariance[position])
    mode = np.concatenate([working.beta, *(one.ravel() for one in working.u)])
    # Z'W y of the working rows: the prior of u has mean zero.
    linear = (working.precision[where] @ mode).reshape(u.shape)
    beta_cross = working.precision[where, :size].toarray().reshape(*u.shape, size)
    return _block(position, factor, information, beta_cross, linear)


def _other_blocks(data, working, positions, within, cross, beta_regression, heavy):
    """Blocks of the other factors, with beta and the last factor's effects integrated out.

    `within` is the precision of their effects given beta, `cross` the cross precision. Also returns
    their joint precision, rotated, unless there are more than `LARGEST` effects or it is diagonal.
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
        linear = np.einsum("gik,gk->gi", own, u)
        information = own - np.linalg.inv(working.covariance[position])
        beta_cross = np.zeros((*u.shape, 0))
        block = _block(position, factor, information, beta_cross, linear)
        blocks.append(replace(block, rotation=rotation))
    if not blocks or joint is None or (len(blocks) == 1 and blocks[0].is_diagonal):
        return blocks, None
    sizes = [working.u[position].shape[1] for position in positions]
    whole = linalg.block_diag(
        *(np.kron(one, np.eye(size)) for one, size in zip(rotations, sizes, strict=True))
    )
    return blocks, whole.T @ joint @ whole


def _rotation(part: np.ndarray) -> np.ndarray:
    """Eigenvectors over groups of a precision, `(group, varying, group, varying)`.

    With several varying coefficients, those of the sum of their precisions, each of trace one.
    """
    summed = 0.0
    for i in range(part.shape[1]):
        own = part[:, i, :, i]
        summed = summed + own / np.trace(own)
    return np.linalg.eigh((summed + summed.T) / 2)[1]


def _block(position, factor, information, beta_cross, linear) -> Block:
    """Make a block, with arrays by group last, and the precision made positive definite."""
    largest = np.trace(information, axis1=1, axis2=2).max()
    values, vectors = np.linalg.eigh((information + np.swapaxes(information, 1, 2)) / 2)
    values = np.maximum(values, LEAST * max(largest, LEAST))
    root = np.linalg.qr(np.sqrt(values)[:, :, None] * np.swapaxes(vectors, 1, 2), mode="r")
    return Block(
        position,
        factor,
        np.moveaxis(root, 0, -1),
        np.moveaxis(beta_cross, 0, -1),
        np.moveaxis(linear, 0, -1),
    )


def _marginal_precision(working: WorkingModel, inner: list, outer: list) -> sparse.csr_array:
    """Precision of beta and the other factors' effects: the Schur complement of the last's."""
    kept = np.concatenate(
        [np.arange(len(working.beta)), *(np.r_[working.where(position)] for position in outer)]
    )
    precision = sparse.csr_array(working.precision)
    left = precision[kept][:, kept]
    for position in inner:
        cross = precision[working.where(position)][:, kept]
        left = left - cross.T @ block_diagonal(np.linalg.inv(working.blocks(position))) @ cross
    return sparse.csr_array(left)


def _decorrelation(joint: np.ndarray, blocks, working: WorkingModel) -> np.ndarray:
    """Map that decorrelates the positions of effects at the rough covariances."""
    maps = []
    for block in blocks:
        scale = np.linalg.cholesky(working.covariance[block.position])
        inner = np.eye(len(scale)) + scale.T @ block.precision @ scale
        upper = np.swapaxes(np.linalg.cholesky(inner), 1, 2)
        maps += [*(scale @ np.linalg.inv(upper))]
    jacobian = linalg.block_diag(*maps)
    return np.linalg.inv(np.linalg.cholesky(jacobian.T @ joint @ jacobian)).T
