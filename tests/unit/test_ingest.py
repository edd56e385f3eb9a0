"""The data gate: what passes is as written, what does not is named in one line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from partialpool.errors import UserError
from partialpool.formula import Formula
from partialpool.ingest import ingest, ingest_new

ROOT = Path(__file__).parents[2]
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


def read(path, text=None, formula=FORMULA, sigma="estimated", encoding="utf-8"):
    if text is not None:
        path.write_text(text, encoding=encoding, newline="")
    return ingest(path, formula, sigma, source=path.name)


def complaint(call, *arguments, **named):
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_eight_schools():
    formula = Formula("effect ~ 1 + (1 | school)")
    table, report = ingest(
        ROOT / "data/eight_schools.csv", formula, "standard_error", source="data/eight_schools.csv"
    )
    assert list(table["effect"]) == [28, 8, -3, 7, -1, 1, 18, 12]
    assert list(table["standard_error"]) == [15, 10, 16, 11, 9, 11, 10, 18]
    assert list(table["school"]) == list("ABCDEFGH")
    json.dumps(report, allow_nan=False)
    assert report["rows_read"] == report["rows_used"] == 8
    assert report["groups"] == {
        "factor": "school",
        "count": 8,
        "smallest": 1,
        "largest": 1,
        "single_row": 8,
    }
    assert report["columns"]["effect"]["mean"] == 8.75
    assert report["warnings"] == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_is_read_as_written(tmp_path, mark):
    table, report = read(tmp_path / "t.csv", mark + GOOD)
    assert list(table) == ["y", "x", "kind", "period", "county"]
    assert list(table["county"]) == ["01", "02", "01", "02", "01", "2"]
    assert list(table["x"]) == [2, 3, 4.5, 5, 1, 9]
    assert report["columns"]["kind"]["levels"] == {"a": 3, "b": 3}
    assert report["warnings"] == [
        "There are only 3 groups, so how much groups differ rests largely on its prior.",
        "1 of 3 groups have one row.",
    ]


def test_type_that_changes_far_down_the_file(tmp_path):
    rows = [f"{i % 7:03d},{i},{i if i < 190_000 else i + 0.5}" for i in range(200_000)]
    formula = Formula("y ~ x + (1 | g)")
    table, _ = read(tmp_path / "t.csv", "\n".join(["g,y,x", *rows]), formula)
    assert table["x"].iloc[-1] == 199_999.5
    assert table["g"].iloc[8] == "001"


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


@pytest.mark.parametrize(
    ("old", "new", "telling"),
    [
        (",2.5,", ",,", "column 'y' has a missing value in row 2"),
        (",2.5,", ",NA,", "column 'y' has a missing value in row 2"),
        ("01,", ",", "column 'county' has 3 missing values, the first in row 1"),
        (",2.5,", ",2.5x,", "column 'y' must be numbers; row 2 is '2.5x'"),
        ("4.5", "4.5x", "column 'x' must be numbers; row 3 is '4.5x'; if it is a set of labels"),
        ("4.5", "inf", "column 'x' is infinite in row 3"),
        ("county,", "county ,", "no column 'county'; nearest: 'county '"),
        ("note", "x", "two columns are called 'x'"),
        (",", ";", "columns separated by ';'"),
        (",b,", ",a,", "predictor 'kind' is 'a' in every row"),
        (GOOD, "", "is empty"),
        (GOOD, GOOD.splitlines()[0], "has no rows"),
        (GOOD, GOOD + "1,2\n", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, telling):
    message = complaint(read, tmp_path / "t.csv", GOOD.replace(old, new))
    assert message.startswith("t.csv: ")
    assert telling in message


def test_files_that_are_not_tables(tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    assert "nearest: 'table.csv'" in complaint(read, tmp_path / "tabel.csv")
    assert "is neither .csv" in complaint(read, tmp_path / "t.xlsx", "x")
    assert "without .parquet files" in complaint(read, tmp_path)
    assert "is not UTF-8" in complaint(
        read, tmp_path / "l.csv", GOOD.replace(",a,", ",é,"), encoding="latin-1"
    )


def test_one_group_is_not_grouped(tmp_path):
    text = GOOD.replace("\n02,", "\n01,").replace("\n2,", "\n01,")
    assert "column 'county' has one group only, '01'" in complaint(read, tmp_path / "t.csv", text)


def test_standard_errors_are_positive(tmp_path):
    message = complaint(read, tmp_path / "t.csv", GOOD.replace("4.5", "-4.5"), sigma="x")
    assert "column 'x' is -4.5 in row 3" in message


def test_a_quoted_na_is_a_label_and_similar_labels_are_pointed_out(tmp_path):
    text = GOOD.replace("02,2.5", '"NA",2.5').replace("02,1", "na,1")
    table, report = read(tmp_path / "t.csv", text)
    assert set(table["county"]) == {"01", "NA", "na", "2"}
    assert any("differ only in case or spaces: ['NA', 'na']" in w for w in report["warnings"])


def test_new_rows(tmp_path):
    fitted, _ = read(tmp_path / "t.csv", GOOD)
    path = tmp_path / "new.csv"

    def new(text):
        path.write_text(text)
        return ingest_new(path, FORMULA, "estimated", fitted, source="new.csv")

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
        f"{g},{1000 + x},{x * (1 + i) + i}\n" for i, g in enumerate("abc") for x in range(4)
    )
    (tmp_path / "t.csv").write_text("g,x,y\n" + rows)

    def warnings(formula):
        return ingest(tmp_path / "t.csv", Formula(formula), "estimated", source="t.csv")[1][
            "warnings"
        ]

    assert any("Write center(x)" in said for said in warnings("y ~ x + (1 + x | g)"))
    for fine in ("y ~ x + (1 | g)", "y ~ center(x) + (1 + center(x) | g)", "y ~ x + (0 + x | g)"):
        assert not any("center" in said for said in warnings(fine))


def test_a_factor_cannot_have_the_name_of_a_result(tmp_path):
    (tmp_path / "t.csv").write_text("sigma,y\na,1\nb,2\na,3\n")
    with pytest.raises(UserError, match="cannot be called 'sigma'"):
        ingest(tmp_path / "t.csv", Formula("y ~ 1 + (1 | sigma)"), "estimated", source="t.csv")
