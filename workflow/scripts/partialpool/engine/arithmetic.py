"""Elementary functions that a compiler turns into vector instructions.

Libraries of vector mathematics differ between machines, and calls of scalar ones keep loops from
being vectorised. These are additions, multiplications and a few divisions without branches, with
a relative error of a few units in the last place: reduction of the argument, and the first terms
of a series (Muller, Elementary Functions, 2016, https://doi.org/10.1007/978-1-4899-7983-4). Where
a multiplication and an addition are fused is fixed here, so that all processors round alike.
"""

import math

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from partialpool.sampler.machine_code import inlined

LOG2_E = 1.4426950408889634
LOG_2_HIGH, LOG_2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # log 2 in two parts
HALF_LOG_2PI = 0.9189385332046727
SHIFT = 1.5 * 2.0**52  # adding it rounds to a whole number, which is then in the last bits
SMALLEST, LARGEST = -708.0, 709.0  # arguments of exp
EXPONENT = 0x4330000000000000  # bits of 2^52
MANTISSA, HALF = 0x000FFFFFFFFFFFFF, 0x3FE0000000000000
ROOT_HALF = 0.7071067811865476


@intrinsic
def bits(context, x):
    """The bits of a number as an integer."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def number(context, x):
    """The number of which an integer has the bits."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def polynomial(*coefficients: float):
    """Compile a polynomial, by Horner's scheme in fused multiplications and additions.

    Parameters
    ----------
    *coefficients : float
        From that of the highest power to the constant.
    """
    first, *rest = map(ir.DoubleType(), coefficients)

    @intrinsic
    def evaluate(context, x):
        def generate(context, builder, signature, arguments):
            value = first
            for one in rest:
                value = builder.fma(value, arguments[0], one)
            return value

        return types.float64(types.float64), generate

    return evaluate


exp_series = polynomial(*(1.0 / math.factorial(n) for n in range(13, -1, -1)))
expm1_series = polynomial(*(1.0 / math.factorial(n) for n in range(14, 0, -1)))
# Of artanh(s) / s - 1, in s^2 and without its factor s^2, to 1e-17 for |s| <= 0.172 and 1/3.
short_artanh_series = polynomial(*(1.0 / n for n in range(21, 1, -2)))
artanh_series = polynomial(*(1.0 / n for n in range(33, 1, -2)))
# Stirling's series of the logarithm of the gamma function and of its derivative.
stirling_series = polynomial(
    *(-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
)
digamma_series = polynomial(
    *(3617 / 8160, -1 / 12, 691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12)
)


@inlined
def exp(x):
    """e^x, by e^x = 2^k e^r with |r| <= log(2) / 2; x is clipped to where it is finite."""
    x = min(max(x, SMALLEST), LARGEST)
    shifted = x * LOG2_E + SHIFT
    k = shifted - SHIFT
    r = (x - k * LOG_2_HIGH) - k * LOG_2_LOW
    p = exp_series(r)
    return number(bits(p) + (bits(shifted) << 52))


@inlined
def expm1(x):
    """e^x - 1, exact also where it is small; as :func:`exp`."""
    x = min(max(x, SMALLEST), LARGEST)
    shifted = x * LOG2_E + SHIFT
    k = shifted - SHIFT
    r = (x - k * LOG_2_HIGH) - k * LOG_2_LOW
    power = number(bits(1.0) + (bits(shifted) << 52))  # 2^k
    return power * (r * expm1_series(r)) + (power - 1.0)


@inlined
def _log_ratio(s):
    """log((1 + s) / (1 - s)) for |s| <= 0.172."""
    q = s * s
    p = short_artanh_series(q)
    return 2.0 * s + 2.0 * s * (q * p)


@inlined
def log(x):
    """Logarithm of a positive, normal number, by x = 2^k m with m between 0.7 and 1.4."""
    pattern = bits(x)
    m = number((pattern & MANTISSA) | HALF)
    k = number((pattern >> 52) | EXPONENT) - 4503599627370496.0 - 1022.0
    low = m < ROOT_HALF
    m = 2.0 * m if low else m
    k = k - 1.0 if low else k
    return k * LOG_2_HIGH + (_log_ratio((m - 1.0) / (m + 1.0)) + k * LOG_2_LOW)


@inlined
def log1p(x):
    """log(1 + x) for x > -1, with the rounding of the sum corrected."""
    total = 1.0 + x
    return log(total) + (x - (total - 1.0)) / total


@inlined
def softplus_expit(x):
    """log(1 + e^x) and its derivative 1 / (1 + e^-x), with one division for both."""
    e = exp(-abs(x))
    above, twice = 1.0 + e, 2.0 + e
    reciprocal = 1.0 / (above * twice)
    s = e * above * reciprocal  # log(1 + e) = 2 artanh(s), s <= 1/3
    q = s * s
    p = artanh_series(q)
    far = twice * reciprocal  # 1 / (1 + e)
    return max(x, 0.0) + 2.0 * (s + s * (q * p)), far if x >= 0.0 else e * far


@inlined
def _shifted(x):
    """x (x + 1) ... (x + 7) and the sum of the reciprocals of these factors."""
    a, b = x * (x + 7.0), 2.0 * x + 7.0
    f1, f2, f3, f4 = a, a + 6.0, a + 10.0, a + 12.0  # (x + i)(x + 7 - i)
    left, right = f1 * f2, f3 * f4
    slope = b * ((f1 + f2) * right + (f3 + f4) * left)
    product = left * right
    return product, slope / product


@inlined
def gammaln(x):
    """Logarithm of the gamma function for x > 0, by Stirling's series at x + 8."""
    product, _ = _shifted(x)
    y = x + 8.0
    r = 1.0 / y
    q = r * r
    p = stirling_series(q)
    return (y - 0.5) * log(y) - y + HALF_LOG_2PI + r * p - log(product)


@inlined
def digamma(x):
    """Derivative of :func:`gammaln`."""
    _, reciprocals = _shifted(x)
    y = x + 8.0
    r = 1.0 / y
    q = r * r
    p = digamma_series(q)
    return log(y) - 0.5 * r + q * p - reciprocals
