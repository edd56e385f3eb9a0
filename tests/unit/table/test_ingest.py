"""The step that reads a table: what is used is as written, and described in a report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from tables import GOOD, complaint, read, used_and_report

from partialpool.base import files
from partialpool.compress import build, compressed_file
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.table.ingest import ingest, ingest_new

ROOT = Path(__file__).parents[3]


def test_eight_schools():
    formula = Formula("effect ~ 1 + (1 | school)")
    table, report = used_and_report(
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
    assert report["factors"] == [{"factor": "school", "columns": ["school"], **sizes}]
    assert report["columns"]["effect"]["mean"] == 8.75
    assert report["warnings"] == []


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


def test_a_quoted_na_is_a_label_and_similar_labels_are_pointed_out(tmp_path):
    text = GOOD.replace("02,2.5", '"NA",2.5').replace("02,1", "na,1")
    table, report = read(tmp_path / "t.csv", text)
    assert set(table["county"]) == {"01", "NA", "na", "2"}
    assert any("differ only in case or spaces: 'NA' and 'na'" in w for w in report["warnings"])


def test_the_same_number_of_successes_of_different_trials_is_no_constant(tmp_path):
    path = tmp_path / "t.csv"
    read(path, "y,n\n2,3\n2,4\n2,9\n", "y ~ 1", family="binomial", trials="n")
    said = complaint(read, path, "y,n\n2,3\n2,3\n", "y ~ 1", family="binomial", trials="n")
    assert said == "t.csv: the response 'y' is 2 in every row"
