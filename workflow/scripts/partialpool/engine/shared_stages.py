"""Stages that all compiled densities share: variances, and coefficients given the variances.

Each stage reads and writes fields of the workspace; its counterpart passes derivatives of the log
density back, in the opposite order. Those have names that begin with `in_`.
"""

from partialpool.engine.effect_map import lanes_dot
from partialpool.engine.fields import (
    Block,
    Field,
    Part,
    Size,
    cube,
    integer,
    integer_cube,
    integer_matrix,
    integers,
    matrix,
    vector,
    zeros,
)
from partialpool.engine.group_pass import collapse
from partialpool.engine.kernel_parts import (
    cholesky,
    cholesky_back,
    constrain,
    constrain_back,
    effects_scale,
    effects_scale_back,
    prior_of_coefficients,
    unstandardise,
    unstandardise_back,
)
from partialpool.sampler.machine_code import jit


@jit
def parameters(model):
    """Parameters, their priors, and the covariance of each factor's effects."""
    theta = vector(model, Field.THETA)
    total = vector(model, Field.CONSTANT)[0]
    total += constrain(
        vector(model, Field.POSITION),
        integers(model, Field.TRANSFORMS),
        integers(model, Field.PRIOR_CODES),
        matrix(model, Field.PRIOR_NUMBERS),
        theta,
        vector(model, Field.SLOPE),
    )
    blocks, partial = integer_matrix(model, Field.BLOCKS), integer_cube(model, Field.PARTIAL)
    scales, correlations = cube(model, Field.SCALES), cube(model, Field.CORRELATIONS)
    roots, fixed = cube(model, Field.ROOTS), matrix(model, Field.FIXED_SD)
    for b in range(len(blocks)):
        size, at = blocks[b, Block.SIZE], blocks[b, Block.SD_AT]
        sd = theta[at : at + size] if at >= 0 else fixed[b, :size]
        effects_scale(scales[b], correlations[b], roots[b], sd, partial[b], theta)
    in_scales = cube(model, Field.IN_SCALES)
    zeros(in_scales.reshape(in_scales.size))
    vector(model, Field.TOTAL)[0] = total


@jit
def parameters_back(model):
    """From the covariances and the parameters to the positions."""
    theta, slope = vector(model, Field.THETA), vector(model, Field.SLOPE)
    blocks, partial = integer_matrix(model, Field.BLOCKS), integer_cube(model, Field.PARTIAL)
    scales, correlations = cube(model, Field.IN_SCALES), cube(model, Field.CORRELATIONS)
    roots, fixed = cube(model, Field.ROOTS), matrix(model, Field.FIXED_SD)
    for b in range(len(blocks)):
        size, at = blocks[b, Block.SIZE], blocks[b, Block.SD_AT]
        sd = theta[at : at + size] if at >= 0 else fixed[b, :size]
        effects_scale_back(scales[b], correlations[b], roots[b], sd, partial[b], theta, slope, at)
    constrain_back(vector(model, Field.GRADIENT), integers(model, Field.TRANSFORMS), theta, slope)


@jit
def coefficients(model, in_units, outside, sigma):
    """Coefficients from their coordinates, given the variances, and their priors.

    Parameters
    ----------
    model : tuple
    in_units : numpy.ndarray
        Λ of the first factor: see `group_pass`.
    outside : float
        Factor of the quadratic forms of the representative groups.
    sigma : numpy.ndarray
        Residual sd of each stratum of the field WITHIN_PRECISION.
    """
    last = integer(model, Field.SIZES, Size.LAST)
    joint, factor = matrix(model, Field.JOINT), matrix(model, Field.FACTOR)
    if last:
        products = vector(model, Field.PRODUCTS)
        within = matrix(model, Field.WITHIN_PRECISION)
        constant = vector(model, Field.CONSTANT_PRECISION)
        collapse(
            model[0][Part.COLLAPSE],
            cube(model, Field.CHOSEN_DESIGN),
            cube(model, Field.TOUCHED),
            products[:0],
            in_units,
            vector(model, Field.CHOSEN_RATIO),
            vector(model, Field.CHOSEN_UNIT),
            products,
            products[:0],
            cube(model, Field.CHOSEN_IN_SCALE),
            matrix(model, Field.CHOSEN_IN_RATIO),
            matrix(model, Field.CHOSEN_IN_UNIT),
            joint[:0],
            joint[:0],
            products[:0],
        )
        pair = 0
        for a in range(last + 1):
            for b in range(a, last + 1):
                joint[a, b] = constant[pair] + outside * products[pair]
                for g in range(within.shape[1]):
                    joint[a, b] += within[pair, g] / (sigma[g] * sigma[g])
                pair += 1
        cholesky(joint, factor, last, last + 1)
    standardised = vector(model, Field.STANDARDISED)
    first, total = len(vector(model, Field.THETA)), vector(model, Field.TOTAL)
    z = vector(model, Field.POSITION)[first : first + len(standardised)]
    total[0] += unstandardise(z, factor, standardised, last)
    beta, in_beta = vector(model, Field.BETA), vector(model, Field.IN_BETA)
    centre, inverse = vector(model, Field.CENTRE), matrix(model, Field.INVERSE)
    regression, effects = matrix(model, Field.REGRESSION), vector(model, Field.EFFECTS)
    for i in range(len(beta)):
        beta[i] = centre[i]
        if len(regression):
            beta[i] += lanes_dot(regression[i], effects)
        for k in range(len(beta)):
            beta[i] += inverse[i, k] * standardised[k]
        in_beta[i] = 0.0
    total[0] += prior_of_coefficients(
        beta,
        in_beta,
        matrix(model, Field.BETA_ON),
        integers(model, Field.BETA_CODES),
        matrix(model, Field.BETA_NUMBERS),
    )


@jit
def coefficients_back(model, divisor, sigma, in_sigma):
    """From the coefficients to their coordinates, the variances, and effects they depend on.

    Derivatives in the ratios and units of the representative groups are summed over the pairs
    into the first row of their fields.
    """
    last = integer(model, Field.SIZES, Size.LAST)
    factor, inverse = matrix(model, Field.FACTOR), matrix(model, Field.INVERSE)
    in_beta, regression = vector(model, Field.IN_BETA), matrix(model, Field.REGRESSION)
    in_effects = vector(model, Field.IN_EFFECTS)
    width = len(in_beta)
    in_standardised = in_beta.copy()
    for k in range(width):
        in_standardised[k] = 0.0
        for i in range(width):
            in_standardised[k] += inverse[i, k] * in_beta[i]
    for i in range(len(regression)):
        for e in range(len(in_effects)):
            in_effects[e] += regression[i, e] * in_beta[i]
    in_factor, in_joint = factor.copy(), factor.copy()
    standardised, first = vector(model, Field.STANDARDISED), len(vector(model, Field.THETA))
    in_z = vector(model, Field.GRADIENT)[first : first + width]
    unstandardise_back(in_standardised, factor, standardised, in_factor, in_z, last)
    if last == 0:
        return
    cholesky_back(matrix(model, Field.JOINT), factor, in_factor, in_joint, last, last + 1)
    products, within = vector(model, Field.PRODUCTS), matrix(model, Field.WITHIN_PRECISION)
    in_ratio, in_unit = matrix(model, Field.CHOSEN_IN_RATIO), matrix(model, Field.CHOSEN_IN_UNIT)
    in_scale, found = cube(model, Field.IN_SCALES)[0], cube(model, Field.CHOSEN_IN_SCALE)
    by_group = in_ratio.shape[1] > 0
    outside = 1.0 if by_group else 1.0 / (divisor * divisor)
    pair = 0
    for a in range(last + 1):
        for b in range(a, last + 1):
            one = in_joint[a, b] if a < last else 0.0
            for g in range(within.shape[1]):
                in_sigma[g] -= 2.0 * one * within[pair, g] / (sigma[g] * sigma[g] * sigma[g])
            for i in range(found.shape[1]):
                for k in range(i + 1):
                    in_scale[i, k] += one * outside * found[pair, i, k] / divisor
            if by_group:
                for g in range(in_ratio.shape[1]):
                    in_ratio[0, g] = one * in_ratio[pair, g] + (in_ratio[0, g] if pair else 0.0)
                    in_unit[0, g] = one * in_unit[pair, g] + (in_unit[0, g] if pair else 0.0)
            elif len(in_sigma):
                in_sigma[0] -= 2.0 * one * outside * products[pair] / divisor
            pair += 1
