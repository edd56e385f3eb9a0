"""Compiled density of the Gaussian model with at most one factor: see `gaussian`.

Group effects are integrated out, by one pass over the groups of which beta's coordinates depend,
and one over all groups. Variables have the names of the PyMC model, which defines the density;
what is passed back through them begins with `in_`: the derivatives of the log density.
"""

import math

import numpy as np

from partialpool.engine.arithmetic import digamma, exp, gammaln
from partialpool.engine.fields import (
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
from partialpool.sampler.machine_code import jit

KNOWN, SHARED, BY_GROUP, SAME, POOLED = range(5)  # what sigma is
LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


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
def residual_sds(z, model):
    """Sigma of each stratum of rows; returns its log density, and the log of its Jacobian."""
    sigma, theta = vector(model, Field.SIGMAS), vector(model, Field.THETA)
    kind = integer(model, Field.SIZES, Size.SIGMA_KIND)
    at = integer(model, Field.SIZES, Size.SIGMA_AT)
    spread_at, total = integer(model, Field.SIZES, Size.SPREAD_AT), 0.0
    if kind == KNOWN:
        sigma[0] = vector(model, Field.KNOWN_SIGMA)[0]
    elif kind == POOLED:
        spread = theta[spread_at] if spread_at >= 0 else vector(model, Field.FIXED_SPREAD)[0]
        precision = vector(model, Field.LOG_SIGMA_PRECISION)
        log_group = vector(model, Field.LOG_GROUP_SIGMA)
        total += pooled_sigma(z, theta[at], spread, precision, log_group, sigma)
    else:
        for g in range(len(sigma)):
            sigma[g] = theta[at + (g if kind == BY_GROUP else 0)]
    rows, in_sigma = vector(model, Field.ROWS), vector(model, Field.IN_SIGMA)
    for g in range(len(sigma)):
        total -= rows[g] * (math.log(sigma[g]) + LOG_SQRT_2PI)
        in_sigma[g] = -rows[g] / sigma[g]
    return total


@jit
def residual_sds_back(z, in_z, model):
    """From sigma to its parameters."""
    sigma, in_sigma = vector(model, Field.SIGMAS), vector(model, Field.IN_SIGMA)
    theta, slope = vector(model, Field.THETA), vector(model, Field.SLOPE)
    kind = integer(model, Field.SIZES, Size.SIGMA_KIND)
    at = integer(model, Field.SIZES, Size.SIGMA_AT)
    spread_at = integer(model, Field.SIZES, Size.SPREAD_AT)
    if kind == POOLED:
        spread = theta[spread_at] if spread_at >= 0 else vector(model, Field.FIXED_SPREAD)[0]
        precision = vector(model, Field.LOG_SIGMA_PRECISION)
        log_group = vector(model, Field.LOG_GROUP_SIGMA)
        in_median, in_spread = pooled_sigma_back(
            z, theta[at], spread, precision, log_group, sigma, in_sigma, in_z
        )
        slope[at] += in_median
        if spread_at >= 0:
            slope[spread_at] += in_spread
    elif kind != KNOWN:
        for g in range(len(sigma)):
            slope[at + (g if kind == BY_GROUP else 0)] += in_sigma[g]


@jit
def likelihood(model, in_units, divisor):
    """Log density of all rows, the effects integrated out, and its derivatives."""
    beta, in_beta = vector(model, Field.BETA), vector(model, Field.IN_BETA)
    sigma, in_sigma = vector(model, Field.SIGMAS), vector(model, Field.IN_SIGMA)
    width, size = len(beta), len(in_units)
    residual, in_residual = np.ones(width + 1), np.zeros(width + 1)
    for i in range(width):
        residual[i] = -beta[i]
    total, squares = 0.0, np.zeros(1)
    if size:
        outside = 1.0 / (divisor * divisor)
        found, t_in_scale = np.zeros((1, size, size)), np.zeros((size, size))
        in_ratio, in_unit = matrix(model, Field.IN_RATIO), matrix(model, Field.IN_UNIT)
        t_in_ratio = vector(model, Field.T_IN_RATIO)
        total -= collapse(
            model[0][Part.COLLAPSE],
            cube(model, Field.DESIGN),
            cube(model, Field.BETWEEN),
            residual,
            in_units,
            vector(model, Field.RATIO),
            vector(model, Field.UNIT),
            squares,
            in_residual,
            found,
            in_ratio,
            in_unit,
            t_in_scale[:0],
            t_in_scale,
            t_in_ratio,
        )
        total -= 0.5 * outside * squares[0]
        for i in range(width + 1):
            in_residual[i] *= -0.5 * outside
        in_scale = cube(model, Field.IN_SCALES)[0]
        for i in range(size):
            for k in range(i + 1):
                in_scale[i, k] -= (0.5 * outside * found[0, i, k] + t_in_scale[i, k]) / divisor
        for g in range(len(t_in_ratio)):
            in_ratio[0, g] = -0.5 * in_ratio[0, g] - t_in_ratio[g]
            in_unit[0, g] *= -0.5
        if len(t_in_ratio) == 0:
            in_sigma[0] += outside * squares[0] / divisor
    within = cube(model, Field.WITHIN)
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
    for i in range(width):
        in_beta[i] -= in_residual[i]
    return total


def collapsed_density(size_of_position, position_data, gradient_data, value, data):
    """The C function: see :class:`partialpool.sampler.density.Density`."""
    model = unpacked(data, position_data, gradient_data, size_of_position)
    position, gradient = vector(model, Field.POSITION), vector(model, Field.GRADIENT)
    theta, width = vector(model, Field.THETA), len(vector(model, Field.BETA))
    end = len(theta) + width
    sigma, in_sigma = vector(model, Field.SIGMAS), vector(model, Field.IN_SIGMA)
    stretch, in_stretch = vector(model, Field.STRETCH), vector(model, Field.IN_STRETCH)
    first_stretch = len(position) - len(stretch)
    parameters(model)
    total = vector(model, Field.TOTAL)
    total[0] += residual_sds(position[end:], model)
    blocks = integer_matrix(model, Field.BLOCKS)
    size, nu_at = blocks[0, Block.SIZE], blocks[0, Block.NU_AT]
    zeros(in_stretch)
    if nu_at >= 0:
        total[0] += mixing_factors(position[first_stretch:], theta[nu_at], stretch)
    # In units of sigma; by group where it or the scale of the effects differs between groups.
    ratio, unit = vector(model, Field.RATIO), vector(model, Field.UNIT)
    chosen_ratio = vector(model, Field.CHOSEN_RATIO)
    chosen_unit, chosen = vector(model, Field.CHOSEN_UNIT), integers(model, Field.CHOSEN)
    units(ratio, unit, stretch, sigma, chosen[:0])
    units(chosen_ratio, chosen_unit, stretch, sigma, chosen)
    divisor = 1.0 if len(ratio) else sigma[0]
    scale = cube(model, Field.SCALES)[0]
    in_units = scale / divisor
    outside = 1.0 / (divisor * divisor)
    coefficients(model, in_units, outside, sigma)
    if vector(model, Field.ONLY_VALUES)[0] != 0.0:
        return 0
    total[0] += likelihood(model, in_units, divisor)
    coefficients_back(model, divisor, sigma, in_sigma)
    in_scale = cube(model, Field.IN_SCALES)[0]
    if size and len(ratio) == 0:
        for i in range(size):
            for k in range(i + 1):
                in_sigma[0] -= in_scale[i, k] * scale[i, k] / divisor
    if len(ratio):
        own, owns = matrix(model, Field.IN_RATIO)[0], matrix(model, Field.IN_UNIT)[0]
        units_back(own, owns, ratio, unit, stretch, chosen[:0], in_sigma, in_stretch)
    if len(chosen_ratio):
        own = matrix(model, Field.CHOSEN_IN_RATIO)[0]
        owns = matrix(model, Field.CHOSEN_IN_UNIT)[0]
        units_back(own, owns, chosen_ratio, chosen_unit, stretch, chosen, in_sigma, in_stretch)
    if nu_at >= 0:
        vector(model, Field.SLOPE)[nu_at] += mixing_factors_back(
            position[first_stretch:], theta[nu_at], stretch, in_stretch, gradient[first_stretch:]
        )
    residual_sds_back(position[end:], gradient[end:], model)
    parameters_back(model)
    return finish(value, model)
