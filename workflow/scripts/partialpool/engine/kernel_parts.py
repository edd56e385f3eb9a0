"""Parts that the compiled densities share: parameters, their priors, and small matrices.

Each part has a function that computes it and one that passes derivatives back through it, from
its results to what it was computed from. Those of a Cholesky factor are Smith's (1995,
https://doi.org/10.1080/10618600.1995.10474671), row by row.
"""

import math

from partialpool.engine import scalar
from partialpool.model.prior_families import FAMILIES, PriorFamily
from partialpool.sampler.machine_code import jit, pasted

# Families of priors by their codes.
PRIORS = {name: family for name, family in FAMILIES.items() if family.kernel}
CODES = {name: code for code, name in enumerate(PRIORS)}
LOGARITHM, LOG_ODDS = range(2)  # how a parameter is transformed to the whole line
LEAST = 1e-12  # smallest pivot of a Cholesky factor, relative to the diagonal


def _prior_by_code(families: list[PriorFamily]):
    """Compile one function of a prior's code, a value and three numbers, for all families."""
    lines = ["def prior(code, x, a, b, c):"]
    names = {"scalar": scalar}
    for code, family in enumerate(families):
        names[f"kernel_{code}"] = pasted(family.kernel)
        arguments = ", ".join("abc"[: len(family.parameters)])
        lines += [f" if code == {code}:", f"  return kernel_{code}(scalar, x, {arguments})"]
    lines.append(" return x, x")
    exec("\n".join(lines), names)  # of nothing but the lines above
    return jit(names["prior"])


prior = _prior_by_code(list(PRIORS.values()))


@jit
def constrain(position, transforms, codes, numbers, theta, slope):
    """Parameters on their own scale, and the derivatives of their log priors.

    Returns the sum of the log priors and of the logs of the Jacobians.
    """
    total = 0.0
    for i in range(len(theta)):
        if transforms[i] == LOGARITHM:
            x = math.exp(position[i])
            total += position[i]
        else:
            x = 1.0 / (1.0 + math.exp(-position[i]))
            total += math.log(x) + math.log1p(-x)
        density, slope[i] = prior(codes[i], x, numbers[i, 0], numbers[i, 1], numbers[i, 2])
        theta[i] = x
        total += density
    return total


@jit
def constrain_back(gradient, transforms, theta, slope):
    """Derivatives in the positions from those in the parameters."""
    for i in range(len(theta)):
        if transforms[i] == LOGARITHM:
            gradient[i] = slope[i] * theta[i] + 1.0
        else:
            x = theta[i]
            gradient[i] = slope[i] * x * (1.0 - x) + 1.0 - 2.0 * x


@jit
def prior_of_coefficients(beta, slope, on, codes, numbers):
    """Log prior of beta, on linear maps of it; its derivatives are added to `slope`."""
    total = 0.0
    for i in range(len(beta)):
        x = 0.0
        for k in range(len(beta)):
            x += on[i, k] * beta[k]
        density, derivative = prior(codes[i], x, numbers[i, 0], numbers[i, 1], numbers[i, 2])
        total += density
        for k in range(len(beta)):
            slope[k] += on[i, k] * derivative
    return total


@jit
def effects_scale(scale, correlation, roots, sd, partial, theta):
    """Cholesky factor L of the effects' covariance from sds and canonical partial correlations.

    `partial` has the position in theta of each partial correlation, or -1 where it is zero. Rows
    of `correlation` are those of the Cholesky factor of the correlations, and `roots` what is left
    of their lengths.
    """
    size = len(sd)
    for row in range(size):
        root = 1.0
        for column in range(row):
            roots[row, column] = root
            at = partial[row, column]
            one = 2.0 * theta[at] - 1.0 if at >= 0 else 0.0
            correlation[row, column] = one * root
            if at >= 0:
                root *= math.sqrt(1.0 - one * one)
        correlation[row, row] = root
        for column in range(row + 1):
            scale[row, column] = sd[row] * correlation[row, column]
        for column in range(row + 1, size):
            scale[row, column] = 0.0


@jit
def effects_scale_back(in_scale, correlation, roots, sd, partial, theta, slope, sd_at):
    """Add the derivatives in the sds, unless `sd_at` is -1, and in the partial correlations."""
    size = len(sd)
    for row in range(size):
        total = 0.0
        for column in range(row + 1):
            total += in_scale[row, column] * correlation[row, column]
        if sd_at >= 0:
            slope[sd_at + row] += total
        in_root = sd[row] * in_scale[row, row]
        for column in range(row - 1, -1, -1):
            at = partial[row, column]
            if at >= 0:
                one = 2.0 * theta[at] - 1.0
                left = math.sqrt(1.0 - one * one)
                before = roots[row, column]
                own = sd[row] * in_scale[row, column]
                slope[at] += 2.0 * before * (own - in_root * one / left)
                in_root = in_root * left + own * one


@jit
def cholesky(matrix, factor, size, width):
    """First rows of the upper triangular R with R'R = P; P may have further columns."""
    for i in range(size):
        pivot = matrix[i, i]
        for m in range(i):
            pivot -= factor[m, i] * factor[m, i]
        # Rounding may leave a pivot below zero.
        factor[i, i] = math.sqrt(max(pivot, LEAST * matrix[i, i]))
        for k in range(i + 1, width):
            entry = matrix[i, k]
            for m in range(i):
                entry -= factor[m, i] * factor[m, k]
            factor[i, k] = entry / factor[i, i]


@jit
def cholesky_back(matrix, factor, in_factor, in_matrix, size, width):
    """Derivatives in P, of which an entry above the diagonal stands for both, from those in R."""
    for i in range(size - 1, -1, -1):
        for k in range(width - 1, i, -1):
            entry = in_factor[i, k] / factor[i, i]
            in_factor[i, i] -= entry * factor[i, k]
            in_matrix[i, k] = entry
            for m in range(i):
                in_factor[m, i] -= entry * factor[m, k]
                in_factor[m, k] -= entry * factor[m, i]
        entry = in_factor[i, i] / (2.0 * factor[i, i])
        if factor[i, i] * factor[i, i] > LEAST * matrix[i, i]:
            in_matrix[i, i] = entry
            for m in range(i):
                in_factor[m, i] -= 2.0 * entry * factor[m, i]
        else:
            in_matrix[i, i] = LEAST * entry


@jit
def unstandardise(z, factor, found, size):
    """Positions of the coefficients, of which the last ones are standardised given the variances.

    Their conditional in the working model is normal with mean R^-1 r and covariance (R'R)^-1;
    `factor` is [R, r]. Returns the log of the Jacobian.
    """
    first, total = len(found) - size, 0.0
    for i in range(first):
        found[i] = z[i]
    for i in range(size - 1, -1, -1):
        one = z[first + i] + factor[i, size]
        for k in range(i + 1, size):
            one -= factor[i, k] * found[first + k]
        found[first + i] = one / factor[i, i]
        total -= math.log(factor[i, i])
    return total


@jit
def unstandardise_back(in_found, factor, found, in_factor, in_z, size):
    """Derivatives in z, and in [R, r], from those in the positions, which are used up."""
    first = len(found) - size
    for i in range(first):
        in_z[i] = in_found[i]
    for i in range(size):
        one = in_found[first + i] / factor[i, i]
        in_z[first + i] = one
        in_factor[i, size] = one
        for k in range(i + 1, size):
            in_factor[i, k] = -one * found[first + k]
            in_found[first + k] -= one * factor[i, k]
        in_factor[i, i] = -(one * found[first + i] + 1.0 / factor[i, i])
