"""Columns of labels and their products: as R's model.matrix where that has full rank."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from partialpool.formula import Formula


@pytest.fixture(scope="module")
def table():
    rows = pd.DataFrame(list(product("ab", "pqr", "uv", range(4))), columns=["a", "b", "c", "row"])
    rng = np.random.default_rng(4)
    return rows.assign(x=rng.normal(size=48), z=rng.normal(size=48), y=rng.normal(size=48))


# What R has as columns of model.matrix, by the names they have here.
AS_IN_R = {
    "a/x": "1 a[b] a[a]:x a[b]:x",
    "x/a": "1 x x:a[b]",
    "C(a)/x": "1 C(a)[b] C(a)[a]:x C(a)[b]:x",
    "x/z": "1 x x:z",
    "a/b": "1 a[b] a[a]:b[q] a[a]:b[r] a[b]:b[q] a[b]:b[r]",
    "0 + a/x": "a[a] a[b] a[a]:x a[b]:x",
    "(a + x)/z": "1 a[b] x a[a]:x:z a[b]:x:z",
    "(a + c)/x": "1 a[b] c[v] a[a]:c[u]:x a[a]:c[v]:x a[b]:c[u]:x a[b]:c[v]:x",
    "a/(x + z)": "1 a[b] a[a]:x a[b]:x a[a]:z a[b]:z",
    "a/x/z": "1 a[b] a[a]:x a[b]:x a[a]:x:z a[b]:x:z",
    "a * x": "1 a[b] x a[b]:x",
    "a:x": "1 a[a]:x a[b]:x",
    "x + a:x": "1 x a[b]:x",
    "0 + a + c": "a[a] a[b] c[v]",
    "0 + (a + c)**2": "a[a] a[b] c[v] a[b]:c[v]",
    "a*x - a": "1 x a[b]:x",
    "(a + x) * z": "1 a[b] x z a[b]:z x:z",
}


def column(table, name):
    """The product of indicators and numbers that a name says."""
    found = np.ones(len(table))
    for part in [] if name == "1" else name.split(":"):
        own, _, label = part.removesuffix("]").partition("[")
        values = table[own.removeprefix("C(").removesuffix(")")]
        found = found * (values == label if label else values).to_numpy(dtype=float)
    return found


@pytest.mark.parametrize(("text", "names"), AS_IN_R.items())
def test_columns_are_those_of_r(table, text, names):
    design = Formula(f"y ~ {text}").design(table)
    wanted = names.split()
    assert design.coefficients == ["Intercept" if name == "1" else name for name in wanted]
    for name, values in zip(wanted, design.of(design.coefficients).T, strict=True):
        np.testing.assert_array_equal(values, column(table, name))
    np.testing.assert_array_equal(design.at(table[::-1]).matrix, design.matrix[::-1])


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("a:b:c", 12),
        ("a:b:c + a", 12),
        ("a:b:c + b:a", 12),
        ("a + a:b:c", 12),
        ("(a + b)/c", 12),
        ("x + x:a:b:c", 13),
        ("a + x:b:c + x:c", 8),
        ("b*c + a:b:c - b", 12),
    ],
)
def test_terms_without_their_margins_span_what_they_mean(table, text, rank):
    """R has columns too many here, which it drops; `formulae` alone has too few."""
    design = Formula(f"y ~ {text}").design(table)
    assert len(design.coefficients) == rank == np.linalg.matrix_rank(design.matrix)


@pytest.mark.parametrize("text", ["x + a:x", "a + a:c", "a + c + a:c", "x + b + x:a + a:b"])
def test_the_order_of_terms_changes_no_column(table, text):
    """As in R, which sorts terms by how many columns they are products of."""
    backwards = " + ".join(reversed(text.split(" + ")))
    one, other = (Formula(f"y ~ {terms}").design(table) for terms in (text, backwards))
    assert {*one.coefficients} == {*other.coefficients}
    np.testing.assert_array_equal(one.matrix, other.of(one.coefficients))
