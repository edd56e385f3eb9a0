"""The design of a table: its columns, their values, and formulas that do not fit the table."""

import numpy as np
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula


@pytest.mark.parametrize(
    ("text", "columns", "coefficients", "varying"),
    [
        ("y ~ 1", "Intercept", "Intercept", ""),
        ("y ~ 0 + x", "x", "x", ""),
        ("y ~ x + (1 | county)", "Intercept x", "Intercept x", "Intercept"),
        ("y ~ x + (0 + x | county)", "x Intercept", "Intercept x", "x"),
        ("y ~ 1 + (x | county)", "Intercept x", "Intercept", "Intercept x"),
        ("y ~ C(period)", "Intercept C(period)[2] C(period)[3]", None, ""),
        ("y ~ x:kind", "Intercept x:kind[a] x:kind[b] x:kind[c]", None, ""),
        (
            "y ~ kind + (0 + kind | county)",
            "kind[a] kind[b] kind[c] Intercept",
            "Intercept kind[b] kind[c]",
            "kind[a] kind[b] kind[c]",
        ),
    ],
)
def test_columns_varying_first(table, text, columns, coefficients, varying):
    design = Formula(text).design(table)
    assert design.columns == columns.split()
    assert design.coefficients == (coefficients or columns).split()
    assert [list(factor.varying) for factor in design.factors] == (
        [varying.split()] * bool(varying)
    )
    assert design.matrix.shape == (len(table), len(design.columns))


def test_values_groups_and_names(table):
    design = Formula("y ~ `my column` + C(period) + log(x) + (1 + x | county)").design(table)
    [county] = design.factors
    assert (county.name, county.levels) == ("county", ("01", "10", "2"))
    assert list(county.groups) == list(table["county"])
    assert list(county.index[:4]) == [0, 2, 1, 0]
    assert design.terms["C(period)"] == ("C(period)[2]", "C(period)[3]")
    column = dict(zip(design.columns, design.matrix.T, strict=True))
    np.testing.assert_array_equal(column["x"], table["x"])
    np.testing.assert_array_equal(column["log(x)"], np.log(table["x"]))
    np.testing.assert_array_equal(column["my column"], table["my column"])
    np.testing.assert_array_equal(column["C(period)[2]"], table["period"] == 2)
    assert Formula("y ~ x").design(table).factors == ()


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("(x || county)", {"county": [["Intercept"], ["x"]]}),
        ("(1 + x || county)", {"county": [["Intercept"], ["x"]]}),
        ("(0 + x || county)", {"county": [["x"]]}),
        ("(x - 1 | county)", {"county": [["x"]]}),
        ("(1 | county) + (0 + x | county)", {"county": [["Intercept"], ["x"]]}),
        (
            "(1 + x | county) + (1 | town) + (0 + log(x) | county)",
            {"county": [["Intercept", "x"], ["log(x)"]], "town": [["Intercept"]]},
        ),
        ("(kind || county)", {"county": [["Intercept"], ["kind[b]"], ["kind[c]"]]}),
        (
            "(1 | county) + (0 + kind | county)",
            {"county": [["Intercept"], ["kind[a]", "kind[b]", "kind[c]"]]},
        ),
        (
            "(x || county/town)",
            {"county": [["Intercept"], ["x"]], "county:town": [["Intercept"], ["x"]]},
        ),
        (
            "(1 | county/town) + (0 + x | county)",
            {"county": [["Intercept"], ["x"]], "county:town": [["Intercept"]]},
        ),
        (
            "(arm/x | county)",
            {"county": [["Intercept", "arm[placebo]", "arm[drug]:x", "arm[placebo]:x"]]},
        ),
    ],
)
def test_blocks_of_varying_columns(table, text, blocks):
    formula = Formula(f"y ~ floor + {text}")
    design = formula.design(table)
    found = {factor.name: [list(block) for block in factor.blocks] for factor in design.factors}
    assert found == blocks
    assert list(formula.factors) == list(blocks)
    for factor in design.factors:
        assert factor.varying == tuple(name for block in factor.blocks for name in block)
    # A part for each group term as written, or each factor of it, and one for the population.
    assert len(design.parts) == text.count("|") - text.count("||") + text.count("/town") + 1
    varying = list(dict.fromkeys(c for own in blocks.values() for block in own for c in block))
    assert sorted(design.columns[: len(varying)]) == sorted(varying)
    assert len(blocks) > 1 or design.columns[: len(varying)] == varying  # in the factor's order
    again = design.for_rows(table.iloc[::-1])
    np.testing.assert_array_equal(again.matrix, design.matrix[::-1])
    assert [factor.blocks for factor in again.factors] == [f.blocks for f in design.factors]


def test_a_label_is_a_predictor_and_part_of_a_factor(table):
    design = Formula("y ~ kind + (1 | county/kind)").design(table)
    assert design.coefficients == ["Intercept", "kind[b]", "kind[c]"]
    assert [factor.name for factor in design.factors] == ["county", "county:kind"]
    assert design.along is None  # a group cannot be predicted along its own label
    assert list(design.factors[1].groups) == list(table["county"] + ":" + table["kind"])
    rows = table.iloc[:2].assign(kind=["c", "a"], county=["10", "new"])
    at = design.for_rows(rows)
    np.testing.assert_array_equal(at.select_columns(["kind[b]", "kind[c]"]), [[0, 1], [0, 0]])
    assert list(at.factors[1].groups) == ["10:c", "new:a"]
    with pytest.raises(UserError, match="'z' in row 1 of 'kind' was not in the fitted table"):
        design.for_rows(rows.assign(kind="z"))

    design = Formula("y ~ period + log(x) + (1 | period)").design(table)
    assert design.coefficients == ["Intercept", "period", "log(x)"]
    np.testing.assert_array_equal(design.select_columns(["period"])[:, 0], table["period"])
    written = table.assign(period=table["period"].map("{:03}".format))
    design = Formula("y ~ period + I(period**2) + (1 | period)").design(written)
    assert design.factors[0].levels == ("001", "002", "003")
    at = design.for_rows(written.iloc[:2].assign(period=["004", "02"]))
    np.testing.assert_array_equal(
        at.select_columns(["period", "I(period ** 2)"]), [[4, 16], [2, 4]]
    )
    assert list(at.factors[0].groups) == ["004", "02"] and list(at.factors[0].index) == [-1, -1]
    with pytest.raises(UserError, match="column 'period' must be numbers; row 2 is 'late'"):
        design.for_rows(written.iloc[:2].assign(period=["1", "late"]))

    # One label that is no number makes all of them labels.
    some = table.assign(period=table["period"].astype(str).replace("3", "late"))
    design = Formula("y ~ period + (1 | period)").design(some)
    assert design.coefficients == ["Intercept", "period[2]", "period[late]"]

    design = Formula("y ~ x + C(period) + (x | period)").design(table)
    assert design.coefficients == ["Intercept", "x", "C(period)[2]", "C(period)[3]"]
    assert design.factors[0].levels == ("1", "2", "3")
    assert design.along == "x"


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("y ~ flor", "no column 'flor' in the table; nearest: 'floor'"),
        ("kind ~ x", "column 'kind' must be numbers; row 1 is"),
        ("log(y) ~ x", "'log(y)' is nan in row"),
        ("y ~ x + twice", "columns 'Intercept', 'x', 'twice' are collinear"),
        ("y ~ I(x - x)", "column 'I(x - x)' is zero in every row; leave it out"),
        (
            "y ~ kind * empty",
            "column 'kind[b]:empty[z]' is zero in every row; no row has that combination: make one "
            "column of the labels of 'kind', 'empty' in the table",
        ),
        (
            "y ~ T(kind, 'b') * T(empty, 'z')",
            "are collinear; leave one out, or make one column of 'kind', 'empty' if a combination",
        ),
        ("y ~ many", "'many' has 10001 labels; 10000 are possible"),
        ("y ~ log(kind)", "column 'kind' must be numbers"),
        ("y ~ kind + (1 | y)", "'y' is the response and a grouping factor too"),
        ("y ~ y", "'y' is on both sides"),
        ("y ~ 0 + (1 | county)", "no population-level coefficient"),
        ("y ~ x**2", "a power of a column is written I(x**2)"),
        ("y ~ (x", "cannot be read"),
        ("y ~ `x", "backtick is not closed"),
        ("x", "no response"),
    ],
)
def test_formulas_that_do_not_fit_the_table(table, text, telling):
    if "empty" in text:
        table["empty"] = np.where((table["kind"] == "b") | (table.index % 2 == 0), "s", "z")
    if "many" in text:
        table = table.iloc[np.resize(np.arange(60), 10_001)].reset_index(drop=True)
        table["many"] = [f"l{row}" for row in table.index]
    with pytest.raises(UserError) as caught:
        Formula(text).design(table)
    assert telling in str(caught.value)
    assert "\n" not in str(caught.value)


def indicator(column, label, last=None):
    """Of a label; with sums to zero, minus one where the label is the last."""
    return lambda t: (t[column] == label) * 1.0 - (t[column] == last)


# A term, and its columns by what their names say.
VALUES = {
    "abs(u)": lambda t: t["u"].abs(),
    "exp(u)": lambda t: np.e ** t["u"],
    "expm1(u)": lambda t: np.e ** t["u"] - 1,
    "log(x)": lambda t: np.log(t["x"]),
    "np.log(x)": lambda t: np.log(t["x"]),
    "log10(x)": lambda t: np.log(t["x"]) / np.log(10),
    "log1p(x)": lambda t: np.log(1 + t["x"]),
    "log2(x)": lambda t: np.log(t["x"]) / np.log(2),
    "sqrt(x)": lambda t: t["x"] ** 0.5,
    "I(x - u - 1)": lambda t: t["x"] - t["u"] - 1,
    "I(x - (u - 1))": lambda t: t["x"] - t["u"] + 1,
    "I(x / floor2 / 2)": lambda t: t["x"] / (2 * t["floor2"]),
    "I(x + u * 2)": lambda t: t["x"] + 2 * t["u"],
    "I((x + u) * 2)": lambda t: 2 * t["x"] + 2 * t["u"],
    "I(-u + x)": lambda t: t["x"] - t["u"],
    "I(3 * u**2)": lambda t: 3 * t["u"] * t["u"],
    "I(x**-1)": lambda t: 1 / t["x"],
    "I(log(x)**2)": lambda t: np.log(t["x"]) ** 2,
    "exp(-u)": lambda t: 1 / np.exp(t["u"]),
    "I(u > 0)": lambda t: 0.0 + (t["u"] > 0),
    "I(period >= 2)": lambda t: 0.0 + (t["period"] > 1),
    "I(period <= 2)": lambda t: 0.0 + (t["period"] < 3),
    "I(period < 2)": lambda t: 0.0 + (t["period"] == 1),
    "I(period != 2)": lambda t: 0.0 + (t["period"] % 2 == 1),
    "I(kind == 'b')": indicator("kind", "b"),
    "center(x)": lambda t: t["x"] - np.average(t["x"]),
    "scale(x)": lambda t: (t["x"] - np.average(t["x"])) / np.std(t["x"]),
    "standardize(x)": lambda t: (t["x"] - np.average(t["x"])) / np.std(t["x"]),
    "center(log(x))": lambda t: np.log(t["x"]) - np.log(t["x"]).mean(),
    "poly(x, 2, raw=True)": (lambda t: t["x"], lambda t: t["x"] ** 2),
    "kind": (indicator("kind", "b"), indicator("kind", "c")),
    "C(period)": (indicator("period", 2), indicator("period", 3)),
    "C(kind, Treatment('b'))": (indicator("kind", "a"), indicator("kind", "c")),
    "T(kind, 'c')": (indicator("kind", "a"), indicator("kind", "b")),
    "T(period, 3)": (indicator("period", 1), indicator("period", 2)),
    "C(kind, Sum)": (indicator("kind", "a", "c"), indicator("kind", "b", "c")),
    "S(kind, 'a')": (indicator("kind", "b", "a"), indicator("kind", "c", "a")),
    "C(kind, Sum('b'))": (indicator("kind", "a", "b"), indicator("kind", "c", "b")),
}


@pytest.mark.parametrize("term", VALUES)
def test_columns_have_the_values_that_their_names_say(table, term):
    table = table.assign(u=np.cos(table["x"] * 9), floor2=table["floor"] + 1)
    design, columns = Formula(f"y ~ {term}").design(table), VALUES[term]
    columns = columns if isinstance(columns, tuple) else (columns,)
    expected = np.column_stack([column(table) for column in columns])
    own = list(design.terms[design.coefficients[1].partition("[")[0]])
    assert own == design.coefficients[1:]
    np.testing.assert_allclose(design.select_columns(own), expected, atol=1e-12)
    np.testing.assert_allclose(
        design.for_rows(table[9:4:-1]).select_columns(own), expected[9:4:-1], atol=1e-12
    )


def test_columns_of_polynomials_and_splines(table):
    x = table["x"].to_numpy()
    poly = Formula("y ~ poly(x, 3)").design(table).matrix
    np.testing.assert_allclose(poly[:, 1:].T @ poly, np.eye(4)[1:], atol=1e-10)
    assert np.linalg.matrix_rank(np.column_stack([poly, x, x**2, x**3])) == 4
    # A curve is met the closer the more pieces there are.
    for spline in ("bs", "cr"):
        left = []
        for df in (4, 12):
            matrix = Formula(f"y ~ {spline}(x, df={df})").design(table).matrix
            assert matrix.shape == (len(table), 1 + df)
            curve = np.sin(2 * x)
            left.append(np.abs(curve - matrix @ np.linalg.lstsq(matrix, curve)[0]).mean())
        assert left[1] < left[0] / 10
    design = Formula("y ~ cc(x, period=7, df=4)").design(table)
    later = design.for_rows(table.assign(x=x + 7))
    np.testing.assert_allclose(later.matrix, design.matrix, atol=1e-10)
    assert np.abs(design.for_rows(table.assign(x=x + 3.5)).matrix - design.matrix).max() > 0.1
