"""The functions that a prior's record is written with, of single numbers in compiled code."""

import math

from partialpool.sampler.machine_code import pasted

log, log1p = math.log, math.log1p


@pasted
def expit(x):
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + math.exp(-x))


@pasted
def softplus(x):
    """log(1 + e^x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
