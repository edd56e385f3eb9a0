"""Files that are whole or absent, and belong to the run that is under way."""

import os

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.base import files, session
from partialpool.base.errors import UserError


def test_nothing_is_left_of_a_file_that_failed(folder):
    files.write_text("answer", "whole")
    with pytest.raises(ZeroDivisionError), files.replacing("answer") as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("answer", "whole")]


TABLE = pd.DataFrame({"name": ["a,b", "ü"], "x": [0.1 + 0.2, 1e-300]})
ARRAYS = xr.Dataset({"beta": (("draw",), np.linspace(0, 1, 7)), "k": (("draw",), np.arange(7))})
WRITERS = {
    # how it is written, what, and how it is read
    "text": (files.write_text, "ü\n", lambda path: path.read_text(encoding="utf-8")),
    "JSON": (files.write_json, {"ü": [0.1 + 0.2, None]}, files.read_json),
    "CSV": (files.write_csv, TABLE, pd.read_csv),
    "Parquet": (files.write_parquet, TABLE, pd.read_parquet),
    "Parquet with its index": (
        lambda path, table: files.write_parquet(path, table, index=True),
        TABLE.set_index(pd.Index([5, 2])),
        pd.read_parquet,
    ),
    "netCDF": (files.write_netcdf, ARRAYS, files.read_netcdf),
    "netCDF with groups": (
        files.write_netcdf,
        xr.DataTree.from_dict({"posterior": ARRAYS, "sample_stats": ARRAYS * 2}),
        files.read_netcdf,
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_of_any_kind_is_whole_or_as_it_was(folder, monkeypatch, kind):
    write, value, read = WRITERS[kind]
    path, killed = folder / "answer", folder / ".answer.elsewhere-1.tmp"
    anothers = folder / ".answers.elsewhere-1.tmp"
    for file in (path, killed, anothers):
        file.write_text("as it was", encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", full)
        with pytest.raises(
            UserError, match=r"answer: cannot be written \(No space left on device\)"
        ):
            write(path, value)
    assert path.read_text(encoding="utf-8") == "as it was"
    assert set(folder.iterdir()) == {path, anothers}, "what a killed job left is removed"
    write(path, value)
    assert set(folder.iterdir()) == {path, anothers}
    found = read(path)
    assert found.equals(value) if hasattr(value, "equals") else found == value


def test_a_folder_that_takes_no_files_is_named(folder):
    (folder / "results").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(UserError, match=r"^results/answer: cannot be written \(Not a directory\)$"):
        files.write_text("results/answer", "whole")


def test_a_run_that_is_over_writes_nothing(folder, monkeypatch):
    session.begin()
    files.write_text("answer", "of the first run")
    first = os.environ[session.NAME]
    session.begin()
    files.write_text("answer", "of the second run")
    monkeypatch.setenv(session.NAME, first)
    with pytest.raises(UserError, match="belongs to a run that is over"):
        files.write_text("answer", "of the first run, late")
    assert (folder / "answer").read_text() == "of the second run"
    monkeypatch.delenv(session.NAME)
    files.write_text("answer", "of no run, such as a script's of the user")
    assert session.started_with() is None


def test_damaged_numbers_are_noticed(folder):
    values = np.random.default_rng(1).normal(size=(4, 1000))
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"beta": (("chain", "draw"), values)})})
    files.write_netcdf("posterior.nc", tree)
    with xr.open_datatree("posterior.nc") as stored:
        how = stored["posterior"]["beta"].encoding
    assert how["zlib"] and how["shuffle"] and how["fletcher32"]
    content = bytearray((folder / "posterior.nc").read_bytes())
    assert files.read_netcdf("posterior.nc").identical(tree)
    content[len(content) // 2] ^= 1
    (folder / "posterior.nc").write_bytes(content)
    with pytest.raises(UserError, match=r"^posterior.nc: damaged, .* delete it and run again"):
        files.read_netcdf("posterior.nc")
