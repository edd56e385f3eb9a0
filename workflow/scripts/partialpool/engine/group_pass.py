"""Gaussian rows of many groups with the group effects integrated out, and derivatives, in one pass.

For each group, in units of sigma, A = [S Λ ρ; I] and b = [τ B c; 0] are stacked: Λ is the Cholesky
factor of the effects' covariance, ρ and τ are scalars of the group, and c combines columns B of
the compressed rows. Gram-Schmidt of [A, b] leaves orthonormal Q, a triangle T and the residual r
of b. In the rows of the identity, Q has become the inverse of T, and r minus the coefficients of b
along A, so derivatives are products of what has been computed. With M = S Λ ρ, and subscripts for
the rows of S and those of the identity,

    d log|T| / dM = Q_S Q_I',    d (r · s) / dM = r_S s_I' + s_S r_I'

Groups come in blocks that stay in the processor's cache. Sums over groups are kept for each place
in the block until the end, so that they are vectors, and always in the same order.
"""

import math

import numpy as np
from numba import carray

from partialpool.sampler.machine_code import address, call, inlined, jit, pointer

BLOCK = 64  # groups


@inlined
def _take(out, values, start):
    """Read one block of values by group, with zeros beyond the last group."""
    count = min(BLOCK, len(values) - start)
    for j in range(count):
        out[j] = values[start + j]
    for j in range(count, BLOCK):
        out[j] = 0.0


@inlined
def _fill(out, value):
    for j in range(BLOCK):
        out[j] = value


@inlined
def _put(values, out, start):
    """Write a block of values by group: the inverse of :func:`_take`."""
    for j in range(min(BLOCK, len(values) - start)):
        values[start + j] = out[j]


@inlined
def _multiply(out, a):
    for j in range(BLOCK):
        out[j] *= a[j]


@inlined
def _add_multiple(out, a, factor):
    for j in range(BLOCK):
        out[j] += a[j] * factor


@inlined
def _add_product(out, a, b):
    for j in range(BLOCK):
        out[j] += a[j] * b[j]


@inlined
def _dot(out, a, b, rows):
    """Dot products of the first rows of two columns."""
    for j in range(BLOCK):
        out[j] = a[0, j] * b[0, j]
    for r in range(1, rows):
        _add_product(out, a[r], b[r])


@inlined
def _load(above, given, rho, tau, columns, design, ratio, unit, start):
    """Read S ρ and τ B of one block, column by column."""
    by_group = len(ratio) > 0
    if by_group:
        _take(rho, ratio, start)
        _take(tau, unit, start)
    for i in range(len(above)):
        for r in range(i + 1):
            _take(above[i, r], design[r, i], start)
            if by_group:
                _multiply(above[i, r], rho)
    for i in range(given.shape[0]):
        for r in range(given.shape[1]):
            _take(given[i, r], columns[r, i], start)
            if by_group:
                _multiply(given[i, r], tau)


@inlined
def _stack(work, above, given, scale, mix):
    """Fill [A, b] column by column: the rows of S, of the identity, then rows free of u."""
    size, (width, height, _) = len(above), given.shape
    for k in range(len(work)):
        for r in range(work.shape[1]):
            _fill(work[k, r], 0.0)
    for k in range(size):
        for i in range(k, size):
            for r in range(i + 1):
                _add_multiple(work[k, r], above[i, r], scale[i, k])
        _fill(work[k, size + k], 1.0)
    for i in range(width):
        for r in range(height):
            row = r if r < size else r + size
            if len(mix):
                _add_multiple(work[size, row], given[i, r], mix[i])
            else:
                _add_multiple(work[size + i, row], given[i, r], 1.0)


@inlined
def _orthogonalise(work, size, one, diagonal):
    """Orthonormalise the columns of A and project them out of the others, in place."""
    _fill(diagonal, 1.0)
    for i in range(size):
        rows = size + i + 1  # beyond them the column is zero
        _dot(one, work[i], work[i], rows)
        for j in range(BLOCK):
            one[j] = math.sqrt(one[j])
            diagonal[j] *= one[j]
            one[j] = 1.0 / one[j]
        for r in range(rows):
            _multiply(work[i, r], one)
        for k in range(i + 1, len(work)):
            _dot(one, work[i], work[k], rows)
            for r in range(rows):
                for j in range(BLOCK):
                    work[k, r, j] -= work[i, r, j] * one[j]


@inlined
def _add_in_scale(out, above, left, right, one):
    """Add S' l_S r_I' of two columns to a derivative in Λ."""
    size = len(above)
    for i in range(size):
        _dot(one, above[i], left, i + 1)
        for k in range(i + 1):
            _add_product(out[i, k], one, right[size + k])


@inlined
def _sum(out, values, factor):
    """Sum over the places of a block, times a factor."""
    places = values.reshape((values.size // BLOCK, BLOCK))
    flat = out.reshape(out.size)
    for i in range(len(places)):
        total = 0.0
        for j in range(BLOCK):
            total += places[i, j]
        flat[i] = factor * total


def collapse_part(lengths, addresses):
    """The C function that :func:`collapse` calls: see there."""
    sizes, places = carray(lengths, (8,)), carray(addresses, (15,))
    size, height, width, groups = sizes[0], sizes[1], sizes[2], sizes[3]
    mixes, differing, by_column, determinants = sizes[4], sizes[5], sizes[6], sizes[7]
    sides = 1 if mixes else width
    pairs = sides * (sides + 1) // 2
    design = carray(pointer(places[0]), (size, size, groups))
    columns = carray(pointer(places[1]), (height, width, groups))
    mix = carray(pointer(places[2]), (mixes,))
    scale = carray(pointer(places[3]), (size, size))
    ratio, unit = carray(pointer(places[4]), (differing,)), carray(pointer(places[5]), (differing,))
    products = carray(pointer(places[6]), (pairs,))
    in_mix = carray(pointer(places[7]), (mixes,))
    in_scale = carray(pointer(places[8]), (pairs, size, size))
    in_ratio = carray(pointer(places[9]), (pairs, differing))
    in_unit = carray(pointer(places[10]), (pairs, differing))
    in_columns = carray(pointer(places[11]), (by_column, groups))
    t_in_scale = carray(pointer(places[12]), (determinants, size))
    t_in_ratio = carray(pointer(places[13]), (differing,))
    above, given = np.zeros((size, size, BLOCK)), np.zeros((width, height, BLOCK))
    work = np.empty((size + sides, size + height, BLOCK))
    rho, tau = np.ones(BLOCK), np.ones(BLOCK)
    one, diagonal = np.empty(BLOCK), np.empty(BLOCK)

    dots, log_t = np.zeros((pairs, BLOCK)), np.zeros(BLOCK)
    mixed = np.zeros((len(mix), BLOCK))
    scaled = np.zeros((pairs, size, size, BLOCK))
    t_scaled = np.zeros((len(t_in_scale), size, BLOCK))

    for start in range(0, groups, BLOCK):
        _load(above, given, rho, tau, columns, design, ratio, unit, start)
        _stack(work, above, given, scale, mix)
        _orthogonalise(work, size, one, diagonal)
        pair = 0
        for a in range(sides):
            left = work[size + a]
            for b in range(a, sides):
                right = work[size + b]
                _dot(one, left, right, size + height)
                for j in range(BLOCK):
                    dots[pair, j] += one[j]
                if differing:
                    for j in range(BLOCK):
                        one[j] *= 2.0 / tau[j]
                    _put(in_unit[pair], one, start)
                    _dot(one, left[size:], right[size:], size)
                    for j in range(BLOCK):
                        one[j] *= -2.0 / rho[j]
                    _put(in_ratio[pair], one, start)
                _add_in_scale(scaled[pair], above, left, right, one)
                _add_in_scale(scaled[pair], above, right, left, one)
                pair += 1
        for i in range(len(mix)):
            for r in range(height):
                row = r if r < size else r + size
                _add_product(mixed[i], given[i, r], work[size, row])
        for r in range(len(in_columns)):
            for j in range(BLOCK):
                one[j] = 2.0 * tau[j] * work[size, r, j]
            _put(in_columns[r], one, start)
        if len(t_in_scale):
            for j in range(BLOCK):
                log_t[j] += math.log(diagonal[j])
            for i in range(size):
                _add_in_scale(t_scaled, above, work[i], work[i], one)
            if differing:
                _fill(diagonal, 0.0)
                for i in range(size):
                    _dot(one, work[i], work[i], size)
                    for j in range(BLOCK):
                        diagonal[j] += one[j] / rho[j]
                _put(t_in_ratio, diagonal, start)

    _sum(products, dots, 1.0)
    _sum(in_mix, mixed, 2.0)
    _sum(in_scale, scaled, 1.0)
    _sum(t_in_scale, t_scaled, 1.0)
    if determinants:
        log_determinant = carray(pointer(places[14]), (1,))
        _sum(log_determinant, log_t, 1.0)
    return 0


@jit
def collapse(
    part, design, columns, mix, scale, ratio, unit,
    products, in_mix, in_scale, in_ratio, in_unit, in_columns,
    t_in_scale, t_in_ratio,
):  # fmt: skip
    """Integrate the effects of all groups out; the results are written to arrays.

    Parameters
    ----------
    part : int
        Address of the compiled :func:`collapse_part`.
    design : numpy.ndarray
        S, `(varying, varying, group)`, upper triangular: row, column.
    columns : numpy.ndarray
        B, `(row, column, group)`: the rows of S, then any that are free of u.
    mix : numpy.ndarray
        c, `(column,)`; empty if the right-hand sides are the columns of B.
    scale : numpy.ndarray
        Λ, `(varying, varying)`, lower triangular.
    ratio, unit : numpy.ndarray
        ρ and τ, `(group,)`; empty if they are 1.
    products : numpy.ndarray
        Set to r · s of each pair of right-hand sides, summed over groups, `(pair,)`: the first
        with each from itself on, then the second.
    in_mix : numpy.ndarray
        Set to the derivative of the product in c, `(column,)`.
    in_scale : numpy.ndarray
        Set to the derivatives of products in Λ, `(pair, varying, varying)`.
    in_ratio, in_unit : numpy.ndarray
        Set to those in ρ and τ, `(pair, group)`.
    in_columns : numpy.ndarray
        Set to those of the first product in the rows of S of the first column of B, times τ,
        `(varying, group)`; empty if they are not wanted.
    t_in_scale, t_in_ratio : numpy.ndarray
        Set to the derivatives of the sum of log|T| in Λ and ρ; `t_in_scale` is empty if these are
        not wanted.

    Returns
    -------
    float
        Sum of log|T|.
    """
    log_determinant = np.zeros(1)
    lengths = np.array(
        [
            len(design), len(columns), columns.shape[1], columns.shape[2],
            len(mix), len(ratio), len(in_columns), len(t_in_scale),
        ]
    )  # fmt: skip
    addresses = np.array(
        [
            address(design), address(columns), address(mix), address(scale),
            address(ratio), address(unit),
            address(products), address(in_mix), address(in_scale),
            address(in_ratio), address(in_unit), address(in_columns),
            address(t_in_scale), address(t_in_ratio), address(log_determinant),
        ]
    )  # fmt: skip
    call(part, lengths, addresses)
    return log_determinant[0]
