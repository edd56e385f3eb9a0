"""Columns of labels and their products: as R's model.matrix where that has full rank."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partialpool.design.formula import Formula


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
    for name, values in zip(wanted, design.select_columns(design.coefficients).T, strict=True):
        np.testing.assert_array_equal(values, column(table, name))
    np.testing.assert_array_equal(design.for_rows(table[::-1]).matrix, design.matrix[::-1])


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
    np.testing.assert_array_equal(one.matrix, other.select_columns(one.coefficients))


LEVELS = {"a": "ab", "b": "pqr", "c": "uv"}
ANY = settings(max_examples=40, deadline=None, derandomize=True, database=None)
# The columns of a term, in any order.
TERM = st.lists(st.sampled_from("abcxz"), min_size=1, max_size=3, unique=True)
TERMS = st.lists(TERM, min_size=1, max_size=4, unique_by=frozenset)


def indicators(term, leave_out=0):
    """Names of the products of a term's numbers and its labels' indicators."""
    parts = ([f"{n}[{one}]" for one in LEVELS[n][leave_out:]] if n in LEVELS else [n] for n in term)
    return [":".join(some) for some in product(*parts)]


@ANY
@given(terms=TERMS, intercept=st.booleans())
def test_any_terms_span_what_they_mean_with_no_column_too_many(table, terms, intercept):
    text = " + ".join(["1" if intercept else "0", *map(":".join, terms)])
    design = Formula(f"y ~ {text}").design(table)
    names = [name for term in terms for name in indicators(term)]
    meant = np.column_stack([column(table, name) for name in ["1"] * intercept + names])
    rank = np.linalg.matrix_rank(meant)
    assert design.matrix.shape[1] == rank == np.linalg.matrix_rank(design.matrix)
    assert np.linalg.matrix_rank(np.hstack([meant, design.matrix])) == rank
    for name, values in zip(design.columns, design.matrix.T, strict=True):
        np.testing.assert_array_equal(values, column(table, name.replace("Intercept", "1")))
    np.testing.assert_array_equal(design.for_rows(table[5:9]).matrix, design.matrix[5:9])


@ANY
@given(terms=TERMS, shuffle=st.randoms())
def test_terms_with_all_their_margins_leave_out_the_first_label_of_each(table, terms, shuffle):
    """Whatever the order they are written in."""
    margins = (some for term in terms for i in range(1, 4) for some in combinations(term, i))
    closed = list({frozenset(some): some for some in margins}.values())
    shuffle.shuffle(closed)
    design = Formula("y ~ " + " + ".join(map(":".join, closed))).design(table)
    names = ["Intercept", *(name for term in closed for name in indicators(term, leave_out=1))]
    assert len(design.coefficients) == len(names)
    assert {frozenset(name.split(":")) for name in design.coefficients} == {
        frozenset(name.split(":")) for name in names
    }
