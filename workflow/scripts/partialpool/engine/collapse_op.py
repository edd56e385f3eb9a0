"""Deviations integrated out of all groups in one pass, which finds the gradient too.

In units of sigma, `collapse` stacks A = [S Λ ρ; I] and b = [τ B c; 0] for each group: Λ is the
between-group scale, ρ and τ are what differs by group where something does, and b combines
columns B of the compressed rows with coefficients c. Gram-Schmidt of [A, b] leaves orthonormal
Q, a triangle T and the rest r of b. Beside the identity, Q has become the inverse of T, and r minus
the coefficients of b along A, so derivatives are products of what is there already. With
M = S Λ ρ, and halves above and beside the identity,

    d log|T| / dM = Q_above Q_beside',    d |r|² / dM = 2 r_above r_beside'

A graph of elementary operations takes six times as long: its arrays pass through memory at every
step. Here groups come in blocks that stay in the cache. Sums over groups are kept apart by place
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
from pytensor.link.numba.cache import compile_numba_function_src
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from partialpool.engine import terms

BLOCK = 64  # groups
# Machine code is stored by name: that of another text must have another.
VERSION = zlib.crc32(Path(__file__).read_bytes())


class CollapsedGroups:
    """Groups whose deviations are integrated out, given the between-group scale and sigma.

    Parameters
    ----------
    design : TensorVariable
        S, shape `(varying, varying, group)`, upper triangular: row, column.
    scale : sequence of sequence of TensorVariable
        L, lower triangular, `scale[row][column]`, scalars.
    sigma : TensorVariable
        A scalar, or one for each group.
    stretch : TensorVariable, optional
        What multiplies L, for each group.
    of : str
        What tells their data from those of other groups of a model.
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
        return INTEGRATED(columns, as_they_are, *self.given)[0] * self.outside

    def squares_and_log_determinant(self, columns, mix):
        """|r|² of B c, and log |T|, both summed over groups.

        Parameters
        ----------
        columns : TensorVariable
            B, shape `(row, column, group)`: the rows of S, then any that u does not touch.
        mix : TensorVariable
            c, `(column, right-hand side)`.
        """
        squares, log_determinant, *_ = INTEGRATED(columns, mix, *self.given)
        return squares * self.outside, log_determinant


class CollapsedDensity(Op):
    """What is left of right-hand sides, log |T|, and their derivatives.

    Inputs are B `(row, column, group)`, c `(column, right-hand side)`, S `(varying, varying,
    group)`, Λ `(varying, varying)`, ρ and τ `(group,)`. ρ and τ are empty where they are 1; c is
    where the right-hand sides are the columns of B, and log |T| is not asked for. The first
    outputs are |r|² of each right-hand side and log |T|, summed over groups. The others are the
    derivatives of |r|² in c, Λ, ρ and τ, and of log |T| in Λ and ρ.
    """

    __props__ = ("version",)
    version = VERSION

    def make_node(self, *inputs):
        """Inputs and outputs are of double precision."""
        inputs = [pt.as_tensor_variable(value).astype("float64") for value in inputs]
        outputs = [pt.tensor(dtype="float64", shape=(None,) * n) for n in (1, 0, 2, 3, 2, 2, 2, 1)]
        return Apply(self, inputs, outputs)

    def perform(self, node, inputs, output_storage):
        """Outside of compiled graphs, by the same machine code, which is for writable arrays."""
        found = integrate(*(np.array(value, order="C") for value in inputs))
        for storage, value in zip(output_storage, found, strict=True):
            storage[0] = value

    def connection_pattern(self, node):
        """What is differentiated, and in what: data are not."""
        return [[result < 2 and given not in (0, 2) for result in range(8)] for given in range(6)]

    def pullback(self, inputs, outputs, cotangents):
        """The derivatives that came with the results, times the cotangents of these."""
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


INTEGRATED = CollapsedDensity()


# What keeps loops from becoming vectors: checked divisions, and arrays that may overlap for all
# that a function on its own knows.
jit = numba.njit(error_model="numpy", forceinline=True)


@jit
def _take(out, values, start):
    """One block of values by group; zeros beyond the last group."""
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
    """The inverse."""
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
    """Dot products of two columns, as far as their first rows go."""
    for j in range(BLOCK):
        out[j] = a[0, j] * b[0, j]
    for r in range(1, rows):
        _add_product(out, a[r], b[r])


@jit
def _load(above, given, rho, tau, columns, design, ratio, unit, start):
    """S ρ and τ B of one block, column by column."""
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
    """[A, b], column by column: rows that u touches, the identity's, then the others."""
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
    """Gram-Schmidt of the columns of A and what it leaves of the others, in place."""
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
    """S' a b' of the halves of one column."""
    size = len(above)
    for i in range(size):
        _dot(one, above[i], column, i + 1)
        for k in range(i + 1):
            _add_product(out[i, k], one, column[size + k])


@jit
def _sums(values, factor):
    """Sums over the places of a block."""
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


def _stored(function):
    """The same function, its machine code stored where PyTensor stores its own."""
    source = "def integrate(*given): return function(*given)"
    name = f"partialpool_integrate_{VERSION}"
    names = {"function": function, "__name__": __name__}
    found = compile_numba_function_src(source, "integrate", names, cache_key=name)
    return numba.njit(found, cache=True)


integrate = _stored(_integrate)


@register_funcify_default_op_cache_key(CollapsedDensity)
def _compiled(op, node, **kwargs):
    return integrate
