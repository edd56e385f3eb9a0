"""The data gate: what passes is as written, what does not is named in one line."""

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.compress import build, compressed_file
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.study import Outcome
from partialpool.table import reader as table_module
from partialpool.table.ingest import ingest, ingest_new

ROOT = Path(__file__).parents[3]
FORMULA = Formula("y ~ x + kind + C(period) + (1 | county)")
GOOD = """county,y,x,kind,period,note
01,1.5,2,a,1,q
02,2.5,3,b,2,
01,3,4.5,a,1,
02,1,5,b,2,"two
lines"
01,4,1,a,2,r
2,7,9,b,1,z
"""


def read(path, text=None, formula=FORMULA, encoding="utf-8", missing="error", key=(), **outcome):
    if text is not None:
        path.write_text(text, encoding=encoding, newline="")
    formula = Formula(formula) if isinstance(formula, str) else formula
    return gate(path, formula, Outcome(**outcome), missing=missing, key=key, source=path.name)


def gate(path, formula, outcome, **more):
    """The table as it is used, and the report on it."""
    with tempfile.TemporaryDirectory() as folder:
        found = ingest(path, formula, outcome, to=f"{folder}/data.parquet", **more)
        return pd.read_parquet(f"{folder}/data.parquet"), found.report


def warnings(path, text, formula, **more):
    """What the report of a table says, as one text."""
    return "\n".join(read(path, text, formula, **more)[1]["warnings"])


def complaint(call, *arguments, **named):
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_eight_schools():
    formula = Formula("effect ~ 1 + (1 | school)")
    table, report = gate(
        ROOT / "data/eight_schools.csv",
        formula,
        Outcome(sigma="standard_error"),
        source="data/eight_schools.csv",
    )
    assert list(table["effect"]) == [28, 8, -3, 7, -1, 1, 18, 12]
    assert list(table["standard_error"]) == [15, 10, 16, 11, 9, 11, 10, 18]
    assert list(table["school"]) == list("ABCDEFGH")
    json.dumps(report, allow_nan=False)
    assert report["rows_read"] == report["rows_used"] == 8
    sizes = {"count": 8, "smallest": 1, "largest": 1, "single_row": 8, "varying": 1, "saturated": 8}
    assert report["factors"] == [{"factor": "school", **sizes}]
    assert report["columns"]["effect"]["mean"] == 8.75
    assert report["warnings"] == []


def test_groups_of_one_row_are_told_from_noise_by_precision_weights(tmp_path):
    rows = "g,y,n\n" + "".join(f"g{i},{i % 3},{i + 1}\n" for i in range(9))
    said = "so differences between groups and noise within them cannot be told apart"
    assert said in warnings(tmp_path / "t.csv", rows, "y ~ 1 + (1 | g)")
    assert said not in warnings(tmp_path / "t.csv", rows, "y ~ 1 + (1 | g)", precision_weights="n")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_csv_is_read_as_written(tmp_path, mark, separator, ending):
    text = (mark + GOOD).replace(",", separator).replace("\n", ending)
    table, report = read(tmp_path / "t.csv", text)
    assert list(table) == ["y", "x", "kind", "period", "county"]
    assert list(table["county"]) == ["01", "02", "01", "02", "01", "2"]
    assert list(table["x"]) == [2, 3, 4.5, 5, 1, 9]
    assert report["columns"]["kind"]["levels"] == {"a": 3, "b": 3}
    assert report["warnings"] == [
        "Column 'county' has labels that are the same number: '02' and '2'.",
        "'county' has only 3 groups, so how much they differ rests largely on its prior.",
        "1 of 3 groups of 'county' have one row.",
    ]


def test_type_that_changes_far_down_the_file(tmp_path):
    rows = [f"{i % 7:03d},{i},{i if i < 190_000 else i + 0.5}" for i in range(200_000)]
    table, _ = read(tmp_path / "t.csv", "\n".join(["g,y,x", *rows]), "y ~ x + (1 | g)")
    assert table["x"].iloc[-1] == 199_999.5
    assert table["g"].iloc[8] == "001"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "day"])
def test_days_are_the_same_groups_however_they_are_stored(tmp_path, unit):
    days = pd.Series(pd.to_datetime(["2024-01-10", "2024-01-11"] * 3))
    stored = days.dt.date if unit == "day" else days.astype(f"datetime64[{unit}]")
    table = pd.DataFrame({"y": [1.0, 2.5, 3.1, 0.2, 4.4, 2.9], "day": stored})
    table.to_parquet(tmp_path / "t.parquet")
    rows, _ = read(tmp_path / "t.parquet", formula="y ~ 1 + (1 | day)")
    assert sorted({*rows["day"]}) == ["2024-01-10", "2024-01-11"]


def test_parquet_file_and_parts_agree(tmp_path):
    table, _ = read(tmp_path / "t.csv", GOOD)
    stored = table.assign(kind=pd.Categorical(table["kind"]), period=table["period"].astype("u1"))
    stored["county"] = [1, 2, 1, 2, 1, 3]
    stored.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "parts").mkdir()
    stored.iloc[:2].to_parquet(tmp_path / "parts" / "a.parquet")
    stored.iloc[2:].to_parquet(tmp_path / "parts" / "b.parquet")
    whole, _ = read(tmp_path / "t.parquet")
    parts, _ = read(tmp_path / "parts")
    pd.testing.assert_frame_equal(whole, parts)
    assert list(whole["county"]) == ["1", "2", "1", "2", "1", "3"]
    pd.testing.assert_frame_equal(whole.drop(columns="county"), table.drop(columns="county"))


def test_types_of_parquet_columns(tmp_path):
    """Numbers of any kind are numbers, also as labels, and what is not a number is a gap."""
    at, some = np.arange(24), np.random.default_rng(5).normal(size=24).round(3)
    number = pa.array(some).cast(pa.decimal128(20, 3))
    columns = {
        "y": pa.array(some**2, pa.float32()),
        "decimal": number,
        "wide": pa.array((at * 3 % 7).astype("u8") << 61),
        "small": pa.array(at % 5, pa.int8()),
        "flag": pa.array(at % 4 == 1),
        "text": pa.array([f"t{i % 3}" for i in at], pa.large_string()),
        "coded": pa.array(at % 2 * 10).dictionary_encode(),
        "g": pa.array([np.nan, *(at[1:] % 6 / 2)]),
        "h": pa.array([None, *(at[1:] // 4)], pa.int16()),
    }
    pa.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    terms = " + ".join([*list(columns)[1:7], "(1 | g)", "(1 | h)"])
    table, report = read(tmp_path / "t.parquet", None, f"y ~ {terms}", missing="drop")
    assert report["dropped"] == {"total": 1, "by_column": {"g": 1, "h": 1}}
    at, some = at[1:], some[1:]
    np.testing.assert_allclose(table["y"], some**2, rtol=1e-6)
    np.testing.assert_allclose(table["decimal"], some, rtol=1e-15)
    np.testing.assert_array_equal(table["wide"], at * 3 % 7 * 2.0**61)
    np.testing.assert_array_equal(table[["small", "flag"]], np.column_stack([at % 5, at % 4 == 1]))
    assert list(table["text"]) == [f"t{i % 3}" for i in at]
    np.testing.assert_array_equal(table["coded"], at % 2 * 10)
    assert {*table["g"].astype(float)} == {0, 0.5, 1, 1.5, 2, 2.5}
    assert list(table["h"]) == [str(i) for i in at // 4]


def test_types_do_not_depend_on_where_another_column_changes_its_own(tmp_path):
    """The whole file is read anew as text then, and true is still 1."""
    rows = [f"{i},{'true' if i % 3 else 'FALSE'},{i if i < 190_000 else i + 0.5}\n" for i in LONG]
    table, _ = read(tmp_path / "t.csv", "x,y,z\n" + "".join(rows), "y ~ x + z", family="bernoulli")
    assert list(table["y"][:4]) == [0, 1, 1, 0]


LONG = range(200_000)
LABELS = [
    *("007", "7", "1.50", "1e3", "NaN ", "true", "2020-01-01", "Æøå", "東京", "e\u0301", "é"),
    *(
        "a,b",
        "x[1]",
        "(y)",
        'say "hi"',
        "it's",
        "<b>&amp;</b>",
        "{0} %s",
        "a:b",
        "a\\:b",
        "#",
        "=1+1",
    ),
    *("two\nlines", "long " * 60, " led", "led", "LED", "..", "C:/x", "\u200b", "-"),
]


def test_labels_are_kept_as_they_are(tmp_path):
    """From the file to what a fit reads, and back from its file."""
    frame = pd.DataFrame({"g": LABELS * 2, "h": LABELS[::-1] * 2, "y": np.arange(len(LABELS) * 2)})
    frame.to_csv(tmp_path / "t.csv", index=False, quoting=2)
    outcome = Outcome()
    for text, wanted in (
        ("y ~ 1 + (1 | g)", lambda label, other: label),
        ("y ~ 1 + (1 | g) + (1 | h)", lambda label, other: label),
        ("y ~ 1 + (1 | g:h)", lambda *labels: ":".join(map(marked, labels))),
    ):
        table, report = read(tmp_path / "t.csv", None, text)
        assert list(table["g"]) == LABELS * 2
        data = build.compress(Formula(text).design(table), outcome, {})
        data.to_dataset().to_netcdf(tmp_path / "t.nc", engine="netcdf4")
        again = compressed_file.from_dataset(files.read_netcdf(tmp_path / "t.nc"))
        pairs = zip(LABELS, LABELS[::-1], strict=True)
        assert again.factors[0].levels == tuple(sorted({wanted(*pair) for pair in pairs}))
        assert report["factors"][0]["count"] == len(LABELS)


def marked(label):
    return label.replace("\\", "\\\\").replace(":", "\\:")


def test_compressed_wide_and_tab_separated_files(tmp_path):
    text = GOOD.replace(",", "\t")
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(text.encode()))
    assert len(read(tmp_path / "t.tsv.gz")[0]) == 6
    header, *rows = GOOD.replace('"two\nlines"', "").splitlines()
    wide = [",".join([header, *(f"v{i}" for i in range(5000))])]
    wide += [row + ",é" * 5000 for row in rows]
    wide[-1] += "é" * 200_000
    assert list(read(tmp_path / "w.csv", "\n".join(wide))[0]) == [
        "y",
        "x",
        "kind",
        "period",
        "county",
    ]


def test_columns_of_the_outcome(tmp_path):
    text = "g,y,n,e,w,o\na,1,2,0.5,1,0\nb,0,3,2,0.5,1\na,3,3,1,1,-1\n"
    table, _ = read(tmp_path / "t.csv", text, "y ~ 1", family="binomial", trials="n", weights="w")
    assert list(table) == ["y", "n", "w"]
    outcome = Outcome(family="poisson", exposure="e", offset="o")
    formula, to = Formula("y ~ 1 + (1 | g)"), tmp_path / "data.parquet"
    learned = ingest(tmp_path / "t.csv", formula, outcome, to=to, source="t.csv").learned
    table = pd.read_parquet(to)
    assert list(families.columns(table, outcome)["exposure"]) == [0.5, 2, 1]
    new = tmp_path / "new.csv"
    new.write_text("id,g,e,o\n1,z,1,0\n")
    rows = ingest_new(new, learned, outcome, source="new.csv")
    assert (list(rows["id"]), list(rows["g"]), list(rows["e"])) == (["1"], ["z"], [1])


def test_rows_with_gaps_are_left_out_where_the_config_says_so(tmp_path):
    text = GOOD.replace(",2.5,", ",,").replace("4.5,a", "NA, ").replace("01,4,1", "01,x,1")
    message = complaint(read, tmp_path / "t.csv", text, missing="drop")
    assert "column 'y' must be numbers; row 5 is 'x'" in message  # counted as in the file
    text = text.replace("01,x,1", "01,4,1") + "2,8,3,a,2,\n02,6,4,a,1,\n"
    table, report = read(tmp_path / "t.csv", text, missing="drop", key=["county", "x"])
    assert list(table["y"]) == [1.5, 1, 4, 7, 8, 6]
    assert list(table.index) == [0, 1, 2, 3, 4, 5]
    assert list(table["period"]) == [1, 2, 2, 1, 2, 1]
    assert table["period"].dtype == "int64"  # as without gaps: it names the coefficients
    assert (report["rows_read"], report["rows_used"]) == (8, 6)
    assert report["dropped"] == {"total": 2, "by_column": {"y": 1, "x": 1, "kind": 1}}
    assert report["columns"]["x"]["missing"] == 1
    expected = "2 of 8 rows are left out, for missing values in 'y' (1), 'x' (1), 'kind' (1)."
    assert report["warnings"][0] == expected


def test_rows_of_a_fault_are_counted_as_in_the_file(tmp_path):
    text = "x,y,n\n1,,1\n2,1,1\n-3,0,1\n4,1,0\n"
    for formula, outcome, telling in (
        ("y ~ log(x)", {}, "'log(x)' is nan in row 3"),
        ("y ~ x", {"family": "binomial", "trials": "n"}, "column 'n' is 0 in row 4"),
        ("x ~ y", {"family": "poisson"}, "'x' is -3 in row 3"),
    ):
        with pytest.raises(UserError) as caught:
            read(tmp_path / "t.csv", text, formula, missing="drop", **outcome)
        assert telling in str(caught.value)


@pytest.mark.parametrize("more", [0, 300], ids=["at first", "once columns are read again"])
@pytest.mark.parametrize("word", ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"])
def test_a_word_for_a_gap_is_one_unless_it_is_quoted(tmp_path, monkeypatch, word, more):
    """In labels of both kinds; among numbers that is a fault."""
    monkeypatch.setattr(table_module, "BLOCK", 1000)
    rows = [f"{'fgh'[i % 3]},{'uv'[i % 2]},{i % 7},{i}" for i in range(6 + more)]
    rows[3:6] = [f"{word},u,1,3", f"f,{word},2,2", f"g,u,{word},5"]
    rows += ["f,u,3,0.5"] * bool(more)  # far down, a number that is not whole
    text, path = "g,k,x,y\n" + "\n".join(rows), tmp_path / "t.csv"
    table, report = read(path, text, "y ~ k + x + (1 | g)", missing="drop")
    assert report["dropped"] == {"total": 3, "by_column": {"k": 1, "x": 1, "g": 1}}
    assert {*table["g"]} == {*"fgh"} and len(table) == len(rows) - 3
    if not word:
        return
    quoted = text.replace(f"{word},u", f'"{word}",u').replace(f"f,{word}", f'f,"{word}"')
    table, report = read(path, quoted, "y ~ k + x + (1 | g)", missing="drop")
    assert report["dropped"] == {"total": 1, "by_column": {"x": 1}}
    assert list(table["g"][3:5]) == [word, "f"] and list(table["k"][3:5]) == ["u", word]
    said = complaint(read, path, quoted.replace(f",{word},", f',"{word}",'), "y ~ x")
    if word.casefold() != "nan":  # which is a number, in a way
        assert f"column 'x' must be numbers; row 6 is {word!r}; write NA, without quotation" in said


def test_quotes_and_empty_lines(tmp_path):
    """They change no cell, and no row's number."""
    plain, _ = read(tmp_path / "t.csv", GOOD)
    quoted = GOOD.replace("01,1.5,2,a,1,", '"01","1.5","2","a","1",').replace("\n0", "\n\n0")
    quoted = quoted.replace("kind,", '"kind",') + "\n\n"
    table, report = read(tmp_path / "t.csv", quoted)
    pd.testing.assert_frame_equal(plain, table)
    assert report["rows_read"] == 6
    said = complaint(read, tmp_path / "t.csv", quoted.replace("01,4,1", "01,4,inf"))
    assert "column 'x' is infinite in row 5" in said
    said = complaint(read, tmp_path / "t.csv", quoted.replace("01,4,1", "01,4"))
    assert "row 5 has 5 cells, the header has 6" in said


def test_a_quoted_na_is_a_label_and_similar_labels_are_pointed_out(tmp_path):
    text = GOOD.replace("02,2.5", '"NA",2.5').replace("02,1", "na,1")
    table, report = read(tmp_path / "t.csv", text)
    assert set(table["county"]) == {"01", "NA", "na", "2"}
    assert any("differ only in case or spaces: 'NA' and 'na'" in w for w in report["warnings"])


def test_new_rows(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    to = tmp_path / "data.parquet"
    learned = ingest(tmp_path / "t.csv", FORMULA, Outcome(), to=to, source="t.csv").learned
    path = tmp_path / "new.csv"

    def new(text):
        path.write_text(text)
        return ingest_new(path, learned, Outcome(), source="new.csv")

    rows = new("id,county,x,kind,period\n007,99,1,a,2\n008,01,2,b,1\n")
    assert list(rows) == ["id", "county", "x", "kind", "period"]
    assert list(rows["id"]) == ["007", "008"]
    assert list(rows["county"]) == ["99", "01"]
    assert np.issubdtype(rows["x"].dtype, np.number)
    for text, telling in (
        ("county,x,kind,period\n1,1,z,2\n", "'z' in row 1 of 'kind' was not in the fitted table"),
        ("x,kind,period\n1,a,2\n", "no column 'county'"),
        ("county,x,kind,period\n1,a,a,2\n", "column 'x' must be numbers; row 1 is 'a'"),
        ("county,x,kind,period\n1,,a,2\n", "column 'x' has a missing value in row 1"),
        ("county,x,kind,period,mean\n1,1,a,2,1\n", "column 'mean' has the name of a result"),
    ):
        assert telling in complaint(new, text)


def test_a_slope_tied_to_an_intercept_far_away_is_pointed_out(tmp_path):
    rows = "".join(
        f"{g},{1000 + x},{x * (1 + i) + x**2}\n" for i, g in enumerate("abc") for x in range(4)
    )
    path, text = tmp_path / "t.csv", "g,x,y\n" + rows
    assert "Write center(x)" in warnings(path, text, "y ~ x + (1 + x | g)")
    assert "Write center(log(x))" in warnings(path, text, "y ~ log(x) + (1 + log(x) | g)")
    for fine in ("y ~ x + (1 | g)", "y ~ center(x) + (1 + center(x) | g)", "y ~ x + (0 + x | g)"):
        assert "center" not in warnings(path, text, fine)


def test_a_label_that_nearly_all_rows_have_is_not_to_be_centred(tmp_path):
    kinds = ["b"] * 397 + ["a"] * 3
    rows = "".join(f"{'fgh'[i % 3]},{kind},{i % 7}\n" for i, kind in enumerate(kinds))
    said = warnings(tmp_path / "t.csv", "g,kind,y\n" + rows, "y ~ kind + (1 + kind | g)")
    assert "center" not in said


def test_as_many_varying_coefficients_as_rows_are_pointed_out(tmp_path):
    rng, path = np.random.default_rng(6), tmp_path / "t.csv"
    frame = pd.DataFrame({"g": np.repeat(range(12), 3), "k": list("abc") * 12})
    frame["x"], frame["y"] = rng.normal(size=(2, 36))
    frame["h"] = rng.permutation(36) // 2
    frame.to_csv(path, index=False)
    apart = "differences between groups and noise within them cannot be told apart."
    every = f"Every group of 'g' has no more rows than varying coefficients (3), so {apart}"
    for formula in ("y ~ k + (0 + k | g)", "y ~ x + (x + I(x**2) | g)"):
        assert warnings(path, None, formula) == every
        assert warnings(path, None, formula, family="student_t") == every
        assert warnings(path, None, formula, sigma=1.0) == ""
    assert warnings(path, None, "y ~ x + (x | g)") == ""
    together = f"There are 42 varying coefficients of all factors together, and 36 rows, so {apart}"
    assert warnings(path, None, "y ~ x + (x | g) + (1 | h)") == together
    frame[1:].to_csv(path, index=False)
    few = "1 of 12 groups of 'g' have no more rows than varying coefficients (2)."
    assert warnings(path, None, "y ~ x + (x | g)") == few
    few = few.replace(".", ": their sigma rests on its prior.")
    assert warnings(path, None, "y ~ x + (x | g)", sigma="by_group") == few


def test_what_separates_0s_from_1s_is_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    # x separates, z does not; every 'b' is 1, every 'c' is 0, and so is group 3.
    text = (
        "y,x,z,k,g\n0,1,5,a,1\n0,2,1,a,2\n0,3,4,c,3\n1,3,2,b,1\n1,4,3,a,2\n1,9,5,b,1\n0,0,1,c,3\n"
    )
    said = warnings(path, text, "y ~ x + z + (1 | g)", family="bernoulli")
    assert "'x' separates the responses at 3, below which every response is 0 and" in said
    assert "'z' separates" not in said
    assert "In 1 of 3 groups of 'g' every response is 0 ('3'):" in said
    said = warnings(path, text, "y ~ k", family="bernoulli")
    assert "Where 'k' is 'c', every response is 0: the data set no bound" in said
    assert "Where 'k' is 'b', every response is 1" in said
    assert "'a'" not in said
    trials = text.replace("y,", "n,y,").replace("\n0,", "\n2,0,").replace("\n1,", "\n2,1,")
    said = warnings(path, trials, "y ~ k", family="binomial", trials="n")
    assert "Where 'k' is 'c', no trial is a success" in said and "'b'" not in said
    for y, always in ((0, "no trial is a success"), (1, "every trial is a success")):
        rows = "".join(f"{n * y},{n},{n}\n" for n in range(1, 9))
        said = warnings(path, "y,n,x\n" + rows, "y ~ x", family="binomial", trials="n")
        assert said == f"In all rows {always}: the priors decide how sure that is."


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("made", ["poisson", "spread", "hurdle"])
def test_counts_that_the_family_does_not_describe_are_pointed_out(tmp_path, family, made):
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(20), 15), rng.normal(size=300)
    mean = np.exp(1 + 0.8 * x + 0.5 * rng.normal(size=20)[g])
    y = rng.poisson(mean * (rng.gamma(1, size=300) if made == "spread" else 1))
    y = np.where(rng.random(300) < 0.4, 0, y) if made == "hurdle" else y
    pd.DataFrame({"g": g, "x": x, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    said = warnings(tmp_path / "t.csv", None, "y ~ x + (1 | g)", family=family)
    wide = "Consider family negative_binomial" in said
    zeros = "some zeros may come about in another way" in said
    assert wide == (family == "poisson" and made != "poisson")
    assert zeros == (family == "negative_binomial" and made == "hurdle")


def test_factors_that_are_one_and_copied_rows_are_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    text = "a,b,y\n" + "".join(f"a{i % 6},b{i % 6},{i**1.5:.3f}\n" for i in range(24))
    said = warnings(path, text, "y ~ 1 + (1 | a) + (1 | b)")
    assert "'a' and 'b' divide the rows into the same groups" in said
    assert "copies" not in said
    said = warnings(path, text + "a0,b0,0.000\n", "y ~ 1 + (1 | a)")
    assert "1 of 25 rows are exact copies of others" in said


@pytest.mark.parametrize(
    ("formula", "own"),
    [
        ("y ~ g + (1 | g)", "'Intercept'"),
        ("y ~ 0 + x * g + (x | g)", "'Intercept', 'x'"),
        ("y ~ g + x + (0 + x | g)", ""),
        ("y ~ g + (1 | g:h)", ""),
        ("y ~ x + (1 | g)", ""),
    ],
)
def test_groups_that_are_predictors_too_are_pointed_out(tmp_path, formula, own):
    rows = (f"g{i % 3},h{i // 3 % 2},{i**0.5:.3f},{i**1.5 % 7:.3f}\n" for i in range(24))
    said = warnings(tmp_path / "t.csv", "g,h,x,y\n" + "".join(rows), formula)
    assert (f"give each group of 'g' its own {own}, so what the group term adds" in said) == bool(
        own
    )
    assert ("its own" in said) == bool(own)


def test_a_response_that_is_mostly_one_number_is_pointed_out(tmp_path):
    path, rows = tmp_path / "t.csv", "".join(f"{i},{max(i - 11, 0) ** 1.5}\n" for i in range(20))
    said = warnings(path, "x,y\n" + rows, "y ~ x", family="student_t")
    assert said.startswith("12 of 20 responses are 0: family student_t can make sigma as small")
    assert warnings(path, None, "y ~ x") == ""
    assert warnings(path, None, "y ~ x", family="student_t", sigma=1.0) == ""


def test_a_table_that_is_fine_has_no_warnings(tmp_path):
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 20), rng.normal(size=240)
    eta = 0.3 + 0.7 * x + 0.6 * rng.normal(size=12)[g]
    frame = pd.DataFrame({"g": g, "x": x, "k": rng.choice(["a", "b", "c"], 240), "n": 20})
    for family in families.FAMILIES:
        parameters = {"sigma": 1.0, "nu": 5.0, "alpha": 3.0}
        frame["y"] = families.FAMILIES[family].draw(rng, eta, parameters, frame["n"])
        frame.to_csv(tmp_path / "t.csv", index=False)
        trials = "n" if family == "binomial" else None
        formula = "y ~ x + k + (1 + x | g)"
        assert warnings(tmp_path / "t.csv", None, formula, family=family, trials=trials) == ""


def test_the_same_number_of_successes_of_different_trials_is_no_constant(tmp_path):
    path = tmp_path / "t.csv"
    read(path, "y,n\n2,3\n2,4\n2,9\n", "y ~ 1", family="binomial", trials="n")
    said = complaint(read, path, "y,n\n2,3\n2,3\n", "y ~ 1", family="binomial", trials="n")
    assert said == "t.csv: the response 'y' is 2 in every row"
