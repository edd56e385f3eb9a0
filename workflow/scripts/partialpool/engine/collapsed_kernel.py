"""Compiled density of the Gaussian model with at most one factor: see `gaussian`.

Group effects are integrated out, by one pass over the groups of which beta's coordinates depend,
and one over all groups. Variables have the names of the PyMC model, which defines the density;
what is passed back through them begins with `in_`: the derivatives of the log density.
"""

import math
from enum import IntEnum, auto

import numpy as np
from numba import carray

from partialpool.engine.arithmetic import digamma, exp, gammaln
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
from partialpool.sampler.machine_code import jit

KNOWN, SHARED, BY_GROUP, SAME, POOLED = range(5)  # what sigma is
LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class Size(IntEnum):
    """Places of the numbers in the field SIZES."""

    THETA = 0
    LAST = auto()
    SIGMA_KIND = auto()
    SIGMA_AT = auto()
    SPREAD_AT = auto()
    SD_AT = auto()
    NU_AT = auto()


class Field(IntEnum):
    """Rows of the table of fields."""

    SIZES = 0
    TRANSFORMS = auto()
    PRIOR_CODES = auto()
    PARTIAL = auto()
    CHOSEN = auto()
    BETA_CODES = auto()
    PRIOR_NUMBERS = auto()
    BETA_NUMBERS = auto()
    BETA_ON = auto()
    CONSTANT = auto()
    FIXED_SD = auto()
    SIGMA = auto()
    SPREAD = auto()
    LOG_SIGMA_PRECISION = auto()
    LOG_GROUP_SIGMA = auto()
    CENTRE = auto()
    INVERSE = auto()
    PRIOR_PRECISION = auto()
    WITHIN_PRECISION = auto()
    TOUCHED = auto()
    CHOSEN_DESIGN = auto()
    DESIGN = auto()
    BETWEEN = auto()
    WITHIN = auto()
    ROWS = auto()
    # Of the workspace.
    ONLY_VALUES = auto()
    THETA = auto()
    BETA = auto()
    SIGMAS = auto()
    STRETCH = auto()
    SLOPE = auto()
    IN_SIGMA = auto()
    IN_STRETCH = auto()
    RATIO = auto()
    UNIT = auto()
    IN_RATIO = auto()
    IN_UNIT = auto()
    T_IN_RATIO = auto()
    CHOSEN_RATIO = auto()
    CHOSEN_UNIT = auto()
    CHOSEN_IN_RATIO = auto()
    CHOSEN_IN_UNIT = auto()


@jit
def pooled_sigma(z, median, spread, precision, log_group, sigma):
    """Sigma of each group, log-normal around the median; returns the log density of z."""
    total, log_median = 0.0, math.log(median)
    for g in range(len(sigma)):
        inflated = 1.0 + precision[g] * spread * spread
        share = 1.0 - 1.0 / inflated
        conditional = spread / math.sqrt(inflated)
        deviation = share * (log_group[g] - log_median) + conditional * z[g]
        total -= 0.5 * (deviation / spread) ** 2 + 0.5 * math.log(inflated)
        sigma[g] = median * exp(deviation)
    return total


@jit
def pooled_sigma_back(z, median, spread, precision, log_group, sigma, in_sigma, in_z):
    """Derivatives in z, set; returns those in the median and in the spread."""
    in_median, in_spread, log_median = 0.0, 0.0, math.log(median)
    for g in range(len(sigma)):
        inflated = 1.0 + precision[g] * spread * spread
        share, root = 1.0 - 1.0 / inflated, math.sqrt(inflated)
        conditional = spread / root
        deviation = share * (log_group[g] - log_median) + conditional * z[g]
        in_deviation = in_sigma[g] * sigma[g] - deviation / (spread * spread)
        in_z[g] = in_deviation * conditional
        in_median += (in_sigma[g] * sigma[g] - in_deviation * share) / median
        in_spread += deviation * deviation / spread**3 - precision[g] * spread / inflated
        in_share = in_deviation * (log_group[g] - log_median)
        in_spread += in_share * 2.0 * precision[g] * spread / (inflated * inflated)
        in_spread += in_deviation * z[g] / (root * inflated)
    return in_median, in_spread


@jit
def mixing_factors(z, nu, stretch):
    """Mixing factors of Student-t effects; returns the log density of z."""
    spread, shape = math.sqrt(2.0 / nu + 2.0 / (nu * nu)), 0.5 * nu
    constant = shape * math.log(shape) - gammaln(shape) + math.log(spread)
    total = len(z) * constant
    for g in range(len(z)):
        log_precision = spread * z[g] - 1.0 / nu
        stretch[g] = exp(-0.5 * log_precision)
        total += shape * (log_precision - 1.0 / (stretch[g] * stretch[g]))
    return total


@jit
def mixing_factors_back(z, nu, stretch, in_stretch, in_z):
    """Derivatives in z, set; returns that in nu."""
    spread, shape = math.sqrt(2.0 / nu + 2.0 / (nu * nu)), 0.5 * nu
    in_spread = len(z) / spread
    in_shape = len(z) * (math.log(shape) + 1.0 - digamma(shape))
    in_nu = 0.0
    for g in range(len(z)):
        log_precision = spread * z[g] - 1.0 / nu
        precision = 1.0 / (stretch[g] * stretch[g])
        one = shape * (1.0 - precision) - 0.5 * stretch[g] * in_stretch[g]
        in_z[g] = one * spread
        in_spread += one * z[g]
        in_shape += log_precision - precision
        in_nu += one / (nu * nu)
    return in_nu + 0.5 * in_shape - in_spread * (1.0 / nu**2 + 2.0 / nu**3) / spread


@jit
def units(ratio, unit, stretch, sigma, chosen):
    """ρ and τ of the groups; `chosen` are their positions, or it is empty for all."""
    for i in range(len(ratio)):
        g = chosen[i] if len(chosen) else i
        unit[i] = 1.0 / sigma[g if len(sigma) > 1 else 0]
        ratio[i] = unit[i] * (stretch[g] if len(stretch) else 1.0)


@jit
def units_back(in_ratio, in_unit, ratio, unit, stretch, chosen, in_sigma, in_stretch):
    """Add the derivatives in sigma and in the mixing factors."""
    for i in range(len(ratio)):
        g = chosen[i] if len(chosen) else i
        own = in_ratio[i] * ratio[i] + in_unit[i] * unit[i]
        in_sigma[g if len(in_sigma) > 1 else 0] -= own * unit[i]
        if len(stretch):
            in_stretch[g] += in_ratio[i] * unit[i]


@jit
def add_in_scale(in_scale, found, factor):
    """Add a multiple of a derivative in a lower triangle."""
    for i in range(len(in_scale)):
        for k in range(i + 1):
            in_scale[i, k] += factor * found[i, k]


def collapsed_density(size_of_position, position_data, gradient_data, value, data):
    """The C function: see :class:`partialpool.sampler.density.Density`."""
    position = carray(position_data, (size_of_position,))
    gradient = carray(gradient_data, (size_of_position,))
    functions, table, integers, numbers, work = unpacked(data)
    collapse_part = functions[0]
    sizes = vector(integers, table, Field.SIZES)
    last, kind, nu_at = sizes[Size.LAST], sizes[Size.SIGMA_KIND], sizes[Size.NU_AT]
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
    z_groups, in_z_groups = position[len(theta) + width :], gradient[len(theta) + width :]

    # sigma, which may differ between groups.
    sigma, in_sigma = vector(work, table, Field.SIGMAS), vector(work, table, Field.IN_SIGMA)
    in_sigma[:] = 0.0
    sigma_at, spread_at = sizes[Size.SIGMA_AT], sizes[Size.SPREAD_AT]
    precision = vector(numbers, table, Field.LOG_SIGMA_PRECISION)
    log_group = vector(numbers, table, Field.LOG_GROUP_SIGMA)
    spread = theta[spread_at] if spread_at >= 0 else vector(numbers, table, Field.SPREAD)[0]
    if kind == KNOWN:
        sigma[0] = vector(numbers, table, Field.SIGMA)[0]
    elif kind == POOLED:
        median = theta[sigma_at]
        total += pooled_sigma(z_groups, median, spread, precision, log_group, sigma)
    else:
        for g in range(len(sigma)):
            sigma[g] = theta[sigma_at + (g if kind == BY_GROUP else 0)]
    rows = vector(numbers, table, Field.ROWS)
    for g in range(len(sigma)):
        total -= rows[g] * (math.log(sigma[g]) + LOG_SQRT_2PI)

    # The covariance of the effects.
    partial = matrix(integers, table, Field.PARTIAL)
    size = len(partial)
    scale, correlation = np.zeros((size, size)), np.zeros((size, size))
    roots, in_scale = np.zeros((size, size)), np.zeros((size, size))
    sd = vector(numbers, table, Field.FIXED_SD)
    if sizes[Size.SD_AT] >= 0:
        sd = theta[sizes[Size.SD_AT] : sizes[Size.SD_AT] + size]
    effects_scale(scale, correlation, roots, sd, partial, theta)
    stretch, in_stretch = vector(work, table, Field.STRETCH), vector(work, table, Field.IN_STRETCH)
    in_stretch[:] = 0.0
    z_stretch = z_groups[len(z_groups) - len(stretch) :]
    if nu_at >= 0:
        total += mixing_factors(z_stretch, theta[nu_at], stretch)

    # In units of sigma, by group where it or the scale of the effects differs between groups.
    ratio, unit = vector(work, table, Field.RATIO), vector(work, table, Field.UNIT)
    everyone = np.zeros(0, np.int64)
    chosen = vector(integers, table, Field.CHOSEN)
    chosen_ratio = vector(work, table, Field.CHOSEN_RATIO)
    chosen_unit = vector(work, table, Field.CHOSEN_UNIT)
    units(ratio, unit, stretch, sigma, everyone)
    units(chosen_ratio, chosen_unit, stretch, sigma, chosen)
    divisor = 1.0 if len(ratio) else sigma[0]
    in_units = scale / divisor
    outside = 1.0 / (divisor * divisor)

    # Conditional precision of the coordinates of beta that vary by group, and the linear term.
    sides = last + 1 if size else 0
    pairs = sides * (sides + 1) // 2
    within_precision = matrix(numbers, table, Field.WITHIN_PRECISION)
    prior_precision = vector(numbers, table, Field.PRIOR_PRECISION)
    joint, in_joint = np.zeros((sides, sides)), np.zeros((sides, sides))
    factor, in_factor = np.zeros((sides, sides)), np.zeros((sides, sides))
    products, none = np.zeros(pairs), np.zeros(0)
    chosen_in_scale = np.zeros((pairs, size, size))
    chosen_in_ratio = matrix(work, table, Field.CHOSEN_IN_RATIO)
    chosen_in_unit = matrix(work, table, Field.CHOSEN_IN_UNIT)
    if last:
        collapse(
            collapse_part,
            cube(numbers, table, Field.CHOSEN_DESIGN),
            cube(numbers, table, Field.TOUCHED),
            none, in_units, chosen_ratio, chosen_unit,
            products, none, chosen_in_scale, chosen_in_ratio, chosen_in_unit,
            np.zeros((0, 0)), np.zeros((0, 0)), none,
        )  # fmt: skip
        pair = 0
        for a in range(sides):
            for b in range(a, sides):
                joint[a, b] = prior_precision[pair] + outside * products[pair]
                for g in range(within_precision.shape[1]):
                    joint[a, b] += within_precision[pair, g] / (sigma[g] * sigma[g])
                pair += 1
        cholesky(joint, factor, last, sides)

    standardised, in_standardised = np.empty(width), np.zeros(width)
    total += unstandardise(z, factor, standardised, last if size else 0)
    centre, inverse = vector(numbers, table, Field.CENTRE), matrix(numbers, table, Field.INVERSE)
    for i in range(width):
        beta[i] = centre[i]
        for k in range(width):
            beta[i] += inverse[i, k] * standardised[k]
    if vector(work, table, Field.ONLY_VALUES)[0] != 0.0:
        return 0
    in_beta = np.zeros(width)
    total += prior_of_coefficients(
        beta,
        in_beta,
        matrix(numbers, table, Field.BETA_ON),
        vector(integers, table, Field.BETA_CODES),
        matrix(numbers, table, Field.BETA_NUMBERS),
    )

    # The likelihood.
    residual, in_residual = np.ones(width + 1), np.zeros(width + 1)
    for i in range(width):
        residual[i] = -beta[i]
    squares, main_in_scale = np.zeros(1), np.zeros((1, size, size))
    t_in_scale = np.zeros((size, size))
    in_ratio, in_unit = matrix(work, table, Field.IN_RATIO), matrix(work, table, Field.IN_UNIT)
    t_in_ratio = vector(work, table, Field.T_IN_RATIO)
    if size:
        total -= collapse(
            collapse_part,
            cube(numbers, table, Field.DESIGN),
            cube(numbers, table, Field.BETWEEN),
            residual, in_units, ratio, unit,
            squares, in_residual, main_in_scale, in_ratio, in_unit,
            np.zeros((0, 0)), t_in_scale, t_in_ratio,
        )  # fmt: skip
        total -= 0.5 * outside * squares[0]
        for i in range(width + 1):
            in_residual[i] *= -0.5 * outside
    within = cube(numbers, table, Field.WITHIN)
    for r in range(within.shape[0]):
        for g in range(within.shape[2]):
            one = 0.0
            for i in range(width + 1):
                one += within[r, i, g] * residual[i]
            weighted = one / (sigma[g] * sigma[g])
            total -= 0.5 * one * weighted
            in_sigma[g] += one * weighted / sigma[g]
            for i in range(width + 1):
                in_residual[i] -= within[r, i, g] * weighted

    # Back to the coordinates.
    if size:
        add_in_scale(in_scale, main_in_scale[0], -0.5 * outside / divisor)
        add_in_scale(in_scale, t_in_scale, -1.0 / divisor)
        if len(ratio):
            for g in range(len(ratio)):
                in_ratio[0, g] = -0.5 * in_ratio[0, g] - t_in_ratio[g]
                in_unit[0, g] *= -0.5
            units_back(
                in_ratio[0], in_unit[0], ratio, unit, stretch, everyone, in_sigma, in_stretch
            )
        else:
            in_sigma[0] += outside * squares[0] / divisor
    for i in range(width):
        in_beta[i] -= in_residual[i]
    for k in range(width):
        for i in range(width):
            in_standardised[k] += inverse[i, k] * in_beta[i]
    in_z = gradient[len(theta) : len(theta) + width]
    unstandardise_back(
        in_standardised, factor, standardised, in_factor, in_z, last if size else 0
    )
    if last and size:
        cholesky_back(joint, factor, in_factor, in_joint, last, sides)
        pair = 0
        for a in range(sides):
            for b in range(a, sides):
                one = in_joint[a, b]
                for g in range(within_precision.shape[1]):
                    in_sigma[g] -= 2.0 * one * within_precision[pair, g] / sigma[g] ** 3
                add_in_scale(in_scale, chosen_in_scale[pair], one * outside / divisor)
                if len(ratio) == 0:
                    in_sigma[0] -= 2.0 * one * outside * products[pair] / divisor
                for g in range(len(chosen_ratio)):
                    if pair:
                        chosen_in_ratio[0, g] += one * chosen_in_ratio[pair, g]
                        chosen_in_unit[0, g] += one * chosen_in_unit[pair, g]
                    else:
                        chosen_in_ratio[0, g] *= one
                        chosen_in_unit[0, g] *= one
                pair += 1
        units_back(
            chosen_in_ratio[0], chosen_in_unit[0], chosen_ratio, chosen_unit,
            stretch, chosen, in_sigma, in_stretch,
        )  # fmt: skip
    if size and len(ratio) == 0:
        for i in range(size):
            for k in range(i + 1):
                in_sigma[0] -= in_scale[i, k] * scale[i, k] / divisor
    in_sd = np.zeros(size)
    effects_scale_back(in_scale, correlation, roots, sd, partial, theta, in_sd, slope)
    if sizes[Size.SD_AT] >= 0:
        for i in range(size):
            slope[sizes[Size.SD_AT] + i] += in_sd[i]
    if nu_at >= 0:
        in_z_stretch = in_z_groups[len(z_groups) - len(stretch) :]
        slope[nu_at] += mixing_factors_back(
            z_stretch, theta[nu_at], stretch, in_stretch, in_z_stretch
        )
    for g in range(len(sigma)):
        in_sigma[g] -= rows[g] / sigma[g]
    if kind == POOLED:
        in_median, in_spread = pooled_sigma_back(
            z_groups, theta[sigma_at], spread, precision, log_group, sigma, in_sigma, in_z_groups
        )
        slope[sigma_at] += in_median
        if spread_at >= 0:
            slope[spread_at] += in_spread
    elif kind != KNOWN:
        for g in range(len(sigma)):
            slope[sigma_at + (g if kind == BY_GROUP else 0)] += in_sigma[g]
    constrain_back(gradient, transforms, theta, slope)
    value[0] = total
    return finite(total, gradient)
