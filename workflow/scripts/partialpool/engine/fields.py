"""Fields of the data and of the workspace of a compiled density, and how they are reached.

A table says where each array of a model is and how long its axes are, so that one compiled
function serves models of any dimensions.
"""

import math
from enum import IntEnum, auto

import numpy as np
from numba import carray

from partialpool.sampler.machine_code import (
    NO_GRADIENT,
    NO_VALUE,
    address_of,
    integer_pointer,
    jit,
    pointer,
)

BLOCK = 256  # rows that are evaluated at once
ENTRIES = 4  # of a field in the table: its address, and the lengths of up to three axes


class Size(IntEnum):
    """Places of the numbers in the field SIZES; -1 is the place of what there is not."""

    LAST = 0  # coefficients whose coordinates depend on the variances
    INNER = auto()  # how the effects of the first factor are treated
    SIGMA_KIND = auto()
    SIGMA_AT = auto()  # place among the parameters
    SPREAD_AT = auto()


class Block(IntEnum):
    """Columns of the field BLOCKS, which has a row for each factor: the inner one first."""

    SIZE = 0
    GROUPS = auto()
    SD_AT = auto()
    NU_AT = auto()
    EFFECTS_AT = auto()
    SQUARES_AT = auto()
    ROTATION_AT = auto()
    COLUMNS_AT = auto()


class Part(IntEnum):
    """Places of the functions that a density calls."""

    COLLAPSE = 0
    ROWS = auto()
    FAMILY = auto()
    OUTER = auto()
    OUTER_BACK = auto()
    INNER = auto()
    INNER_BACK = auto()


class Field(IntEnum):
    """Rows of the table: integers, numbers, then the fields of the workspace."""

    POSITION = 0
    GRADIENT = auto()
    SIZES = auto()
    BLOCKS = auto()
    TRANSFORMS = auto()
    PRIOR_CODES = auto()
    PARTIAL = auto()
    BETA_CODES = auto()
    CHOSEN = auto()
    RESPONSE_AT = auto()
    REST = auto()
    INDEX = auto()
    START = auto()
    CROSS_START = auto()
    CROSS_AT = auto()
    # Priors, and coordinates of the coefficients.
    CONSTANT = auto()
    PRIOR_NUMBERS = auto()
    BETA_NUMBERS = auto()
    BETA_ON = auto()
    FIXED_SD = auto()
    CENTRE = auto()
    INVERSE = auto()
    REGRESSION = auto()
    CONSTANT_PRECISION = auto()
    WITHIN_PRECISION = auto()
    TOUCHED = auto()
    CHOSEN_DESIGN = auto()
    # Compressed Gaussian rows.
    KNOWN_SIGMA = auto()
    FIXED_SPREAD = auto()
    LOG_SIGMA_PRECISION = auto()
    LOG_GROUP_SIGMA = auto()
    DESIGN = auto()
    BETWEEN = auto()
    WITHIN = auto()
    ROWS = auto()
    # Effects that are sampled.
    PRECISION = auto()
    LINEAR = auto()
    ROTATIONS = auto()
    DECORRELATION = auto()
    BETA_CROSS = auto()
    CROSS = auto()
    # Rows.
    FOLD = auto()
    RESPONSE = auto()
    TRIALS = auto()
    COUNT = auto()
    OFFSET = auto()
    REST_COLUMNS = auto()
    COLUMNS = auto()
    DIRECTIONS = auto()
    # Results.
    TOTAL = auto()
    ONLY_VALUES = auto()
    THETA = auto()
    BETA = auto()
    SIGMAS = auto()
    STRETCH = auto()
    EFFECTS = auto()
    # What they are computed from, and derivatives in it.
    SLOPE = auto()
    SCALES = auto()
    CORRELATIONS = auto()
    ROOTS = auto()
    IN_SCALES = auto()
    JOINT = auto()
    FACTOR = auto()
    STANDARDISED = auto()
    IN_BETA = auto()
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
    CHOSEN_IN_SCALE = auto()
    PRODUCTS = auto()
    POSITIONS = auto()
    UNROTATED = auto()
    IN_EFFECTS = auto()
    LINEARS = auto()
    IN_LINEAR = auto()
    STANDARD = auto()
    SHIFTS = auto()
    TRIANGLES = auto()
    COMBINED = auto()
    IN_COMBINED = auto()
    PARAMETERS = auto()
    IN_PARAMETERS = auto()
    LEFT = auto()
    ALONG = auto()
    IN_ALONG = auto()


PARTS, FIELDS = len(Part), len(Field)


@jit
def unpacked(data, position, gradient, size):
    """What a density is called with: addresses of its parts, and the table of its fields."""
    model = (
        carray(data[0], (PARTS,), np.int64),
        carray(data[1], (FIELDS, ENTRIES), np.int64),
    )
    model[1][Field.POSITION, 0], model[1][Field.POSITION, 1] = address_of(position), size
    model[1][Field.GRADIENT, 0], model[1][Field.GRADIENT, 1] = address_of(gradient), size
    return model


@jit
def of_part(parts, table):
    """The same in a part, which is called with both."""
    return carray(parts, (PARTS,)), carray(table, (FIELDS, ENTRIES))


@jit
def vector(model, field):
    """A field with one axis."""
    entry = model[1][field]
    return carray(pointer(entry[0]), (entry[1],))


@jit
def matrix(model, field):
    """A field with two axes."""
    entry = model[1][field]
    return carray(pointer(entry[0]), (entry[1], entry[2]))


@jit
def cube(model, field):
    """A field with three axes."""
    entry = model[1][field]
    return carray(pointer(entry[0]), (entry[1], entry[2], entry[3]))


@jit
def integers(model, field):
    """A field of integers with one axis."""
    entry = model[1][field]
    return carray(integer_pointer(entry[0]), (entry[1],))


@jit
def integer_matrix(model, field):
    """A field of integers with two axes."""
    entry = model[1][field]
    return carray(integer_pointer(entry[0]), (entry[1], entry[2]))


@jit
def integer_cube(model, field):
    """A field of integers with three axes."""
    entry = model[1][field]
    return carray(integer_pointer(entry[0]), (entry[1], entry[2], entry[3]))


@jit
def integer(model, field, place):
    """A number of a field of integers."""
    return integers(model, field)[place]


@jit
def zeros(values):
    """Set all numbers of a vector to zero."""
    for i in range(len(values)):
        values[i] = 0.0


@jit
def finish(value, model):
    """Hand the density over; returns zero, or a code for what is not finite."""
    value[0] = vector(model, Field.TOTAL)[0]
    gradient = vector(model, Field.GRADIENT)
    if not math.isfinite(value[0]):
        return NO_VALUE
    for i in range(len(gradient)):
        if not math.isfinite(gradient[i]):
            return NO_GRADIENT
    return 0
