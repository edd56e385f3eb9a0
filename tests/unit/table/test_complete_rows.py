"""Rows with gaps are left out, and rows keep their numbers in the file."""

import pytest
from tables import GOOD, complaint, read

from partialpool.base.errors import UserError


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


def test_rows_of_errors_are_counted_as_in_the_file(tmp_path):
    text = "x,y,n\n1,,1\n2,1,1\n-3,0,1\n4,1,0\n"
    for formula, outcome, telling in (
        ("y ~ log(x)", {}, "'log(x)' is nan in row 3"),
        ("y ~ x", {"family": "binomial", "trials": "n"}, "column 'n' is 0 in row 4"),
        ("x ~ y", {"family": "poisson"}, "'x' is -3 in row 3"),
    ):
        with pytest.raises(UserError) as caught:
            read(tmp_path / "t.csv", text, formula, missing="drop", **outcome)
        assert telling in str(caught.value)
