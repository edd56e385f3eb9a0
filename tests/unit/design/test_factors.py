"""Grouping factors: crossed, nested and of several columns."""

import numpy as np
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("(1 | county) + (0 + x | town)", {"county": "Intercept", "town": "x"}),
        ("(x | county/town)", {"county": "Intercept x", "county:town": "Intercept x"}),
        ("(1 | county) + (x | town:county)", {"county": "Intercept", "town:county": "Intercept x"}),
        (
            "(1 | county/town/floor)",
            {"county": "Intercept", "county:town": "Intercept", "county:town:floor": "Intercept"},
        ),
        ("(1 | `my group`/town)", {"my group": "Intercept", "my group:town": "Intercept"}),
    ],
)
def test_crossed_and_nested_factors(table, text, factors):
    table = table.assign(**{"my group": table["town"]})
    formula = Formula(f"y ~ {'1' if 'floor' in text else 'floor'} + {text}")
    design = formula.design(table)
    assert {factor.name: " ".join(factor.varying) for factor in design.factors} == factors
    assert list(formula.factors) == list(factors)
    assert set(formula.group_columns) == {c for name in factors for c in name.split(":")}
    for factor in design.factors:
        of_row = [":".join(row) for row in table[factor.name.split(":")].astype(str).to_numpy()]
        assert list(factor.groups) == of_row
        assert factor.levels == tuple(sorted(set(of_row)))
        assert [factor.levels[index] for index in factor.index] == of_row
    # What varies comes first, once, whatever the number of factors it varies by.
    varying = list(dict.fromkeys(" ".join(factors.values()).split()))
    assert design.columns[: len(varying)] == varying
    assert len(set(design.columns)) == len(design.columns)
    np.testing.assert_array_equal(design.select_columns(["Intercept"])[:, 0], 1)


def test_labels_with_colons_stay_apart(table):
    outer, inner = np.array([["a:b", "c"], ["a", "b:c"], ["a\\", "b"], ["a", "\\:b"]])[
        np.arange(len(table)) % 4
    ].T
    rows = table.assign(outer=outer, inner=inner)
    design = Formula("y ~ x + (1 | outer/inner)").design(rows)
    by_outer, by_both = design.factors
    assert set(by_outer.levels) == {"a:b", "a", "a\\"}  # a factor of one column is as it is written
    assert len(by_both.levels) == 4
    assert rows.groupby(["outer", "inner"]).ngroup().nunique() == 4
    for label in by_both.levels:
        at = by_both.groups == label
        assert len(set(zip(outer[at], inner[at], strict=True))) == 1


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("(1 | g)", "(1 | g)", "(1 | g) is there twice; leave one out"),
        ("(0 + x | g)", "(0 + x | g)", "(0 + x | g) is there twice; leave one out"),
        ("(0 + x | g)", "(1 + x | g)", "write (1 + x | g) for one term with corr"),
        ("(0 + x | g)", "(0 + x + z | g)", "write (0 + x + z | g) for one term with corr"),
        ("(0 + z | g)", "(0 + x + z | g)", "lations, or (0 + z + x || g) without"),
        ("(1 | g:h)", "(1 + x | g:h)", "lations, or (1 + x || g:h) without"),
    ],
)
def test_group_terms_of_a_factor_with_a_common_coefficient_are_refused(first, second, one):
    with pytest.raises(UserError) as caught:
        Formula(f"y ~ x + {first} + {second}")
    assert one in str(caught.value)
