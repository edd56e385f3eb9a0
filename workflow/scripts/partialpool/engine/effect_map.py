"""Sampled effects of one factor from standardised positions, compiled: see `centring`.

In the working model, given all else, the effects u = L v of a group have v with precision
T'T = I + L'SL and mean (T'T)^-1 L'g. Positions z are standard normal in v = T^-1 (c + z), with
T'c = L'g. Arrays of the groups are flat, a group after the other.
"""

import math

import numpy as np

from partialpool.engine.arithmetic import digamma, gammaln
from partialpool.engine.fields import Block, Field, cube, integer_matrix, vector
from partialpool.engine.kernel_parts import cholesky, cholesky_back
from partialpool.sampler.machine_code import jit

LANES = 8  # sums of a dot product, one for each place of a vector instruction


@jit
def lanes_dot(a, b):
    """Dot product of two vectors, summed in a fixed order that the compiler can vectorise."""
    size = len(a)
    whole = size - size % LANES
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(0, whole, LANES):
        s0 += a[j] * b[j]
        s1 += a[j + 1] * b[j + 1]
        s2 += a[j + 2] * b[j + 2]
        s3 += a[j + 3] * b[j + 3]
        s4 += a[j + 4] * b[j + 4]
        s5 += a[j + 5] * b[j + 5]
        s6 += a[j + 6] * b[j + 6]
        s7 += a[j + 7] * b[j + 7]
    total = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for j in range(whole, size):
        total += a[j] * b[j]
    return total


@jit
def effects_forward(model, number, z, nu, effects):
    """Effects of all groups; returns their log density in z.

    Parameters
    ----------
    model : tuple
        The fields TRIANGLES, SHIFTS and STANDARD are set to T, c and v; LINEARS is g.
    number : int
        Of the factor in the field BLOCKS.
    z : numpy.ndarray
        Positions, `(group x coefficient,)`.
    nu : float
        Degrees of freedom of Student-t effects; 0 if they are normal.
    effects : numpy.ndarray
        Set to u.
    """
    own = integer_matrix(model, Field.BLOCKS)[number]
    size, groups, first = own[Block.SIZE], own[Block.GROUPS], own[Block.EFFECTS_AT]
    precision = vector(model, Field.PRECISION)[own[Block.SQUARES_AT] :]
    triangles = vector(model, Field.TRIANGLES)[own[Block.SQUARES_AT] :]
    linear, scale = vector(model, Field.LINEARS)[first:], cube(model, Field.SCALES)[number]
    shifts, standard = vector(model, Field.SHIFTS)[first:], vector(model, Field.STANDARD)[first:]
    total, constant = 0.0, 0.0
    shape = 0.5 * (nu + size)
    if nu > 0.0:
        constant = gammaln(shape) - gammaln(0.5 * nu) - 0.5 * size * math.log(nu)
    product, inner, triangle = (
        np.zeros((size, size)),
        np.zeros((size, size)),
        np.zeros((size, size)),
    )
    for group in range(groups):
        at, square = group * size, group * size * size
        for i in range(size):  # S L
            for k in range(size):
                product[i, k] = 0.0
                for m in range(k, size):
                    product[i, k] += precision[square + i * size + m] * scale[m, k]
        for i in range(size):  # I + L' S L
            for k in range(i, size):
                inner[i, k] = 1.0 if i == k else 0.0
                for m in range(i, size):
                    inner[i, k] += scale[m, i] * product[m, k]
        cholesky(inner, triangle, size, size)
        for i in range(size):
            one = 0.0
            for m in range(i, size):
                one += scale[m, i] * linear[at + m]
            for m in range(i):
                one -= triangle[m, i] * shifts[at + m]
            shifts[at + i] = one / triangle[i, i]
        squares = 0.0
        for i in range(size - 1, -1, -1):
            one = shifts[at + i] + z[at + i]
            for m in range(i + 1, size):
                one -= triangle[i, m] * standard[at + m]
            standard[at + i] = one / triangle[i, i]
            squares += standard[at + i] * standard[at + i]
            total -= math.log(triangle[i, i])
        for i in range(size):
            one = 0.0
            for m in range(i + 1):
                one += scale[i, m] * standard[at + m]
            effects[at + i] = one
            for k in range(i, size):
                triangles[square + i * size + k] = triangle[i, k]
        total += constant - shape * math.log1p(squares / nu) if nu > 0.0 else -0.5 * squares
    return total


@jit
def effects_back(model, number, in_effects, nu, in_z):
    """Derivatives in z and g, set, and in L, added; returns that in nu."""
    own = integer_matrix(model, Field.BLOCKS)[number]
    size, groups, first = own[Block.SIZE], own[Block.GROUPS], own[Block.EFFECTS_AT]
    precision = vector(model, Field.PRECISION)[own[Block.SQUARES_AT] :]
    triangles = vector(model, Field.TRIANGLES)[own[Block.SQUARES_AT] :]
    linear, scale = vector(model, Field.LINEARS)[first:], cube(model, Field.SCALES)[number]
    shifts, standard = vector(model, Field.SHIFTS)[first:], vector(model, Field.STANDARD)[first:]
    in_linear, in_scale = (
        vector(model, Field.IN_LINEAR)[first:],
        cube(model, Field.IN_SCALES)[number],
    )
    in_nu, shape = 0.0, 0.5 * (nu + size)
    if nu > 0.0:
        in_nu = groups * (0.5 * (digamma(shape) - digamma(0.5 * nu)) - 0.5 * size / nu)
    product, inner, triangle = (
        np.zeros((size, size)),
        np.zeros((size, size)),
        np.zeros((size, size)),
    )
    in_triangle, in_inner = np.zeros((size, size)), np.zeros((size, size))
    in_standard, in_right = np.zeros(size), np.zeros(size)
    for group in range(groups):
        at, square = group * size, group * size * size
        squares = 0.0
        for i in range(size):
            squares += standard[at + i] * standard[at + i]
            for k in range(size):
                triangle[i, k] = triangles[square + i * size + k] if k >= i else 0.0
                product[i, k] = 0.0
                for m in range(k, size):
                    product[i, k] += precision[square + i * size + m] * scale[m, k]
        factor = -1.0
        if nu > 0.0:
            factor = -2.0 * shape / (nu + squares)
            in_nu -= 0.5 * math.log1p(squares / nu) - shape * squares / (nu * (nu + squares))
        for i in range(size):
            one = factor * standard[at + i]
            for m in range(i, size):
                one += scale[m, i] * in_effects[at + m]
            in_standard[i] = one
            for m in range(i + 1):
                in_scale[i, m] += in_effects[at + i] * standard[at + m]
        # v = T^-1 (c + z)
        for i in range(size):
            one = in_standard[i]
            for m in range(i):
                one -= triangle[m, i] * in_z[at + m]
            in_z[at + i] = one / triangle[i, i]
            for k in range(i, size):
                in_triangle[i, k] = -in_z[at + i] * standard[at + k]
            in_triangle[i, i] -= 1.0 / triangle[i, i]
        # c = T'^-1 L' g
        for i in range(size - 1, -1, -1):
            one = in_z[at + i]
            for m in range(i + 1, size):
                one -= triangle[i, m] * in_right[m]
            in_right[i] = one / triangle[i, i]
            for m in range(i + 1):
                in_triangle[m, i] -= shifts[at + m] * in_right[i]
        for i in range(size):
            one = 0.0
            for m in range(i + 1):
                one += scale[i, m] * in_right[m]
                in_scale[i, m] += linear[at + i] * in_right[m]
            in_linear[at + i] = one
        # T'T = I + L' S L
        for i in range(size):
            for k in range(i, size):
                inner[i, k] = 0.0
                for m in range(i + 1):
                    inner[i, k] += triangle[m, i] * triangle[m, k]
        cholesky_back(inner, triangle, in_triangle, in_inner, size, size)
        for i in range(size):
            for k in range(i, size):
                one = in_inner[i, k]
                for m in range(size):
                    if m >= i:
                        in_scale[m, i] += one * product[m, k]
                    if m >= k:
                        in_scale[m, k] += one * product[m, i]
    return in_nu
