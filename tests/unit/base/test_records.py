"""What results were made from is on record beside them, and tells a damaged one."""

import os
import shutil
from pathlib import Path

import pytest

from partialpool.base import files, records, session
from partialpool.base.errors import UserError

PARAMS = {"study": {"formula": "y ~ x"}, "code": "1a"}


@pytest.fixture
def summary(tmp_path, monkeypatch) -> Path:
    """A result with its record, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(session.NAME, raising=False)
    path = Path("results/s/pooled/summary.csv")
    path.parent.mkdir(parents=True)
    path.write_text("name,mean\nsigma,1.5\n", encoding="utf-8")
    Path("t.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    records.write([path], PARAMS, [("t.csv", records.verified("t.csv"))])
    return path


def test_a_record_says_what_a_result_was_made_from(summary):
    record = records.read(summary)
    assert record["params"] == records.digest({"code": "1a", "study": {"formula": "y ~ x"}})
    assert record["params"] != records.digest(PARAMS | {"code": "2b"})
    assert record["inputs"] == [["t.csv", records.checksum("t.csv")]]
    assert record["checksum"] == records.verified(summary)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:9]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text(path.read_text().replace("1.5", "1.4")),
        lambda path: path.write_bytes(path.read_bytes() + b"\n"),
        lambda path: records.place(path).unlink(),
        lambda path: records.place(path).write_text("{"),
        lambda path: records.place(path).write_text("[1]"),
    ],
)
def test_a_damaged_result_is_named(summary, damage):
    times = summary.stat()
    damage(summary)
    os.utime(summary, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(UserError, match=r"^results/s/pooled/summary.csv: damaged \(.*delete it"):
        records.verified(summary)


def test_a_result_of_another_study_in_its_place_is_noticed(summary):
    other = Path("results/t/pooled/summary.csv")
    other.parent.mkdir(parents=True)
    other.write_text("name,mean\nsigma,2.5\n", encoding="utf-8")
    records.write([other], PARAMS, [])
    shutil.copy2(other, summary)
    records.verified(other)
    with pytest.raises(UserError, match="damaged"):
        records.verified(summary)


def test_folders_are_checked_file_by_file(summary):
    figures = Path("results/s/figures")
    figures.mkdir()
    for name in "ab":
        (figures / f"{name}.svg").write_text(f"<svg>{name}</svg>", encoding="utf-8")
    (figures / ".snakemake_timestamp").touch()
    records.write([figures], PARAMS, [])
    (figures / ".snakemake_timestamp").write_text("later", encoding="utf-8")
    records.verified(figures)
    assert not records.is_incomplete(figures, records.read(figures))
    (figures / "a.svg").rename(figures / "c.svg")
    assert records.is_incomplete(figures, records.read(figures))
    with pytest.raises(UserError, match=r"^results/s/figures: damaged"):
        records.verified(figures)


def test_tables_are_remembered_until_they_are_written(summary):
    records._known.cache_clear()
    first = records.cached_checksum("t.csv")
    assert first == records.checksum("t.csv")
    times = os.stat("t.csv")
    Path("t.csv").write_text("x,y\n1,3\n", encoding="utf-8")
    os.utime("t.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert records.cached_checksum("t.csv") == records.checksum("t.csv") != first
    assert records.cached_checksum("nothing.csv") is None
    records._known.cache_clear()


def test_a_damaged_memory_of_tables_is_not_used(summary):
    true = records.checksum("t.csv")
    files.write_cache(records.CHECKSUM_CACHE, {"t.csv": [records.state("t.csv"), true]})
    assert files.read_cache(records.CHECKSUM_CACHE)["t.csv"][1] == true
    for wrong in (
        records.CHECKSUM_CACHE.read_text().replace(true, f"sha256:{'0' * 64}"),
        '{"t.csv": 5}',
    ):
        records.CHECKSUM_CACHE.write_text(wrong)
        records._known.cache_clear()
        assert records.cached_checksum("t.csv") == true
    records._known.cache_clear()


def test_an_input_dated_ahead_is_named(summary):
    os.utime(summary, (4e9, 4e9))
    with pytest.raises(UserError, match=r"summary.csv: is dated 2096-.*touch results/s/pooled/su"):
        records.verified(summary)
