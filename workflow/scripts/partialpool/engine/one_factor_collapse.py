"""Gaussian responses with several factors: the effects of one of them integrated out.

Given the other factors' effects, the model has one factor, whose effects are integrated out as in
`collapse` and drawn from their conditional normal afterwards. Groups have merged rows rather than
triangles, so the QR decomposition of each group's varying columns takes the triangle's place.
"""

import numpy as np

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import collapse, preconditioner
from partialpool.engine.centring import Block
from partialpool.engine.posterior import SampledParameters
from partialpool.model.priors import Priors


def draw(
    draws: SampledParameters, data: MergedRows, block: Block, others, sampled: dict, rng
) -> np.ndarray:
    """Draw the effects of one factor from their conditional normal.

    Parameters
    ----------
    draws : SampledParameters
    data : MergedRows
    block : Block
        The factor.
    others : sequence of Block
        The other factors.
    sampled : dict of str to numpy.ndarray
        Effects of the other factors, `(draw, group, varying)`.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        u, those that the priors are on, `(draw, group, varying)`.
    """
    root, directions = orthonormalise(data, draws.priors, block)
    scale, sigma = draws.group_scale(block.factor), np.reshape(draws.sigma, (-1, 1))
    along = np.empty((len(directions), draws.count, len(block.factor.levels)))
    design = data.select_columns(data.coefficients)
    index = data.index[block.position]
    columns_of = [(b, preconditioner.effects_columns(data, draws.priors, b.factor)) for b in others]
    for number in range(draws.count):
        left = data.y - design @ draws["beta"][number]
        for other, columns in columns_of:
            u = sampled[other.factor.name][number][data.index[other.position]]
            left = left - (columns * u).sum(axis=1)
        for i, direction in enumerate(directions):
            along[i, number] = np.bincount(index, direction * left, along.shape[-1])
    u = collapse.draw(root[:, :, None, :], along, scale, sigma, rng)
    return np.moveaxis(u, 0, -1)


def orthonormalise(data: MergedRows, priors: Priors, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """QR of each group's varying columns: R `(varying, varying, group)`, Q' `(varying, row)`."""
    index, groups = data.index[block.position], len(block.factor.levels)
    columns = list(preconditioner.effects_columns(data, priors, block.factor).T.copy())
    lengths = [np.sqrt(np.bincount(index, one**2, groups)) for one in columns]
    size = len(columns)
    root, directions = np.zeros((size, size, groups)), np.zeros((size, len(index)))
    for i in range(size):
        length = np.sqrt(np.bincount(index, columns[i] ** 2, groups))
        # In this group, the column is a combination of those before it.
        length = np.where(length > 1e-10 * lengths[i], length, 0.0)
        root[i, i] = length
        directions[i] = np.divide(
            columns[i], length[index], out=np.zeros(len(index)), where=length[index] > 0
        )
        for k in range(i + 1, size):
            root[i, k] = np.bincount(index, directions[i] * columns[k], groups)
            columns[k] = columns[k] - directions[i] * root[i, k][index]
    return root, directions
