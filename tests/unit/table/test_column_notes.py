"""Warnings about labels that may be the same or missing values, and numbers that may be codes."""

import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import data_report
from partialpool.table.ingest import ingest, ingest_new


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class Folder:
    """A table and rows to predict, as text."""

    def __init__(self, path):
        self.path = path

    def table(self, text: str, formula: str):
        """What ingesting a table gives."""
        (self.path / "t.csv").write_text(text, encoding="utf-8")
        to = self.path / "data.parquet"
        return ingest(self.path / "t.csv", Formula(formula), Outcome(), to=to, source="t.csv")

    def notes(self, text: str, formula: str) -> str:
        """Its notes, a line each."""
        return "\n".join(self.table(text, formula).report["warnings"])

    def new(self, text: str, learned) -> dict:
        """The report on rows to predict."""
        (self.path / "new.csv").write_text(text, encoding="utf-8")
        rows = ingest_new(self.path / "new.csv", learned, Outcome(), source="new.csv")
        return data_report.report_new_rows(learned.design.for_rows(rows), "new.csv")


def column(name: str, cells) -> str:
    """A table of a column and a response."""
    rows = (f"{cell},{i % 7 + i / 9:.2f}\n" for i, cell in enumerate(cells))
    return f"{name},y\n{''.join(rows)}"


CHARACTERS = "look alike and are not the same characters"
SPACES = "differ only in case or spaces"


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ("caf\u00e9", "cafe\u0301", CHARACTERS),  # normal forms
        ("north", "no\u200brth", CHARACTERS),  # invisible
        ("a\x07b", "ab", CHARACTERS),
        ("ABC", "\u0410BC", CHARACTERS),  # Cyrillic
        ("\u0401lka", "\u00cblka", CHARACTERS),
        ("Toto", "T\u03bft\u03bf", CHARACTERS),  # Greek
        ("a-b", "a\u2011b", CHARACTERS),
        ("\uff21", "A", CHARACTERS),  # full width
        ("a b", "a\u00a0b", SPACES),
        ("\u0416\u0430", "\u0436\u0430", SPACES),
    ],
)
def test_labels_that_may_be_one(folder, first, second, how):
    text = column("g", [first, second, "z"] * 4)
    for formula in ("y ~ 1 + (1 | g)", "y ~ g"):
        said = folder.notes(text, formula)
        assert f"Column 'g' has labels that {how}: " in said
        assert said.count("labels that") == 1


def test_labels_that_are_one_number(folder):
    said = folder.notes(column("g", ["7", "07", "7.0", "8"] * 3), "y ~ 1 + (1 | g)")
    assert "labels that are the same number: '07' and '7' and '7.0'." in said


def test_characters_that_cannot_be_seen_are_spelled_out(folder):
    said = folder.notes(column("g", ["caf\u00e9", "cafe\u0301", "z"] * 3), "y ~ 1 + (1 | g)")
    assert r"'cafe\u0301' and 'caf\xe9'" in said
    with pytest.raises(UserError) as caught:
        folder.table("\u0445,y\n1,2\n2,3\n", "y ~ x")
    said = r"'\u0445' only looks like 'x': rename it, or copy its name from there"
    assert str(caught.value).endswith(said)


def test_new_groups_and_labels_that_look_like_known_ones(folder):
    text = "g,k,y\ncaf\u00e9,u,1\n07,v,2\ncaf\u00e9,v,4\n07,u,3\nb,v,1\nb,u,3\n"
    learned = folder.table(text, "y ~ k + (1 | g)").learned
    report = folder.new("g,k\ncafe\u0301,u\nB,v\nb,u\nother,v\n7.0,u\n9,u\n", learned)
    assert report["new_groups"] == {"g": ["7.0", "9", "B", "cafe\u0301", "other"]}
    assert [warning.partition(":")[0] for warning in report["warnings"]] == [
        "The group '7.0' of 'g' is new, and looks like '07' of the fitted table",
        "The group 'B' of 'g' is new, and looks like 'b' of the fitted table",
        r"The group 'cafe\u0301' of 'g' is new, and looks like 'caf\xe9' of the fitted table",
    ]
    learned_long = folder.table(column("g", [*"abcdefgh"] * 2), "y ~ 1 + (1 | g)").learned
    warnings = folder.new("g\n" + "\n".join("ABCDEFGH"), learned_long)["warnings"]
    assert warnings[5:] == ["So do 3 more new groups of 'g'."]
    for label, telling in (
        ("V", "'V' in row 1 of 'k' was not in the fitted table; known: 'u', 'v'"),
        ("\uff56", r"was not in the fitted table; 'v', which was, only looks like '\uff56'"),
    ):
        with pytest.raises(UserError) as caught:
            folder.new(f"g,k\nb,{label}\n", learned)
        assert telling in str(caught.value)


def test_marks_of_missing_values(folder):
    rows = [f"{x},{x % 5},{'?' if x == 7 else 'ab'[x % 2]},{x % 3 + x / 9:.3f}" for x in range(20)]
    rows += ["-999,99,a,9999", "-999,99,b,1"]
    said = folder.notes("x,likert,k,y\n" + "\n".join(rows), "y ~ x + likert + k")
    assert "Column 'x' is -999 in 2 of 22 rows, far from all other values (0 to 19)" in said
    assert "Column 'likert' is 99 in 2 of 22 rows" in said
    assert "Column 'y' is 9999 in 1 of 22 rows" in said
    assert "Column 'k' has labels that usually stand for a missing value: '?'. Leave" in said
    assert folder.notes(column("x", range(18, 100)), "y ~ x") == ""


def test_points_that_may_separate_thousands(folder):
    prices = [987, 120, 640] + ["1.234", "12.345", "2.561"] * 5
    assert folder.notes(column("x", prices), "y ~ x") == (
        "Column 'x' has numbers with three decimals, such as 1.234, among whole numbers: if the "
        "point separates thousands, leave it out."
    )
    means_of_three = [f"{i / 3:.3f}".replace(".000", "") for i in range(4, 20)]
    assert folder.notes(column("x", means_of_three), "y ~ x") == ""


def test_numbers_that_may_be_codes_and_labels_that_may_be_numbers(folder):
    codes = column("fips", [f"{i:05d}" for i in range(12000, 900, -500)])
    assert folder.notes(codes, "y ~ fips") == (
        "Column 'fips' has numbers that begin with 0, such as 09500: if they are codes, write "
        "C(fips) in the formula."
    )
    assert "begin with 0" not in folder.notes(codes, "y ~ 1 + (1 | fips)")
    said = folder.notes(column("k", ["7", "7a", "7b", "8"] * 3), "y ~ k")
    assert said == "Column 'k' has some labels that are numbers: '7', '8'."


def test_a_row_of_totals(folder):
    said = folder.notes("g,y\na,1\na,3\nb,4\nb,6\nTotal,14\n", "y ~ 1 + (1 | g)")
    assert "The one row where column 'g' is 'Total' may sum up the others: leave it out" in said
    several = "g,y\na,1\na,3\nall,4\nall,6\nc,2\nd,1\nd,7\n"
    assert "may sum up" not in folder.notes(several, "y ~ 1 + (1 | g)")
    single = "g,y\na,1\nb,3\nall,4\nc,6\nd,2\n"
    assert "may sum up" not in folder.notes(single, "y ~ 1 + (1 | g)")


def test_slopes_of_predictors_that_are_constant_within_groups(folder):
    rows = [f"g{i // 4},{i // 4 % 5},{'ab'[i // 4 % 2]},{i % 3},{i**2 % 23}" for i in range(40)]
    text = "g,w,k,x,y\n" + "\n".join(rows)
    said = folder.notes(text, "y ~ w + (w | g)")
    assert (
        "Within groups of 'g', 'w' does not vary, so how its slope varies by group cannot" in said
    )
    said = folder.notes(text, "y ~ w + k + x + (w + k + x | g)")
    assert "Within groups of 'g', 'w', 'k[b]' do not vary, so how their slopes vary by" in said
    for formula in ("y ~ x + w + (x | g)", "y ~ w + (0 + w | g)"):
        assert "not vary" not in folder.notes(text, formula)
