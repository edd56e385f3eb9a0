"""Files that are whole or absent, and belong to the run that is under way."""

import os

import numpy as np
import pytest
import xarray as xr

from partialpool import files, run
from partialpool.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, outside of any run."""
    monkeypatch.chdir(tmp_path)
    # Set and taken away, so that what a test sets is taken away after it.
    monkeypatch.setenv(run.NAME, "")
    monkeypatch.delenv(run.NAME)
    return tmp_path


def test_nothing_is_left_of_a_file_that_failed(folder):
    files.write_text("answer", "whole")
    with pytest.raises(ZeroDivisionError), files.replacing("answer") as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("answer", "whole")]


def test_a_folder_that_takes_no_files_is_named(folder):
    (folder / "results").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(UserError, match=r"^results/answer: cannot be written \(Not a directory\)$"):
        files.write_text("results/answer", "whole")


def test_a_run_knows_what_it_was_started_with(folder):
    assert run.started_with() is None
    run.begin(studies={"radon": {"draws": 10}})
    assert run.started_with() == {"studies": {"radon": {"draws": 10}}}


def test_a_run_that_is_over_writes_nothing(folder, monkeypatch):
    run.begin()
    files.write_text("answer", "of the first run")
    first = os.environ[run.NAME]
    run.begin()
    files.write_text("answer", "of the second run")
    monkeypatch.setenv(run.NAME, first)
    with pytest.raises(UserError, match="belongs to a run that is over"):
        files.write_text("answer", "of the first run, late")
    assert (folder / "answer").read_text() == "of the second run"


def test_damaged_numbers_are_noticed(folder):
    values = np.random.default_rng(1).normal(size=(4, 1000))
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"beta": (("chain", "draw"), values)})})
    files.write_netcdf("posterior.nc", tree)
    content = bytearray((folder / "posterior.nc").read_bytes())
    assert files.read_netcdf("posterior.nc").identical(tree)
    content[len(content) // 2] ^= 1
    (folder / "posterior.nc").write_bytes(content)
    with pytest.raises(UserError, match=r"^posterior.nc: damaged, .* delete it and run again"):
        files.read_netcdf("posterior.nc")
