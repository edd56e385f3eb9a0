"""A table read in batches gives what the whole table gives, in less memory."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from tables import MANY_ROWS, many_rows

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import ingest


@pytest.fixture(scope="module")
def rows():
    return many_rows()


def ingested(path, formula, outcome, **more):
    to = path.with_suffix(".used")
    found = ingest.ingest(path, Formula(formula), outcome, to=to, source=path.name, **more)
    return found, pd.read_parquet(to), build.compress_table(to, found.learned, outcome)


def stored(rows, path):
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        path.mkdir()
        for number, part in enumerate(np.array_split(np.arange(MANY_ROWS), 3)):
            # One part has whole numbers where others have fractions, and labels of few kinds.
            chosen = rows.iloc[part].astype({"w": "int32"} if number == 1 else {})
            chosen.astype({"kind": "category"}).to_parquet(path / f"{number}.parquet")
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "parts"])
@pytest.mark.parametrize(
    ("formula", "outcome"),
    [
        ("y ~ scale(x) + kind + (1 + x | g)", Outcome(weights="w")),
        ("y ~ x + (1 | g) + (1 | h)", Outcome(sigma="w")),
        ("y ~ C(period) + (1 | g)", Outcome("poisson", exposure="w", weights="w")),
        ("y ~ kind + (1 | g/h)", Outcome("negative_binomial")),
        ("y ~ x + (1 + x | g)", Outcome(precision_weights="z")),
        ("y ~ x + (1 | g) + (1 | h)", Outcome("student_t", precision_weights="w")),
        ("y ~ x + (1 | g)", Outcome("student_t", offset="w")),
    ],
    ids=str,
)
def test_a_file_read_in_batches_gives_the_same_as_at_once(
    rows, tmp_path, request, name, formula, outcome
):
    if name == "parts":
        rows = rows.assign(w=np.where(np.arange(MANY_ROWS) // 333 == 1, 1.0, rows["w"]))
    path = stored(rows, tmp_path / name)
    one, used, whole = ingested(path, formula, outcome)
    request.getfixturevalue("in_small_batches")
    many, again, parts = ingested(path, formula, outcome)
    assert pa.parquet.ParquetFile(path.with_suffix(".used")).num_row_groups > 5
    pd.testing.assert_frame_equal(used, again)
    pd.testing.assert_frame_equal(one.subset, many.subset)
    pd.testing.assert_frame_equal(one.groups, many.groups)
    for column, found in one.report["columns"].items():
        for key, value in found.items():
            told = many.report["columns"][column][key]
            assert value == (pytest.approx(told, rel=1e-12) if key in ("mean", "sd") else told)
    for key in ("rows_read", "factors", "warnings"):
        assert one.report[key] == many.report[key]
    assert one.learned.levels == many.learned.levels
    same(whole, parts)
    # And so with parts that jobs have compressed.
    to = path.with_suffix(".used")
    shared = [build.compress_table(to, many.learned, outcome, part, 4) for part in range(4)]
    assert sum(part.total for part in shared) == MANY_ROWS
    same(whole, build.merge(shared[::-1]))


READING = """
import pathlib, sys
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import complete_rows, ingest, reader, table_summary

path, to = sys.argv[1:]
reader.BLOCK, reader.BATCH, complete_rows.BATCH = 1 << 18, 20_000, 20_000
table_summary.COPIES = 0  # sixteen bytes a row, up to a million rows
formula, outcome = Formula("y ~ scale(x) + (1 + x | g)"), Outcome()
found = ingest.ingest(path, formula, outcome, to=to, source="t")
print(int(build.compress_table(to, found.learned, outcome).rows.sum()))
status = pathlib.Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_table(tmp_path, kind):
    """The peak of a process that reads and compresses a table, and one ten times as long."""
    peaks = {}
    for rows in (300_000, 3_000_000):
        rng = np.random.default_rng(rows)
        drawn = pa.table(
            {
                "y": rng.normal(size=rows),
                "x": rng.normal(size=rows),
                "g": [f"g{i}" for i in rng.integers(0, 30, rows)],
            }
        )
        path = tmp_path / f"{rows}.{kind}"
        if kind == "csv":
            pa.csv.write_csv(drawn, path)
        else:  # in one group of rows, the hardest to read in parts
            pa.parquet.write_table(drawn, path, row_group_size=rows)
        done = subprocess.run(
            [sys.executable, "-c", READING, str(path), str(tmp_path / "used")],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        count, kilobytes = map(int, done.stdout.split())
        assert count == rows
        peaks[rows] = kilobytes * 1024
    # A table that is held takes 24 bytes a row, and more while it is made.
    assert peaks[3_000_000] - peaks[300_000] < 12 * 2_700_000, peaks


def same(one, other):
    """Two compressed tables say the same, to ten digits; likelihoods are in test_rows."""
    assert one.to_dict().keys() == other.to_dict().keys()
    for name, value in one.to_dict().items():
        if name in ("mean", "sd") or isinstance(value, float):
            assert value == pytest.approx(getattr(other, name), rel=1e-10), name
        else:
            assert value == other.to_dict()[name], name
    if one.outcome.family == "gaussian":
        # Triangles of groups whose columns are collinear, and the rows of small cells, are not
        # the only ones that say the same.
        for ours, theirs in zip(grams(one), grams(other), strict=True):
            scale = np.sqrt(np.outer(np.diag(ours), np.diag(ours)))
            np.testing.assert_allclose(ours, theirs, atol=1e-10 * scale.max(), rtol=1e-10)
        found = "log_jacobian" if isinstance(one, GroupTriangles) else "constants"
        np.testing.assert_allclose(getattr(one, found), getattr(other, found), rtol=1e-10)
        return
    for name in ("matrix", "y", "trials", "offset", "count", "constants", "cells"):
        scale = np.abs(getattr(one, name)).max(initial=0)
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=1e-10, atol=1e-10 * scale
        )
    assert (one.index == other.index).all()


def grams(data):
    """What the rows of each group or cell say: the products of their columns."""
    if isinstance(data, GroupTriangles):
        return data.triangle.swapaxes(1, 2) @ data.triangle
    rows = np.column_stack([data.matrix, data.y])
    _, cell = np.unique(data.index, axis=1, return_inverse=True)
    return np.stack([rows[cell == i].T @ rows[cell == i] for i in range(cell.max() + 1)])


LATE = {
    "a fraction": ("2.5", lambda table: table["x"].dtype == float and table["x"].max() == 2.5),
    "a label": ("last", None),
    "a gap": ("", None),
}


@pytest.mark.parametrize("cell", LATE)
def test_the_last_row_may_change_the_type_of_a_column(tmp_path, in_small_batches, cell):
    path, (written, expected) = tmp_path / "t.csv", LATE[cell]
    path.write_text("y,x,k\n" + "".join(f"{i},{i % 2},a\n{i},{i % 2},b\n" for i in range(400)))
    with path.open("a") as stream:
        stream.write(f'7,{written},"b\n"\n')
    if expected:
        _, used, _ = ingested(path, "y ~ x", Outcome())
        assert expected(used)
        return
    telling = "missing value in row 801" if cell == "a gap" else "row 801 is 'last'; if it is a set"
    with pytest.raises(UserError, match=telling):
        ingested(path, "y ~ x", Outcome())


def test_rows_are_counted_as_in_the_file_across_batches(tmp_path, in_small_batches):
    path = tmp_path / "t.csv"
    cells = [f"{i},{i % 7},g{i % 3}" for i in range(600)]
    cells[10], cells[550] = "10,,g1", "550,-1,g1"
    path.write_text("y,x,g\n" + "\n".join(cells))
    with pytest.raises(UserError, match=r"'log\(x \+ 1\)' is -inf in row 551"):
        ingested(path, "y ~ log(x + 1) + (1 | g)", Outcome(), missing="drop")
    found, used, _ = ingested(path, "y ~ x + (1 | g)", Outcome(), missing="drop", key=["y"])
    assert (found.report["rows_read"], found.report["rows_used"]) == (600, len(used)) == (600, 599)
    path.write_text(path.read_text() + "\n549,3,g0\n")
    with pytest.raises(UserError, match="rows 550 and 601 have the same key: y '549'"):
        ingested(path, "y ~ x + (1 | g)", Outcome(), missing="drop", key=["y"])


def test_a_large_table_has_a_random_subset(rows, tmp_path, in_small_batches, monkeypatch):
    monkeypatch.setattr(ingest, "SUBSET", 200)
    found, used, _ = ingested(stored(rows, tmp_path / "t.csv"), "y ~ x + (1 | g)", Outcome())
    assert len(found.subset) == 200
    assert found.subset.index.is_unique
    pd.testing.assert_frame_equal(found.subset, used.loc[found.subset.index])
    expected = rows.groupby("g").agg(rows=("y", "size"), mean=("y", "mean"), least=("x", "min"))
    groups = found.groups.set_index("group")
    for name in ("rows", "mean", "least"):
        np.testing.assert_allclose(groups[name], expected[name])


@pytest.mark.parametrize(
    ("outcome", "weights", "per"),
    [
        (Outcome(weights="w"), ["w"], None),
        (Outcome(precision_weights="w", weights="z"), ["w", "z"], None),
        (Outcome("poisson", weights="w", exposure="x"), ["w"], "x"),
    ],
    ids=str,
)
def test_means_of_groups_are_weighted(rows, tmp_path, in_small_batches, outcome, weights, per):
    found, *_ = ingested(stored(rows, tmp_path / "t.csv"), "y ~ 1 + (1 | g)", outcome)
    weight = rows[weights].prod(axis=1)
    below = weight * rows[per] if per else weight
    sums = pd.DataFrame({"y": weight * rows["y"], "weight": below}).groupby(rows["g"]).sum()
    np.testing.assert_allclose(found.groups["weight"], sums["weight"])
    np.testing.assert_allclose(found.groups["mean"], sums["y"] / sums["weight"])
    assert found.groups["rows"].tolist() == rows.groupby("g").size().tolist()


def test_more_parts_than_rows_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,g\n1,a\n2,b\n4,a\n")
    found, _, _ = ingested(path, "y ~ 1 + (1 | g)", Outcome())
    with pytest.raises(UserError, match="fewer rows than the config has `parts`, 4"):
        [
            build.compress_table(path.with_suffix(".used"), found.learned, Outcome(), i, 4)
            for i in range(4)
        ]
