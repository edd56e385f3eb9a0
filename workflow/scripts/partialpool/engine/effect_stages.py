"""Stages of the effects that are sampled: those of the outer factors, then of the inner one.

The outer factors' effects come first, in coordinates from their marginal, then the coefficients,
then the effects of the inner factor, which has most groups, given all of these: see `centring`.
"""

import numpy as np

from partialpool.engine.effect_map import effects_back, effects_forward, lanes_dot
from partialpool.engine.fields import (
    Block,
    Field,
    integer_matrix,
    integers,
    matrix,
    of_part,
    vector,
    zeros,
)
from partialpool.sampler.machine_code import jit


@jit
def rotate(rotation, values, found, size):
    """Effects of the groups from rotated ones: the same matrix for each coefficient."""
    groups = len(rotation)
    one = np.empty(groups)
    for i in range(size):
        for g in range(groups):
            one[g] = values[g * size + i]
        for g in range(groups):
            found[g * size + i] = lanes_dot(rotation[g], one)


@jit
def rotate_back(rotation, in_found, in_values, size):
    """Derivatives in the rotated effects, set."""
    groups = len(rotation)
    one = np.empty(groups)
    for i in range(size):
        zeros(one)
        for g in range(groups):
            own = in_found[g * size + i]
            for h in range(groups):
                one[h] += rotation[g, h] * own
        for g in range(groups):
            in_values[g * size + i] = one[g]


@jit
def degrees_of_freedom(model, number):
    """Degrees of freedom of a factor's effects; 0 if they are normal."""
    at = integer_matrix(model, Field.BLOCKS)[number, Block.NU_AT]
    return vector(model, Field.THETA)[at] if at >= 0 else 0.0


def outer_effects(parts, table):
    """Effects of all factors but the inner one, and their log density, from their positions."""
    model = of_part(parts, table)
    first = len(vector(model, Field.THETA)) + len(vector(model, Field.BETA))
    z = vector(model, Field.POSITION)[first : first + len(vector(model, Field.POSITIONS))]
    blocks, total = integer_matrix(model, Field.BLOCKS), 0.0
    effects, unrotated = vector(model, Field.EFFECTS), vector(model, Field.UNROTATED)
    decorrelation, positions = matrix(model, Field.DECORRELATION), vector(model, Field.POSITIONS)
    linears, rotations = vector(model, Field.LINEARS), vector(model, Field.ROTATIONS)
    linear = vector(model, Field.LINEAR)
    for e in range(len(linear)):
        linears[e] = linear[e]
    for e in range(len(z)):
        positions[e] = lanes_dot(decorrelation[e], z) if len(decorrelation) else z[e]
    for b in range(1, len(blocks)):
        size, groups, at = (
            blocks[b, Block.SIZE],
            blocks[b, Block.GROUPS],
            blocks[b, Block.EFFECTS_AT],
        )
        total += effects_forward(
            model, b, positions[at:], degrees_of_freedom(model, b), unrotated[at:]
        )
        first = blocks[b, Block.ROTATION_AT]
        if first >= 0:
            rotation = rotations[first : first + groups * groups].reshape((groups, groups))
            rotate(rotation, unrotated[at:], effects[at:], size)
        else:
            for e in range(at, at + size * groups):
                effects[e] = unrotated[e]
    vector(model, Field.TOTAL)[0] += total
    return 0


def outer_effects_back(parts, table):
    """From the effects of all factors but the inner one to their positions and variances."""
    model = of_part(parts, table)
    first = len(vector(model, Field.THETA)) + len(vector(model, Field.BETA))
    in_z = vector(model, Field.GRADIENT)[first : first + len(vector(model, Field.POSITIONS))]
    blocks = integer_matrix(model, Field.BLOCKS)
    in_effects, slope = vector(model, Field.IN_EFFECTS), vector(model, Field.SLOPE)
    in_positions, rotations = vector(model, Field.POSITIONS), vector(model, Field.ROTATIONS)
    for b in range(1, len(blocks)):
        size, groups, at = (
            blocks[b, Block.SIZE],
            blocks[b, Block.GROUPS],
            blocks[b, Block.EFFECTS_AT],
        )
        first = blocks[b, Block.ROTATION_AT]
        if first >= 0:
            rotation = rotations[first : first + groups * groups].reshape((groups, groups))
            rotate_back(rotation, in_effects[at:], in_effects[at:], size)
        nu = degrees_of_freedom(model, b)
        in_nu = effects_back(model, b, in_effects[at:], nu, in_positions[at:])
        if nu > 0.0:
            slope[blocks[b, Block.NU_AT]] += in_nu
    decorrelation = matrix(model, Field.DECORRELATION)
    if len(decorrelation):
        zeros(in_z)
        for f in range(len(in_z)):
            for e in range(len(in_z)):
                in_z[e] += decorrelation[f, e] * in_positions[f]
    else:
        for e in range(len(in_z)):
            in_z[e] = in_positions[e]
    return 0


def inner_effects(parts, table):
    """Effects of the inner factor, given all else, and their log density."""
    model = of_part(parts, table)
    before = len(vector(model, Field.THETA)) + len(vector(model, Field.BETA))
    z = vector(model, Field.POSITION)[before + len(vector(model, Field.POSITIONS)) :]
    blocks, beta = integer_matrix(model, Field.BLOCKS), vector(model, Field.BETA)
    size, groups, at = blocks[0, Block.SIZE], blocks[0, Block.GROUPS], blocks[0, Block.EFFECTS_AT]
    start, places = integers(model, Field.CROSS_START), integers(model, Field.CROSS_AT)
    cross, beta_cross = matrix(model, Field.CROSS), matrix(model, Field.BETA_CROSS)
    linear, linears = vector(model, Field.LINEAR)[at:], vector(model, Field.LINEARS)[at:]
    effects = vector(model, Field.EFFECTS)
    for g in range(groups):
        for i in range(size):
            row = g * size + i
            one = linear[row]
            for k in range(len(beta)):
                one -= beta_cross[row, k] * beta[k]
            for c in range(start[g], start[g + 1]):
                one -= cross[c, i] * effects[places[c]]
            linears[row] = one
    nu = degrees_of_freedom(model, np.int64(0))
    vector(model, Field.TOTAL)[0] += effects_forward(model, np.int64(0), z, nu, effects[at:])
    return 0


def inner_effects_back(parts, table):
    """From the inner factor's effects to their positions, variances, and all they depend on."""
    model = of_part(parts, table)
    before = len(vector(model, Field.THETA)) + len(vector(model, Field.BETA))
    in_z = vector(model, Field.GRADIENT)[before + len(vector(model, Field.POSITIONS)) :]
    blocks, in_beta = integer_matrix(model, Field.BLOCKS), vector(model, Field.IN_BETA)
    size, groups, at = blocks[0, Block.SIZE], blocks[0, Block.GROUPS], blocks[0, Block.EFFECTS_AT]
    start, places = integers(model, Field.CROSS_START), integers(model, Field.CROSS_AT)
    cross, beta_cross = matrix(model, Field.CROSS), matrix(model, Field.BETA_CROSS)
    in_linear, in_effects = vector(model, Field.IN_LINEAR)[at:], vector(model, Field.IN_EFFECTS)
    nu = degrees_of_freedom(model, np.int64(0))
    in_nu = effects_back(model, np.int64(0), vector(model, Field.IN_COMBINED), nu, in_z)
    if nu > 0.0:
        vector(model, Field.SLOPE)[blocks[0, Block.NU_AT]] += in_nu
    for g in range(groups):
        for i in range(size):
            row = g * size + i
            one = in_linear[row]
            for k in range(len(in_beta)):
                in_beta[k] -= beta_cross[row, k] * one
            for c in range(start[g], start[g + 1]):
                in_effects[places[c]] -= cross[c, i] * one
    return 0
