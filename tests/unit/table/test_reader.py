"""CSV and Parquet files of all kinds give the same columns."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from tables import GOOD, complaint, read

from partialpool.table import reader


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
        "'county' has only 3 groups, so how much they differ depends largely on its prior.",
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


@pytest.mark.parametrize("more", [0, 300], ids=["at first", "once columns are read again"])
@pytest.mark.parametrize("word", ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"])
def test_a_word_for_a_missing_value_is_a_label_if_it_is_quoted(tmp_path, monkeypatch, word, more):
    """In labels of both kinds; among numbers that is a fault."""
    monkeypatch.setattr(reader, "BLOCK", 1000)
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
