"""Compiled density of models whose group effects are sampled: see `glm`.

The effects of all factors but the one with most groups come first, then the coefficients, then the
effects of that factor, the inner one; with Gaussian responses it is integrated out instead. One
pass over the rows, which are sorted by the groups of the inner factor, has their linear predictors,
densities, and the derivatives in coefficients and effects. What is passed back begins with `in_`:
derivatives of the log density.
"""

import math
from enum import IntEnum, auto

import numpy as np
from numba import carray

from partialpool.engine.collapsed_kernel import mixing_factors, mixing_factors_back
from partialpool.engine.effect_map import effects_back, effects_forward, lanes_dot
from partialpool.engine.group_pass import collapse
from partialpool.engine.kernel_parts import (
    cholesky,
    cholesky_back,
    constrain,
    constrain_back,
    cube,
    effects_scale,
    effects_scale_back,
    finite,
    matrix,
    prior_of_coefficients,
    unpacked,
    unstandardise,
    unstandardise_back,
    vector,
)
from partialpool.sampler.machine_code import address, call, jit

BLOCK = 256  # rows
NO_INNER, SAMPLED, COLLAPSED = range(3)  # how the inner factor's effects are treated


class Size(IntEnum):
    """Places of the numbers in the field SIZES."""

    THETA = 0
    LAST = auto()
    INNER = auto()
    NORMAL = auto()
    OUTER_EFFECTS = auto()


class Block(IntEnum):
    """Columns of the field BLOCKS, which has a row for each factor: the inner one first."""

    SIZE = 0
    GROUPS = auto()
    SD_AT = auto()
    NU_AT = auto()
    EFFECTS_AT = auto()
    SQUARES_AT = auto()
    ROTATION_AT = auto()
    COLUMNS_AT = auto()


class Field(IntEnum):
    """Rows of the table of fields."""

    SIZES = 0
    BLOCKS = auto()
    TRANSFORMS = auto()
    PRIOR_CODES = auto()
    PARTIAL = auto()
    BETA_CODES = auto()
    RESPONSE_AT = auto()
    REST = auto()
    INDEX = auto()
    CROSS_START = auto()
    CROSS_AT = auto()
    PRIOR_NUMBERS = auto()
    BETA_NUMBERS = auto()
    BETA_ON = auto()
    CONSTANT = auto()
    FIXED_SD = auto()
    KNOWN_SIGMA = auto()
    GAUSSIAN_ROWS = auto()
    CENTRE = auto()
    INVERSE = auto()
    REGRESSION = auto()
    DECORRELATION = auto()
    BETA_PRECISION = auto()
    TOUCHED = auto()
    CHOSEN_ROOT = auto()
    PRECISION = auto()
    LINEAR = auto()
    ROTATIONS = auto()
    BETA_CROSS = auto()
    CROSS = auto()
    FOLD = auto()
    RESPONSE = auto()
    TRIALS = auto()
    COUNT = auto()
    OFFSET = auto()
    REST_COLUMNS = auto()
    COLUMNS = auto()
    DIRECTIONS = auto()
    ROOT = auto()
    # Of the workspace.
    ONLY_VALUES = auto()
    THETA = auto()
    SLOPE = auto()
    BETA = auto()
    EFFECTS = auto()
    IN_EFFECTS = auto()
    STRETCH = auto()
    IN_STRETCH = auto()
    UNIT = auto()
    UNROTATED = auto()
    LINEARS = auto()
    STANDARD = auto()
    SHIFTS = auto()
    TRIANGLES = auto()
    IN_LINEAR = auto()
    COMBINED = auto()
    LEFT = auto()
    ALONG = auto()
    IN_ALONG = auto()
    IN_RATIO = auto()
    IN_UNIT = auto()
    T_IN_RATIO = auto()


@jit
def add_linear(eta, begin, end, columns, index, effects, size):
    """Add a factor's effects, `(group x coefficient,)`, to the linear predictors of rows."""
    for i in range(size):
        column = columns[i]
        for j in range(end - begin):
            eta[j] += column[begin + j] * effects[index[begin + j] * size + i]


@jit
def add_by_group(in_effects, begin, end, columns, index, slope, size):
    """Add the derivatives of rows to those of a factor's effects.

    Rows that follow each other in one group are summed before they are added.
    """
    for i in range(size):
        column = columns[i]
        group, total = index[begin], 0.0
        for j in range(end - begin):
            own = index[begin + j]
            if own != group:
                in_effects[group * size + i] += total
                group, total = own, 0.0
            total += column[begin + j] * slope[j]
        in_effects[group * size + i] += total


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
        one[:] = 0.0
        for g in range(groups):
            own = in_found[g * size + i]
            for h in range(groups):
                one[h] += rotation[g, h] * own
        for g in range(groups):
            in_values[g * size + i] = one[g]


def rows_density(size_of_position, position_data, gradient_data, value, data):
    """The C function: see :class:`partialpool.sampler.density.Density`."""
    position = carray(position_data, (size_of_position,))
    gradient = carray(gradient_data, (size_of_position,))
    functions, table, integers, numbers, work = unpacked(data)
    collapse_part, response_part = functions[0], functions[1]
    sizes, blocks = vector(integers, table, Field.SIZES), matrix(integers, table, Field.BLOCKS)
    last, inner, outer = sizes[Size.LAST], sizes[Size.INNER], sizes[Size.OUTER_EFFECTS]
    theta, slope = vector(work, table, Field.THETA), vector(work, table, Field.SLOPE)
    transforms = vector(integers, table, Field.TRANSFORMS)
    total = vector(numbers, table, Field.CONSTANT)[0]
    total += constrain(
        position,
        transforms,
        vector(integers, table, Field.PRIOR_CODES),
        matrix(numbers, table, Field.PRIOR_NUMBERS),
        theta,
        slope,
    )
    beta = vector(work, table, Field.BETA)
    width = len(beta)
    z = position[len(theta) : len(theta) + width]
    z_outer = position[len(theta) + width : len(theta) + width + outer]
    z_inner = position[len(theta) + width + outer :]
    in_z_inner = gradient[len(theta) + width + outer :]
    effects, in_effects = vector(work, table, Field.EFFECTS), vector(work, table, Field.IN_EFFECTS)
    unrotated = vector(work, table, Field.UNROTATED)
    in_effects[:] = 0.0

    # Covariances of all factors' effects.
    partial = cube(integers, table, Field.PARTIAL)
    widest = partial.shape[1]
    scales = np.zeros((len(blocks), widest, widest))
    correlations, roots = np.zeros_like(scales), np.zeros_like(scales)
    in_scales = np.zeros_like(scales)
    fixed_sd = matrix(numbers, table, Field.FIXED_SD)
    for b in range(len(blocks)):
        size, at = blocks[b, Block.SIZE], blocks[b, Block.SD_AT]
        sd = theta[at : at + size] if at >= 0 else fixed_sd[b, :size]
        effects_scale(scales[b], correlations[b], roots[b], sd, partial[b], theta)

    # Effects of the outer factors, given the variances.
    precision, linear = vector(numbers, table, Field.PRECISION), vector(numbers, table, Field.LINEAR)
    rotations = vector(numbers, table, Field.ROTATIONS)
    linears, in_linear = vector(work, table, Field.LINEARS), vector(work, table, Field.IN_LINEAR)
    standard, shifts = vector(work, table, Field.STANDARD), vector(work, table, Field.SHIFTS)
    triangles = vector(work, table, Field.TRIANGLES)
    decorrelation = matrix(numbers, table, Field.DECORRELATION)
    positions = np.empty(outer)
    for e in range(outer):
        positions[e] = lanes_dot(decorrelation[e], z_outer) if len(decorrelation) else z_outer[e]
    for e in range(len(linears)):
        linears[e] = linear[e]
    for b in range(1, len(blocks)):
        size, groups = blocks[b, Block.SIZE], blocks[b, Block.GROUPS]
        at, squares_at = blocks[b, Block.EFFECTS_AT], blocks[b, Block.SQUARES_AT]
        nu = theta[blocks[b, Block.NU_AT]] if blocks[b, Block.NU_AT] >= 0 else 0.0
        end = at + size * groups
        total += effects_forward(
            positions[at:end], precision[squares_at:], linears[at:], scales[b], size, groups, nu,
            triangles[squares_at:], shifts[at:], standard[at:], unrotated[at:],
        )  # fmt: skip
        rotation_at = blocks[b, Block.ROTATION_AT]
        if rotation_at >= 0:
            rotation = rotations[rotation_at : rotation_at + groups * groups]
            rotate(rotation.reshape((groups, groups)), unrotated[at:], effects[at:], size)
        else:
            for e in range(at, end):
                effects[e] = unrotated[e]

    # Coefficients, given these and the variances.
    sides = last + 1 if inner != NO_INNER else 0
    pairs = sides * (sides + 1) // 2
    inner_size, inner_groups = 0, 0
    if inner != NO_INNER:
        inner_size, inner_groups = blocks[0, Block.SIZE], blocks[0, Block.GROUPS]
    inner_scale = np.ascontiguousarray(scales[0, :inner_size, :inner_size])
    joint, in_joint = np.zeros((sides, sides)), np.zeros((sides, sides))
    factor, in_factor = np.zeros((sides, sides)), np.zeros((sides, sides))
    products, none = np.zeros(pairs), np.zeros(0)
    chosen_in_scale = np.zeros((pairs, inner_size, inner_size))
    constant_precision = vector(numbers, table, Field.BETA_PRECISION)
    empty = np.zeros((0, 0))
    if last:
        collapse(
            collapse_part,
            cube(numbers, table, Field.CHOSEN_ROOT),
            cube(numbers, table, Field.TOUCHED),
            none, inner_scale, none, none,
            products, none, chosen_in_scale, empty, empty, empty, empty, none,
        )  # fmt: skip
        pair = 0
        for a in range(sides):
            for b in range(a, sides):
                joint[a, b] = constant_precision[pair] + products[pair]
                pair += 1
        cholesky(joint, factor, last, sides)
    standardised, in_standardised = np.empty(width), np.zeros(width)
    total += unstandardise(z, factor, standardised, last)
    centre, inverse = vector(numbers, table, Field.CENTRE), matrix(numbers, table, Field.INVERSE)
    regression = matrix(numbers, table, Field.REGRESSION)
    for i in range(width):
        beta[i] = centre[i] + lanes_dot(regression[i], effects[:outer])
        for k in range(width):
            beta[i] += inverse[i, k] * standardised[k]
    in_beta = np.zeros(width)
    total += prior_of_coefficients(
        beta,
        in_beta,
        matrix(numbers, table, Field.BETA_ON),
        vector(integers, table, Field.BETA_CODES),
        matrix(numbers, table, Field.BETA_NUMBERS),
    )

    # Effects of the inner factor, given all of these.
    at = outer
    cross_start = vector(integers, table, Field.CROSS_START)
    cross_at, cross = vector(integers, table, Field.CROSS_AT), matrix(numbers, table, Field.CROSS)
    beta_cross = matrix(numbers, table, Field.BETA_CROSS)
    stretch, in_stretch = vector(work, table, Field.STRETCH), vector(work, table, Field.IN_STRETCH)
    nu_inner = 0.0
    if inner != NO_INNER and blocks[0, Block.NU_AT] >= 0:
        nu_inner = theta[blocks[0, Block.NU_AT]]
    if inner == SAMPLED:
        for g in range(inner_groups):
            for i in range(inner_size):
                row = g * inner_size + i
                one = linear[at + row]
                for k in range(width):
                    one -= beta_cross[row, k] * beta[k]
                for c in range(cross_start[g], cross_start[g + 1]):
                    one -= cross[c, i] * effects[cross_at[c]]
                linears[at + row] = one
        squares_at = blocks[0, Block.SQUARES_AT]
        total += effects_forward(
            z_inner, precision[squares_at:], linears[at:], scales[0], inner_size, inner_groups,
            nu_inner, triangles[squares_at:], shifts[at:], standard[at:], effects[at:],
        )  # fmt: skip
    elif nu_inner > 0.0:
        total += mixing_factors(z_inner, nu_inner, stretch)
    if vector(work, table, Field.ONLY_VALUES)[0] != 0.0:
        return 0

    # Coefficients of the inner factor's columns: those of the group and of the population.
    combined, fold = vector(work, table, Field.COMBINED), matrix(numbers, table, Field.FOLD)
    folded = np.zeros(inner_size)
    for i in range(inner_size):
        for k in range(width):
            folded[i] += fold[i, k] * beta[k]
    for g in range(inner_groups):
        for i in range(inner_size):
            row = g * inner_size + i
            combined[row] = folded[i] + (effects[at + row] if inner == SAMPLED else 0.0)
    in_combined = np.zeros(inner_size * inner_groups)

    # Rows.
    y, offset = vector(numbers, table, Field.RESPONSE), vector(numbers, table, Field.OFFSET)
    trials, count = vector(numbers, table, Field.TRIALS), vector(numbers, table, Field.COUNT)
    rest, rest_columns = vector(integers, table, Field.REST), matrix(numbers, table, Field.REST_COLUMNS)
    columns, index = matrix(numbers, table, Field.COLUMNS), matrix(integers, table, Field.INDEX)
    response_at = vector(integers, table, Field.RESPONSE_AT)
    response = np.empty(len(response_at))
    for i in range(len(response)):
        at_theta = response_at[i]
        response[i] = theta[at_theta] if at_theta >= 0 else numbers[table[Field.KNOWN_SIGMA, 1]]
    normal, variance = sizes[Size.NORMAL] != 0, 1.0
    if normal:
        variance = response[0] * response[0]
    eta, row_slope = np.empty(BLOCK), np.empty(BLOCK)
    sums = np.zeros((len(response) + 1, BLOCK))
    in_rest, in_outer = np.zeros((len(rest), BLOCK)), in_effects[:outer]
    left, directions = vector(work, table, Field.LEFT), matrix(numbers, table, Field.DIRECTIONS)
    along, in_along = cube(work, table, Field.ALONG), matrix(work, table, Field.IN_ALONG)
    passes = 2 if inner == COLLAPSED else 1
    lengths = np.zeros(2, np.int64)
    lengths[1] = len(response)
    places = np.zeros(7, np.int64)
    along_squares, squares = np.zeros(1), 0.0
    in_ratio, in_unit = matrix(work, table, Field.IN_RATIO), matrix(work, table, Field.IN_UNIT)
    t_in_ratio, unit = vector(work, table, Field.T_IN_RATIO), vector(work, table, Field.UNIT)
    ratio = np.zeros(len(unit))
    divisor = 1.0 if len(unit) or not normal else math.sqrt(variance)
    outside = 1.0 / (divisor * divisor)
    collapsed_in_scale = np.zeros((1, inner_size, inner_size))
    t_in_scale = np.zeros((inner_size, inner_size))
    for pass_number in range(passes):
        if pass_number == 1:
            # All residuals are known: integrate the inner effects out.
            for g in range(len(unit)):
                unit[g] = 1.0 / response[0]
                ratio[g] = stretch[g] * unit[g]
            total -= collapse(
                collapse_part,
                cube(numbers, table, Field.ROOT),
                along, none, inner_scale / divisor, ratio, unit,
                along_squares, none, collapsed_in_scale, in_ratio, in_unit,
                in_along, t_in_scale, t_in_ratio,
            )  # fmt: skip
            total -= 0.5 * outside * along_squares[0]
        for begin in range(0, len(y), BLOCK):
            end = min(begin + BLOCK, len(y))
            if pass_number == 0:
                for j in range(end - begin):
                    eta[j] = offset[begin + j]
                for c in range(len(rest)):
                    one = beta[rest[c]]
                    for j in range(end - begin):
                        eta[j] += rest_columns[c, begin + j] * one
                if inner != NO_INNER:
                    add_linear(eta, begin, end, columns, index[0], combined, inner_size)
                for b in range(1, len(blocks)):
                    first = blocks[b, Block.COLUMNS_AT]
                    add_linear(
                        eta, begin, end, columns[first:], index[b],
                        effects[blocks[b, Block.EFFECTS_AT] :], blocks[b, Block.SIZE],
                    )  # fmt: skip
            if inner == COLLAPSED:
                if pass_number == 0:
                    for j in range(end - begin):
                        left[begin + j] = y[begin + j] - eta[j]
                    continue
                for j in range(end - begin):
                    row = begin + j
                    g = index[0, row]
                    within, explained = left[row], 0.0
                    for i in range(inner_size):
                        within -= directions[i, row] * along[i, 0, g]
                        explained += directions[i, row] * in_along[i, g]
                    squares += within * within
                    row_slope[j] = within / variance + 0.5 * outside * explained
            elif normal:
                for j in range(end - begin):
                    one = y[begin + j] - eta[j]
                    sums[0, j] += one * one
                    row_slope[j] = one / variance
            else:
                lengths[0] = end - begin
                places[0], places[1] = address(y) + 8 * begin, address(trials) + 8 * begin
                places[2], places[3] = address(count) + 8 * begin, address(eta)
                places[4], places[5], places[6] = address(response), address(row_slope), address(sums)
                call(response_part, lengths, places)
            for c in range(len(rest)):
                for j in range(end - begin):
                    in_rest[c, j] += rest_columns[c, begin + j] * row_slope[j]
            if inner != NO_INNER:
                add_by_group(in_combined, begin, end, columns, index[0], row_slope, inner_size)
            for b in range(1, len(blocks)):
                first = blocks[b, Block.COLUMNS_AT]
                add_by_group(
                    in_outer[blocks[b, Block.EFFECTS_AT] :], begin, end, columns[first:], index[b],
                    row_slope, blocks[b, Block.SIZE],
                )  # fmt: skip
        if inner == COLLAPSED and pass_number == 0:
            along[:] = 0.0
            for i in range(inner_size):
                for row in range(len(y)):
                    along[i, 0, index[0, row]] += directions[i, row] * left[row]
    in_response = np.zeros(len(response))
    if normal:
        for j in range(BLOCK):
            squares += sums[0, j]
        sigma = response[0]
        rows = numbers[table[Field.GAUSSIAN_ROWS, 1]]
        total -= 0.5 * squares / variance + rows * math.log(sigma)
        in_response[0] = squares / (variance * sigma) - rows / sigma
    else:
        for j in range(BLOCK):
            total += sums[0, j]
        for i in range(len(response)):
            for j in range(BLOCK):
                in_response[i] += sums[i + 1, j]
    for c in range(len(rest)):
        for j in range(BLOCK):
            in_beta[rest[c]] += in_rest[c, j]

    # Back: the inner factor's effects, or what they were integrated over.
    in_folded = np.zeros(inner_size)
    for g in range(inner_groups):
        for i in range(inner_size):
            in_folded[i] += in_combined[g * inner_size + i]
    for k in range(width):
        for i in range(inner_size):
            in_beta[k] += fold[i, k] * in_folded[i]
    in_nu = 0.0
    if inner == SAMPLED:
        squares_at = blocks[0, Block.SQUARES_AT]
        in_nu = effects_back(
            in_combined, precision[squares_at:], linears[at:], scales[0], inner_size, inner_groups,
            nu_inner, triangles[squares_at:], shifts[at:], standard[at:],
            in_z_inner, in_linear[at:], in_scales[0],
        )  # fmt: skip
        for g in range(inner_groups):
            for i in range(inner_size):
                row = g * inner_size + i
                one = in_linear[at + row]
                for k in range(width):
                    in_beta[k] -= beta_cross[row, k] * one
                for c in range(cross_start[g], cross_start[g + 1]):
                    in_effects[cross_at[c]] -= cross[c, i] * one
    elif inner == COLLAPSED:
        for i in range(inner_size):
            for k in range(i + 1):
                own = (-0.5 * outside * collapsed_in_scale[0, i, k] - t_in_scale[i, k]) / divisor
                in_scales[0, i, k] += own
                if len(unit) == 0:
                    in_response[0] -= own * inner_scale[i, k] / divisor
        if len(unit):
            for g in range(len(unit)):
                one = -0.5 * in_ratio[0, g] - t_in_ratio[g]
                in_stretch[g] = one * unit[g]
                in_response[0] -= (one * ratio[g] - 0.5 * in_unit[0, g] * unit[g]) * unit[g]
            in_nu = mixing_factors_back(z_inner, nu_inner, stretch, in_stretch, in_z_inner)
        else:
            in_response[0] += outside * along_squares[0] / divisor
    if nu_inner > 0.0:
        slope[blocks[0, Block.NU_AT]] += in_nu
    for i in range(len(response)):
        if response_at[i] >= 0:
            slope[response_at[i]] += in_response[i]

    # The coefficients.
    for k in range(width):
        for i in range(width):
            in_standardised[k] += inverse[i, k] * in_beta[i]
    for i in range(width):
        own = in_beta[i]
        for e in range(outer):
            in_effects[e] += regression[i, e] * own
    in_z = gradient[len(theta) : len(theta) + width]
    unstandardise_back(in_standardised, factor, standardised, in_factor, in_z, last)
    if last:
        cholesky_back(joint, factor, in_factor, in_joint, last, sides)
        pair = 0
        for a in range(sides):
            for b in range(a, sides):
                for i in range(inner_size):
                    for k in range(i + 1):
                        in_scales[0, i, k] += in_joint[a, b] * chosen_in_scale[pair, i, k]
                pair += 1

    # The outer factors' effects.
    in_positions = np.zeros(outer)
    for b in range(1, len(blocks)):
        size, groups = blocks[b, Block.SIZE], blocks[b, Block.GROUPS]
        at, squares_at = blocks[b, Block.EFFECTS_AT], blocks[b, Block.SQUARES_AT]
        end = at + size * groups
        rotation_at = blocks[b, Block.ROTATION_AT]
        if rotation_at >= 0:
            rotation = rotations[rotation_at : rotation_at + groups * groups]
            rotate_back(rotation.reshape((groups, groups)), in_effects[at:], in_effects[at:], size)
        nu_at = blocks[b, Block.NU_AT]
        nu = theta[nu_at] if nu_at >= 0 else 0.0
        in_nu = effects_back(
            in_effects[at:end], precision[squares_at:], linears[at:], scales[b], size, groups,
            nu, triangles[squares_at:], shifts[at:], standard[at:],
            in_positions[at:end], in_linear[at:], in_scales[b],
        )  # fmt: skip
        if nu_at >= 0:
            slope[nu_at] += in_nu
    in_z_outer = gradient[len(theta) + width : len(theta) + width + outer]
    for e in range(outer):
        in_z_outer[e] = 0.0 if len(decorrelation) else in_positions[e]
    for f in range(len(decorrelation)):
        own = in_positions[f]
        for e in range(outer):
            in_z_outer[e] += decorrelation[f, e] * own

    # The variances.
    in_sd = np.zeros(widest)
    for b in range(len(blocks)):
        size, at_sd = blocks[b, Block.SIZE], blocks[b, Block.SD_AT]
        sd = theta[at_sd : at_sd + size] if at_sd >= 0 else fixed_sd[b, :size]
        effects_scale_back(
            in_scales[b], correlations[b], roots[b], sd, partial[b], theta, in_sd, slope
        )
        if at_sd >= 0:
            for i in range(size):
                slope[at_sd + i] += in_sd[i]
    constrain_back(gradient, transforms, theta, slope)
    value[0] = total
    return finite(total, gradient)
