"""Compiled density of models whose group effects are sampled: see `glm`.

The effects of all factors but the one with most groups come first, then the coefficients, then the
effects of that factor, the inner one; with Gaussian responses these are integrated out instead.
One pass over the rows, which are sorted by the groups of the inner factor, has their linear
predictors, densities, and the derivatives in coefficients and effects.
"""

import math

import numpy as np

from partialpool.engine.collapsed_kernel import mixing_factors, mixing_factors_back
from partialpool.engine.effect_map import lanes_dot
from partialpool.engine.effect_stages import degrees_of_freedom
from partialpool.engine.fields import (
    BLOCK,
    Block,
    Field,
    Part,
    Size,
    cube,
    finish,
    integer,
    integer_matrix,
    integers,
    matrix,
    of_part,
    unpacked,
    vector,
    zeros,
)
from partialpool.engine.group_pass import collapse
from partialpool.engine.shared_stages import (
    coefficients,
    coefficients_back,
    parameters,
    parameters_back,
)
from partialpool.sampler.machine_code import address, call, jit

NO_INNER, SAMPLED, COLLAPSED = range(3)  # how the inner factor's effects are treated


@jit
def add_linear(eta, begin, end, columns, index, effects, size):
    """Add a factor's effects, `(group x coefficient,)`, to the linear predictors of rows."""
    groups = index[begin:end]
    for i in range(size):
        column = columns[i, begin:end]
        for j in range(len(groups)):
            eta[j] += column[j] * effects[np.uint64(groups[j] * size + i)]


@jit
def add_by_group(in_effects, begin, end, columns, index, slope, size):
    """Add the derivatives of rows to those of a factor's effects."""
    groups = index[begin:end]
    for i in range(size):
        column = columns[i, begin:end]
        for j in range(len(groups)):
            in_effects[np.uint64(groups[j] * size + i)] += column[j] * slope[j]


@jit
def add_linear_of_runs(eta, begin, end, columns, index, start, effects, size):
    """As :func:`add_linear`, of rows that are sorted by group."""
    row = begin
    while row < end:
        group = index[row]
        stop = min(start[group + 1], end)
        for i in range(size):
            column, one = columns[i, row:stop], effects[group * size + i]
            own = eta[row - begin : stop - begin]
            for j in range(len(own)):
                own[j] += column[j] * one
        row = stop


@jit
def add_by_run(in_effects, begin, end, columns, index, start, slope, size):
    """As :func:`add_by_group`, of rows that are sorted by group."""
    row = begin
    while row < end:
        group = index[row]
        stop = min(start[group + 1], end)
        for i in range(size):
            own = slope[row - begin : stop - begin]
            in_effects[group * size + i] += lanes_dot(own, columns[i, row:stop])
        row = stop


@jit
def linear_predictors(eta, begin, end, model):
    """Linear predictors of a block of rows."""
    offset, beta = vector(model, Field.OFFSET), vector(model, Field.BETA)
    rest, rest_columns = integers(model, Field.REST), matrix(model, Field.REST_COLUMNS)
    blocks, index = integer_matrix(model, Field.BLOCKS), integer_matrix(model, Field.INDEX)
    columns, effects = matrix(model, Field.COLUMNS), vector(model, Field.EFFECTS)
    offset = offset[begin:end]
    for j in range(len(offset)):
        eta[j] = offset[j]
    for c in range(len(rest)):
        one, column = beta[rest[c]], rest_columns[c, begin:end]
        for j in range(len(column)):
            eta[j] += column[j] * one
    combined, size = vector(model, Field.COMBINED), blocks[0, Block.SIZE]
    start = integers(model, Field.START)
    add_linear_of_runs(eta, begin, end, columns, index[0], start, combined, size)
    for b in range(1, len(blocks)):
        first, own = blocks[b, Block.COLUMNS_AT], effects[blocks[b, Block.EFFECTS_AT] :]
        add_linear(eta, begin, end, columns[first:], index[b], own, blocks[b, Block.SIZE])


@jit
def add_slopes(slope, begin, end, model, in_rest):
    """Add the derivatives in the linear predictors of a block to those in what they depend on."""
    rest_columns, columns = matrix(model, Field.REST_COLUMNS), matrix(model, Field.COLUMNS)
    blocks, index = integer_matrix(model, Field.BLOCKS), integer_matrix(model, Field.INDEX)
    in_effects = vector(model, Field.IN_EFFECTS)
    for c in range(len(rest_columns)):
        column, sums = rest_columns[c, begin:end], in_rest[c]
        for j in range(len(column)):
            sums[j] += column[j] * slope[j]
    combined, size = vector(model, Field.IN_COMBINED), blocks[0, Block.SIZE]
    add_by_run(combined, begin, end, columns, index[0], integers(model, Field.START), slope, size)
    for b in range(1, len(blocks)):
        first, own = blocks[b, Block.COLUMNS_AT], in_effects[blocks[b, Block.EFFECTS_AT] :]
        add_by_group(own, begin, end, columns[first:], index[b], slope, blocks[b, Block.SIZE])


@jit
def combine(model, sampled):
    """Coefficients of the inner factor's columns: the population's, and the group's if sampled."""
    fold, beta = matrix(model, Field.FOLD), vector(model, Field.BETA)
    combined, size = vector(model, Field.COMBINED), len(fold)
    effects = vector(model, Field.EFFECTS)
    first = integer_matrix(model, Field.BLOCKS)[0, Block.EFFECTS_AT]
    zeros(vector(model, Field.IN_COMBINED))
    for i in range(size):
        one = 0.0
        for k in range(len(beta)):
            one += fold[i, k] * beta[k]
        for at in range(i, len(combined), size):
            combined[at] = one + (effects[first + at] if sampled else 0.0)


@jit
def combine_back(model, in_rest):
    """Add what the coefficients of all columns are to the derivatives in beta."""
    fold, in_beta = matrix(model, Field.FOLD), vector(model, Field.IN_BETA)
    in_combined, rest = vector(model, Field.IN_COMBINED), integers(model, Field.REST)
    for i in range(len(fold)):
        one = 0.0
        for at in range(i, len(in_combined), len(fold)):
            one += in_combined[at]
        for k in range(len(in_beta)):
            in_beta[k] += fold[i, k] * one
    for c in range(len(rest)):
        for j in range(BLOCK):
            in_beta[rest[c]] += in_rest[c, j]


def family_rows(parts, table):
    """Log density of all rows by the part of their family, and its derivatives."""
    model = of_part(parts, table)
    response, in_response = vector(model, Field.PARAMETERS), vector(model, Field.IN_PARAMETERS)
    y, trials = vector(model, Field.RESPONSE), vector(model, Field.TRIALS)
    count = vector(model, Field.COUNT)
    eta, slope = np.empty(BLOCK), np.empty(BLOCK)
    sums = np.zeros((len(response) + 1, BLOCK))
    in_rest = np.zeros((len(integers(model, Field.REST)), BLOCK))
    lengths, places = np.zeros(2, np.int64), np.zeros(7, np.int64)
    lengths[1] = len(response)
    places[3], places[4] = address(eta), address(response)
    places[5], places[6] = address(slope), address(sums)
    for begin in range(0, len(y), BLOCK):
        end = min(begin + BLOCK, len(y))
        linear_predictors(eta, begin, end, model)
        lengths[0] = end - begin
        places[0], places[1] = address(y) + 8 * begin, address(trials) + 8 * begin
        places[2] = address(count) + 8 * begin
        call(model[0][Part.FAMILY], lengths, places)
        add_slopes(slope, begin, end, model, in_rest)
    combine_back(model, in_rest)
    total = 0.0
    for j in range(BLOCK):
        total += sums[0, j]
    for i in range(len(response)):
        for j in range(BLOCK):
            in_response[i] += sums[i + 1, j]
    vector(model, Field.TOTAL)[0] += total
    return 0


@jit
def integrate_inner(model, sigma, in_response):
    """Integrate the inner effects out: log density of what is left of the rows they touch.

    IN_ALONG is set to minus the derivatives in these.
    """
    scale, in_scale = cube(model, Field.SCALES)[0], cube(model, Field.IN_SCALES)[0]
    size = integer_matrix(model, Field.BLOCKS)[0, Block.SIZE]
    ratio, unit = vector(model, Field.RATIO), vector(model, Field.UNIT)
    stretch, in_stretch = vector(model, Field.STRETCH), vector(model, Field.IN_STRETCH)
    in_ratio, in_unit = matrix(model, Field.IN_RATIO), matrix(model, Field.IN_UNIT)
    t_in_ratio, in_along = vector(model, Field.T_IN_RATIO), matrix(model, Field.IN_ALONG)
    for g in range(len(unit)):
        unit[g] = 1.0 / sigma
        ratio[g] = stretch[g] / sigma
    divisor = 1.0 if len(unit) else sigma
    own = np.zeros((size, size))
    for i in range(size):
        for k in range(size):
            own[i, k] = scale[i, k] / divisor
    squares, found, t_in_scale = np.zeros(1), np.zeros((1, size, size)), np.zeros((size, size))
    outside = 1.0 / (divisor * divisor)
    total = -collapse(
        model[0][Part.COLLAPSE],
        cube(model, Field.DESIGN),
        cube(model, Field.ALONG),
        squares[:0],
        own,
        ratio,
        unit,
        squares,
        squares[:0],
        found,
        in_ratio,
        in_unit,
        in_along,
        t_in_scale,
        t_in_ratio,
    )
    for i in range(size):
        for k in range(i + 1):
            one = -(0.5 * outside * found[0, i, k] + t_in_scale[i, k]) / divisor
            in_scale[i, k] += one
            if len(unit) == 0:
                in_response[0] -= one * own[i, k]
        for g in range(in_along.shape[1]):
            in_along[i, g] *= 0.5 * outside
    if len(unit) == 0:
        in_response[0] += outside * squares[0] / divisor
    for g in range(len(unit)):
        one = -0.5 * in_ratio[0, g] - t_in_ratio[g]
        in_stretch[g] = one * unit[g]
        in_response[0] -= (one * ratio[g] - 0.5 * in_unit[0, g] * unit[g]) * unit[g]
    return total - 0.5 * outside * squares[0]


def gaussian_rows(parts, table):
    """Log density of Gaussian rows, the inner effects integrated out if there are such."""
    model = of_part(parts, table)
    sigma, in_response = vector(model, Field.PARAMETERS)[0], vector(model, Field.IN_PARAMETERS)
    y, left = vector(model, Field.RESPONSE), vector(model, Field.LEFT)
    eta, slope = np.empty(BLOCK), np.empty(BLOCK)
    in_rest = np.zeros((len(integers(model, Field.REST)), BLOCK))
    directions, along = matrix(model, Field.DIRECTIONS), cube(model, Field.ALONG)
    in_along, index = matrix(model, Field.IN_ALONG), integer_matrix(model, Field.INDEX)
    size, squares = len(directions), 0.0
    for begin in range(0, len(y), BLOCK):
        end = min(begin + BLOCK, len(y))
        linear_predictors(eta, begin, end, model)
        for j in range(end - begin):
            left[begin + j] = y[begin + j] - eta[j]
    zeros(along.reshape(along.size))
    for i in range(size):
        for row in range(len(y)):
            along[i, 0, index[0, row]] += directions[i, row] * left[row]
    total = integrate_inner(model, sigma, in_response) if size else 0.0
    for begin in range(0, len(y), BLOCK):
        end = min(begin + BLOCK, len(y))
        for j in range(end - begin):
            row = begin + j
            within, explained = left[row], 0.0
            for i in range(size):
                g = index[0, row]
                within -= directions[i, row] * along[i, 0, g]
                explained += directions[i, row] * in_along[i, g]
            squares += within * within
            slope[j] = within / (sigma * sigma) + explained
        add_slopes(slope, begin, end, model, in_rest)
    combine_back(model, in_rest)
    rows = vector(model, Field.ROWS)[0]
    in_response[0] += squares / (sigma * sigma * sigma) - rows / sigma
    total -= 0.5 * squares / (sigma * sigma) + rows * math.log(sigma)
    vector(model, Field.TOTAL)[0] += total
    return 0


def rows_density(size_of_position, position, gradient, value, data):
    """The C function: see :class:`partialpool.sampler.density.Density`."""
    model = unpacked(data, position, gradient, size_of_position)
    parameters(model)
    inner, stretch = integer(model, Field.SIZES, Size.INNER), vector(model, Field.STRETCH)
    outer = len(vector(model, Field.POSITIONS))
    zeros(vector(model, Field.IN_EFFECTS))
    if outer:
        call(model[0][Part.OUTER], model[0], model[1])
    size = integer_matrix(model, Field.BLOCKS)[0, Block.SIZE]
    scale, nothing, nu = np.zeros((size, size)), np.zeros(0), 0.0
    for i in range(size):
        for k in range(size):
            scale[i, k] = cube(model, Field.SCALES)[0, i, k]
    coefficients(model, scale, 1.0, nothing)
    theta, total = vector(model, Field.THETA), vector(model, Field.TOTAL)
    last = len(vector(model, Field.POSITION)) - len(stretch)
    if inner == SAMPLED:
        call(model[0][Part.INNER], model[0], model[1])
    elif len(stretch):
        nu = degrees_of_freedom(model, np.int64(0))
        total[0] += mixing_factors(vector(model, Field.POSITION)[last:], nu, stretch)
    if vector(model, Field.ONLY_VALUES)[0] != 0.0:
        return 0

    combine(model, inner == SAMPLED)
    places, slope = integers(model, Field.RESPONSE_AT), vector(model, Field.SLOPE)
    response, in_response = vector(model, Field.PARAMETERS), vector(model, Field.IN_PARAMETERS)
    for i in range(len(places)):
        known = places[i] < 0
        response[i] = vector(model, Field.KNOWN_SIGMA)[0] if known else theta[places[i]]
        in_response[i] = 0.0
    call(model[0][Part.ROWS], model[0], model[1])
    for i in range(len(places)):
        if places[i] >= 0:
            slope[places[i]] += in_response[i]

    if inner == SAMPLED:
        call(model[0][Part.INNER_BACK], model[0], model[1])
    elif len(stretch):
        in_z, in_stretch = vector(model, Field.GRADIENT)[last:], vector(model, Field.IN_STRETCH)
        z, nu_at = vector(model, Field.POSITION)[last:], integer_matrix(model, Field.BLOCKS)
        slope[nu_at[0, Block.NU_AT]] += mixing_factors_back(z, nu, stretch, in_stretch, in_z)
    coefficients_back(model, 1.0, nothing, nothing)
    if outer:
        call(model[0][Part.OUTER_BACK], model[0], model[1])
    parameters_back(model)
    return finish(value, model)
