"""What a job leaves behind when it fails: one line, also where there is no room for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from partialpool.base import records, session
from partialpool.run import fingerprint, job


@pytest.fixture
def log(tmp_path, monkeypatch) -> Path:
    """A log to be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(session.NAME, raising=False)
    Path("results/logs").mkdir(parents=True)
    return Path("results/logs/fit.log")


def test_the_last_line_of_a_log(log):
    log.write_text(f"{'draws ' * 9999}\nTraceback\npartialpool: t.csv: has no rows\n")
    assert job.error_line(log) == "t.csv: has no rows"
    assert job.error_line(log, written=False) == ""
    log.write_text("killed in the middle\n")
    assert job.error_line(log) == ""


def test_a_log_that_could_not_be_written(log, monkeypatch):
    error = OSError(28, "No space left on device")
    monkeypatch.setattr(job.files, "unwritable", lambda folder: error)
    said = "results/logs/fit.log: cannot be written (No space left on device)"
    assert job.error_line(log, written=False) == said
    log.write_text("began\n")
    assert job.error_line(log) == said


def test_a_run_whose_folder_was_removed(log, monkeypatch):
    monkeypatch.setenv(session.NAME, "this run")
    assert job.error_line(log).startswith("the folder .snakemake was removed while the run was")
    session.FOLDER.mkdir(parents=True)
    session.RECORD.write_text("this run\n{}\n")
    assert job.error_line(log) == ""


def test_a_log_whose_folder_is_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv(session.NAME, raising=False)
    (tmp_path / "results").write_text("")
    log = tmp_path / "results/logs/fit.log"
    assert job.error_line(log) == f"{log}: cannot be written (Not a directory)"


def test_a_compile_directory_that_cannot_be_used():
    where = {"__name__": "pytensor.configdefaults"}
    for raised in ("OSError(13, 'Permission denied', '/home/x')", "ValueError('compiledir')"):
        with pytest.raises((OSError, ValueError)) as caught:
            exec(f"raise {raised}", where)
        said = job.compiler_message(caught.value)
        assert said.startswith("PyTensor's compile directory cannot be used (")
        assert "PYTENSOR_FLAGS=base_compiledir=" in said
    assert job.compiler_message(OSError(13, "Permission denied")) is None


SCRIPT = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from partialpool.base import files
from partialpool.run import fingerprint, job
from partialpool.base.errors import UserError

class Params(dict):
    code = property(lambda self: self["code"])

snakemake = SimpleNamespace(
    rule="verdict",
    log="results/s/logs/of.log",
    input=["t.csv", "results/s/made.csv"],
    output=["results/s/one.csv", "results/s/two.csv"],
    params=Params(study={"formula": "y ~ x"}, code=fingerprint.hash_script("verdict")),
)
exec(sys.argv[1])
with job.logged(snakemake):
    print("begins")
    os.system("echo of another process")
    for output in snakemake.output:
        files.write_text(output, "x\\n1\\n")
    exec(sys.argv[2])
    print("ends")
os._exit(9)
"""
OUTPUTS = ("results/s/one.csv", "results/s/two.csv")


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """A function that runs a job to its end, and gives its status and the lines of its log."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(session.NAME, "")
    monkeypatch.delenv(session.NAME)
    Path("results/s/logs").mkdir(parents=True)
    Path("results/s/logs/of.log").write_text("of the run before\n")
    for path in ("t.csv", "results/s/made.csv", *OUTPUTS):
        Path(path).write_text("x,y\n1,2\n", encoding="utf-8")
    records.write(["results/s/made.csv", *OUTPUTS], {}, [])

    def ended(before="", during="", **environment):
        own = os.environ | {"PYTHONPATH": str(fingerprint.SCRIPTS)} | environment
        arguments = [sys.executable, "-c", SCRIPT, before, during]
        done = subprocess.run(arguments, env=own, capture_output=True, text=True)
        assert done.stdout == done.stderr == ""
        return done.returncode, Path("results/s/logs/of.log").read_text().splitlines()

    return ended


def test_a_job_that_ends_well_puts_on_record_what_it_was_given(ended):
    params = {"study": {"formula": "y ~ x"}, "code": fingerprint.hash_script("verdict")}
    assert ended() == (0, ["begins", "of another process", "ends"])
    for output in OUTPUTS:
        record = records.read(output)
        assert record["params"] == records.digest(params)
        assert record["checksum"] == records.checksum(output)
        assert record["inputs"] == [
            [path, records.checksum(path)] for path in ("t.csv", "results/s/made.csv")
        ]


@pytest.mark.parametrize(
    ("before", "during", "status", "said"),
    [
        ("", "raise UserError('t.csv:\\nhas no rows')", 1, ["partialpool: t.csv: has no rows"]),
        ("", "raise KeyboardInterrupt", 130, []),
        ("", "open('t.csv', 'a').write('3,4')", 1, ["ends", "partialpool: t.csv: was edited whi"]),
        (
            "",
            "fingerprint.hash_script = lambda rule: 'else'",
            1,
            ["ends", "partialpool: the code of verd"],
        ),
        ("snakemake.params['code'] = 'else'", "", 1, ["partialpool: the code of verdict was edit"]),
        ("open('results/s/made.csv', 'w')", "", 1, ["partialpool: results/s/made.csv: damaged ("]),
        ("os.unlink('t.csv')", "", 1, ["partialpool: t.csv: cannot be read (No such file or"]),
        ("", "os.unlink('t.csv')", 1, ["ends", "partialpool: t.csv: cannot be read (No such"]),
    ],
)  # fmt: skip
def test_a_job_that_fails_says_why_in_its_last_line_and_has_no_result(
    ended, before, during, status, said
):
    found, lines = ended(before, during)
    assert found == status
    own = [line for line in lines if line in ("begins", "ends") or line.startswith("partialpool:")]
    expected = [*(["begins"] if during else []), *said]
    assert len(own) == len(expected)
    assert all(line.startswith(start) for line, start in zip(own, expected, strict=True))
    assert lines[-1].startswith(expected[-1]) or status == 130
    assert "Traceback (most recent call last):" not in lines
    if during or "made" in before:
        assert not any(records.place(output).exists() for output in OUTPUTS)


def test_an_interrupt_that_a_callback_from_c_drops_is_raised_again(ended):
    """As while a compiled function is stored; without it a fit goes on to its end."""
    dropped = "import ctypes, signal, time; raised = lambda: signal.raise_signal(signal.SIGINT); "
    # A shell lets what it starts in the background ignore Ctrl-C.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    status, lines = ended(
        heard, during=f"{dropped}ctypes.CFUNCTYPE(None)(raised)(); time.sleep(60)"
    )
    assert status == 130
    assert "KeyboardInterrupt: " in lines, "the first one was not dropped"
    assert "ends" not in lines


def test_a_defect_is_told_of_after_its_traceback(ended):
    status, lines = ended("", "1 / 0")
    assert status == 1
    assert "Traceback (most recent call last):" in lines
    said = "ZeroDivisionError: division by zero (traceback in results/s/logs/of.log)"
    assert lines[-1] == f"partialpool: {said}"


def test_a_job_of_a_run_that_is_over_leaves_the_records_of_the_next(ended):
    session.FOLDER.mkdir(parents=True)
    session.RECORD.write_text(f"next\n{json.dumps({})}\n")
    status, lines = ended(**{session.NAME: "first"})
    assert status == 1
    assert lines[-1].startswith("partialpool: this job belongs to a run that is over")
    assert all(records.read(output) for output in OUTPUTS)
    assert ended(**{session.NAME: "next"})[0] == 0


BY_HAND = """
try:
    with job.logged(snakemake):
        print("begins")
        exec(sys.argv[2])
except UserError as error:
    print("caught:", error)
print("goes on")
"""


@pytest.mark.parametrize(
    ("during", "printed", "recorded"),
    [
        ("", ["begins", "goes on"], True),
        ("raise UserError('t.csv: empty')", ["begins", "caught: t.csv: empty", "goes on"], False),
    ],
)
def test_a_job_without_a_log_prints_raises_and_lets_the_process_go_on(
    ended, during, printed, recorded
):
    """As it is started by hand; its records are those of any job."""
    script = SCRIPT.partition("with job.logged")[0] + BY_HAND
    own = os.environ | {"PYTHONPATH": str(fingerprint.SCRIPTS)}
    arguments = [sys.executable, "-c", script, "snakemake.log = []", during]
    done = subprocess.run(arguments, env=own, capture_output=True, text=True)
    assert (done.stdout.splitlines(), done.stderr) == (printed, "")
    assert all(bool(records.read(output)) == recorded for output in OUTPUTS)
    assert Path("results/s/logs/of.log").read_text() == "of the run before\n"
