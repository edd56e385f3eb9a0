"""Fields of a compiled density are found by their table."""

import numpy as np
import pytest

from partialpool.engine import fields
from partialpool.engine.fields import Field
from partialpool.engine.inputs import Fields


def test_fields_of_all_axes_are_read_where_they_are():
    given = {
        "CENTRE": np.arange(3.0),
        "INVERSE": np.arange(6.0).reshape(2, 3),
        "DESIGN": np.arange(24.0).reshape(2, 3, 4),
        "SIZES": np.arange(4),
        "INDEX": np.arange(6).reshape(3, 2),
        "PARTIAL": np.arange(8).reshape(2, 2, 2),
    }
    own = Fields(given, {"BETA": (2,)})
    model = (np.zeros(1, np.int64), own.table)
    readers = {
        **{"CENTRE": fields.vector, "INVERSE": fields.matrix, "DESIGN": fields.cube},
        **{"SIZES": fields.integers, "INDEX": fields.integer_matrix},
        "PARTIAL": fields.integer_cube,
    }
    for name, read in readers.items():
        assert np.array_equal(read(model, Field[name]), given[name])
    assert fields.integer(model, Field.SIZES, 2) == 2
    fields.vector(model, Field.BETA)[1] = 5.0
    assert own.work["BETA"].tolist() == [0, 5]
    assert len(fields.vector(model, Field.OFFSET)) == 0  # one that was left out


@pytest.mark.parametrize(
    ("total", "gradient", "code"),
    [
        (1.0, [0.0, 2.0], 0),
        (np.nan, [0.0, 0.0], 4),
        (-np.inf, [0.0, 0.0], 4),
        (1.0, [0, np.inf], 3),
    ],
)
def test_what_is_not_finite_is_said(total, gradient, code):
    own = Fields({}, {"TOTAL": (1,), "GRADIENT": (2,)})
    own.work["TOTAL"][:], own.work["GRADIENT"][:] = total, gradient
    value = np.zeros(1)
    assert fields.finish(value, (np.zeros(1, np.int64), own.table)) == code
    assert np.array_equal(value, [total], equal_nan=True)
