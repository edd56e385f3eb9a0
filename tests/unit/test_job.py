"""What a job leaves behind when it fails: one line, also where there is no room for it."""

from pathlib import Path

import pytest

from partialpool import job, run


@pytest.fixture
def log(tmp_path, monkeypatch) -> Path:
    """A log to be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(run.NAME, raising=False)
    Path("results/logs").mkdir(parents=True)
    return Path("results/logs/fit.log")


def test_the_last_line_of_a_log(log):
    log.write_text(f"{'draws ' * 9999}\nTraceback\npartialpool: t.csv: has no rows\n")
    assert job.last_word(log) == "t.csv: has no rows"
    assert job.last_word(log, written=False) == ""
    log.write_text("killed in the middle\n")
    assert job.last_word(log) == ""


def test_a_log_that_could_not_be_written(log, monkeypatch):
    error = OSError(28, "No space left on device")
    monkeypatch.setattr(job.files, "unwritable", lambda folder: error)
    said = "results/logs/fit.log: cannot be written (No space left on device)"
    assert job.last_word(log, written=False) == said
    log.write_text("began\n")
    assert job.last_word(log) == said


def test_a_run_whose_folder_was_removed(log, monkeypatch):
    monkeypatch.setenv(run.NAME, "this run")
    assert job.last_word(log).startswith("the folder .snakemake was removed while the run was")
    run.FOLDER.mkdir(parents=True)
    run.RECORD.write_text("this run\n{}\n")
    assert job.last_word(log) == ""


def test_a_log_whose_folder_is_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv(run.NAME, raising=False)
    (tmp_path / "results").write_text("")
    log = tmp_path / "results/logs/fit.log"
    assert job.last_word(log) == f"{log}: cannot be written (Not a directory)"


def test_a_compile_directory_that_cannot_be_used():
    where = {"__name__": "pytensor.configdefaults"}
    for raised in ("OSError(13, 'Permission denied', '/home/x')", "ValueError('compiledir')"):
        with pytest.raises((OSError, ValueError)) as caught:
            exec(f"raise {raised}", where)
        said = job._of_compiler(caught.value)
        assert said.startswith("PyTensor's compile directory cannot be used (")
        assert "PYTENSOR_FLAGS=base_compiledir=" in said
    assert job._of_compiler(OSError(13, "Permission denied")) is None
