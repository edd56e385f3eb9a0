"""Design matrices whose transforms are fitted in batches are those of the whole table."""

import json
from itertools import pairwise

import numpy as np
import pytest
from tables import MANY_ROWS, many_rows

from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms


@pytest.fixture(scope="module")
def rows():
    return many_rows()


FORMULAS = [
    "y ~ x + (1 + x | g)",
    "y ~ scale(x) + center(log(z)) + (scale(x) | g)",
    "log(y + 10) ~ scale(center(z)**2) * kind + C(period, Sum) + (kind | g/h)",
    "scale(y) ~ poly(x, 3) + bs(z, df=5) + (1 | g) + (1 | h)",
    "y ~ x:kind + C(period == 2) + I(kind == 'b') + (1 | g)",
    "y ~ cr(x, df=4) + cc(z, period=12, df=4) + standardize(z) + T(kind, ref='c')",
    "y ~ kind/scale(x) + C(h) + (kind || g/h) + (0 + center((x + z) * 2) | g)",
    "y ~ kind:C(period):h + (1 | kind/h) + (0 + poly(x, 2) || g) + (1 | g)",
    "y ~ scale(period) + I(period**2) + (period | period/g)",
    "y ~ late + x + (1 | late)",
]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("cuts", [[1, 2, 400], [500], []], ids=len)
def test_a_design_fitted_in_batches_is_that_of_the_whole_table(rows, text, cuts):
    formula, ends = Formula(text), [0, *cuts, MANY_ROWS]

    def batches():
        yield from (rows[first:last] for first, last in pairwise(ends))

    learned = FittedTransforms.of(formula, batches)
    design = FittedTransforms.from_dict(formula, json.loads(json.dumps(learned.to_dict()))).design
    whole, parts = (
        formula.design(rows),
        [design.for_rows(part, response=True) for part in batches()],
    )
    assert (design.columns, design.terms, design.text) == (whole.columns, whole.terms, whole.text)
    matrix = np.concatenate([part.matrix for part in parts])
    np.testing.assert_allclose(matrix, whole.matrix, rtol=1e-10, atol=1e-10)
    y = np.concatenate([part.y for part in parts])
    np.testing.assert_allclose(y, whole.y, rtol=1e-12, atol=1e-12)
    for number, factor in enumerate(whole.factors):
        own = [part.factors[number] for part in parts]
        assert own[0].levels == factor.levels
        assert (np.concatenate([one.index for one in own]) == factor.index).all()
    assert len(learned.exemplars) < 20
