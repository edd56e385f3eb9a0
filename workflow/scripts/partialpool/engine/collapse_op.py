"""PyTensor operation: Gaussian likelihood with group effects integrated out, and its gradient.

One pass over the groups, compiled by numba, computes the value and all derivatives.

For each group, in units of sigma, `group_algebra.stacked` makes A = [S Λ ρ; I], and b = [τ B c; 0]:
Λ is the Cholesky factor of the effects' covariance, ρ and τ are scalars of the group, and c
combines columns B of the compressed rows. Gram-Schmidt of [A, b] leaves orthonormal Q, a triangle
T and the residual r of b. In the rows of the identity, Q has become the inverse of T, and r minus
the coefficients of b along A, so derivatives are products of what has been computed. With
M = S Λ ρ, and subscripts for the rows of S and those of the identity,

    d log|T| / dM = Q_S Q_I',    d |r|² / dM = 2 r_S r_I'

A graph of elementary operations takes six times as long: its arrays pass through memory at every
step. Here groups come in blocks that stay in the cache. Sums over groups are kept for each place
in the block until the end, so that they are vectors, and always in the same order.
"""

import math
import zlib
from pathlib import Path

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from partialpool.engine import terms
from partialpool.sampler import pytensor_numba

BLOCK = 64  # groups
# A part of the keys under which machine code is stored, so that other source is compiled anew.
VERSION = zlib.crc32(Path(__file__).read_bytes())


class CollapsedGroups:
    """Quadratic forms and determinants of groups whose effects are integrated out.

    Parameters
    ----------
    design : TensorVariable
        S, shape `(varying, varying, group)`, upper triangular: row, column.
    scale : sequence of sequence of TensorVariable
        L, lower triangular, `scale[row][column]`, scalars.
    sigma : TensorVariable
        A scalar, or one for each group.
    stretch : TensorVariable, optional
        Factor of L in each group, for Student-t effects.
    of : str
        Suffix of the names of their data, if a model has several sets of groups.
    """

    def __init__(self, design, scale, sigma, stretch=None, of: str = ""):
        size, self.of = len(scale), of
        entries = [scale[i][k] if k <= i else 0.0 for i in range(size) for k in range(size)]
        scale = pt.stack(entries).reshape((size, size))
        self.outside = 1 / sigma**2
        ratio = unit = terms.as_data(f"differs by group {of}", np.zeros(0))
        if stretch is None and sigma.ndim == 0:
            scale = scale / sigma
        else:
            unit = (1 if stretch is None else pt.ones_like(stretch)) / sigma
            ratio = unit if stretch is None else stretch / sigma
            self.outside = 1.0
        self.given = (design, scale, ratio, unit)

    def squares(self, columns):
        """|r|² of columns B, `(row, column, group)`, summed over groups."""
        as_they_are = terms.as_data(f"as they are {self.of}", np.zeros((0, 0)))
        return collapsed_density(columns, as_they_are, *self.given)[0] * self.outside

    def squares_and_log_determinant(self, columns, mix):
        """|r|² of B c, and log |T|, both summed over groups.

        Parameters
        ----------
        columns : TensorVariable
            B, shape `(row, column, group)`: the rows of S, then any that are free of u.
        mix : TensorVariable
            c, `(column, right-hand side)`.
        """
        squares, log_determinant, *_ = collapsed_density(columns, mix, *self.given)
        return squares * self.outside, log_determinant


class CollapsedDensity(Op):
    """Residual sums of squares of right-hand sides, log |T|, and their derivatives.

    Inputs are B `(row, column, group)`, c `(column, right-hand side)`, S `(varying, varying,
    group)`, Λ `(varying, varying)`, ρ and τ `(group,)`. ρ and τ are empty if they are 1. c is
    empty if the right-hand sides are the columns of B; then log |T| is not computed. The first
    outputs are |r|² of each right-hand side and log |T|, summed over groups. The others are the
    derivatives of |r|² in c, Λ, ρ and τ, and of log |T| in Λ and ρ.
    """

    __props__ = ("version",)
    version = VERSION

    def make_node(self, *inputs):
        """Make a node with inputs and outputs of double precision."""
        inputs = [pt.as_tensor_variable(value).astype("float64") for value in inputs]
        outputs = [pt.tensor(dtype="float64", shape=(None,) * n) for n in (1, 0, 2, 3, 2, 2, 2, 1)]
        return Apply(self, inputs, outputs)

    def perform(self, node, inputs, output_storage):
        """Evaluate outside of compiled graphs, by the same machine code, on writable copies."""
        found = integrate(*(np.array(value, order="C") for value in inputs))
        for storage, value in zip(output_storage, found, strict=True):
            storage[0] = value

    def connection_pattern(self, node):
        """Whether each output can be differentiated with respect to each input: data cannot."""
        return [[result < 2 and given not in (0, 2) for result in range(8)] for given in range(6)]

    def pullback(self, inputs, outputs, cotangents):
        """Vector-Jacobian products, from the derivatives among the outputs."""
        of_squares, of_log_t = (
            pt.zeros_like(output) if isinstance(cotangent.type, DisconnectedType) else cotangent
            for output, cotangent in zip(outputs[:2], cotangents[:2], strict=True)
        )
        mix, scale, ratio, unit, scale_of_t, ratio_of_t = outputs[2:]
        return [
            disconnected_type(),
            mix * of_squares,
            disconnected_type(),
            (scale * of_squares[:, None, None]).sum(axis=0) + of_log_t * scale_of_t,
            (ratio * of_squares[:, None]).sum(axis=0) + of_log_t * ratio_of_t,
            (unit * of_squares[:, None]).sum(axis=0),
        ]


collapsed_density = CollapsedDensity()


# Checked divisions, and arrays that might overlap, keep loops from becoming vector instructions; a
# function that is inlined knows that they do not overlap.
jit = numba.njit(error_model="numpy", forceinline=True)


@jit
def _take(out, values, start):
    """Read one block of values by group, with zeros beyond the last group."""
    count = min(BLOCK, len(values) - start)
    for j in range(count):
        out[j] = values[start + j]
    for j in range(count, BLOCK):
        out[j] = 0.0


@jit
def _fill(out, value):
    for j in range(BLOCK):
        out[j] = value


@jit
def _put(values, out, start):
    """Write a block of values by group: the inverse of :func:`_take`."""
    for j in range(min(BLOCK, len(values) - start)):
        values[start + j] = out[j]


@jit
def _multiply(out, a):
    for j in range(BLOCK):
        out[j] *= a[j]


@jit
def _add_multiple(out, a, factor):
    for j in range(BLOCK):
        out[j] += a[j] * factor


@jit
def _add_product(out, a, b):
    for j in range(BLOCK):
        out[j] += a[j] * b[j]


@jit
def _dot(out, a, b, rows):
    """Dot products of the first rows of two columns."""
    for j in range(BLOCK):
        out[j] = a[0, j] * b[0, j]
    for r in range(1, rows):
        _add_product(out, a[r], b[r])


@jit
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


@jit
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
                for side in range(mix.shape[1]):
                    _add_multiple(work[size + side, row], given[i, r], mix[i, side])
            else:
                _add_multiple(work[size + i, row], given[i, r], 1.0)


@jit
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


@jit
def _add_in_scale(out, above, column, one):
    """Add S' r_S r_I' of one column to a derivative in Λ."""
    size = len(above)
    for i in range(size):
        _dot(one, above[i], column, i + 1)
        for k in range(i + 1):
            _add_product(out[i, k], one, column[size + k])


@jit
def _sums(values, factor):
    """Sum over the places of a block."""
    places = values.reshape((values.size // BLOCK, BLOCK))
    found = np.zeros(len(places))
    for i in range(len(places)):
        for j in range(BLOCK):
            found[i] += places[i, j]
        found[i] *= factor
    return found


@numba.njit(error_model="numpy")
def _integrate(columns, mix, design, scale, ratio, unit):
    """The outputs of :class:`CollapsedDensity`."""
    height, width, groups = columns.shape
    size, differing = len(design), len(ratio)
    sides = mix.shape[1] if len(mix) else width
    above, given = np.zeros((size, size, BLOCK)), np.zeros((width, height, BLOCK))
    work = np.empty((size + sides, size + height, BLOCK))
    rho, tau = np.empty(BLOCK), np.empty(BLOCK)
    one, diagonal = np.empty(BLOCK), np.empty(BLOCK)

    squares, log_t = np.zeros((sides, BLOCK)), np.zeros(BLOCK)
    in_mix, in_scale = np.zeros((*mix.shape, BLOCK)), np.zeros((sides, size, size, BLOCK))
    in_ratio, in_unit = np.zeros((sides, differing)), np.zeros((sides, differing))
    t_in_scale, t_in_ratio = np.zeros((size, size, BLOCK)), np.zeros(differing)

    for start in range(0, groups, BLOCK):
        _load(above, given, rho, tau, columns, design, ratio, unit, start)
        _stack(work, above, given, scale, mix)
        _orthogonalise(work, size, one, diagonal)
        for side in range(sides):
            left = work[size + side]
            _dot(one, left, left, size + height)
            for j in range(BLOCK):
                squares[side, j] += one[j]
            if differing:
                for j in range(BLOCK):
                    one[j] *= 2.0 / tau[j]
                _put(in_unit[side], one, start)
                _dot(one, left[size:], left[size:], size)
                for j in range(BLOCK):
                    one[j] *= -2.0 / rho[j]
                _put(in_ratio[side], one, start)
            _add_in_scale(in_scale[side], above, left, one)
            for i in range(len(mix)):
                for r in range(height):
                    row = r if r < size else r + size
                    _add_product(in_mix[i, side], given[i, r], left[row])
        if len(mix):
            for j in range(BLOCK):
                log_t[j] += math.log(diagonal[j])
            for i in range(size):
                _add_in_scale(t_in_scale, above, work[i], one)
            if differing:
                _fill(diagonal, 0.0)
                for i in range(size):
                    _dot(one, work[i], work[i], size)
                    for j in range(BLOCK):
                        diagonal[j] += one[j] / rho[j]
                _put(t_in_ratio, diagonal, start)

    return (
        _sums(squares, 1.0),
        _sums(log_t, 1.0).reshape(()),
        _sums(in_mix, 2.0).reshape(mix.shape),
        _sums(in_scale, 2.0).reshape((sides, size, size)),
        in_ratio,
        in_unit,
        _sums(t_in_scale, 1.0).reshape((size, size)),
        t_in_ratio,
    )


integrate = pytensor_numba.stored_function(_integrate, f"partialpool_integrate_{VERSION}")
pytensor_numba.register(CollapsedDensity, integrate)
