"""Progress: what runs, what is done, and what failed, from records as Snakemake 9 logs them."""

import logging
from types import SimpleNamespace

import pytest
from logged_run import Run

from partialpool.run import progress


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    progress.time.tzset()


def test_a_run_step_by_step():
    run = Run(("ingest", "a"), ("ingest", "b"), ("fit", "a"), ("index", None))
    run.write("ingest", "b", "partialpool: of the run before")
    for jobid, (rule, study) in enumerate([("ingest", "a"), ("ingest", "b")]):
        run.start(jobid, rule, study)
    run.now = 4.0
    run.finish(0)
    run.write("ingest", "b", "reading", "partialpool: data/b.csv: has no \x1b[31mrows")
    run.fail(1)
    run.start(2, "fit", "a")
    run.now = 64.0
    assert run.progress.text() == (
        "As of 1970-01-01 00:01:04: 1 of 4 steps done, 1 started, 1 failed; "
        "running for 1 min 4 s.\n"
        "Studies: 0 of 2 done, 1 under way, 1 failed.\n"
        "\nFailed\n  ingest  b  logs/b_ingest.log  data/b.csv: has no ?[31mrows\n"
        "\nStarted\n  fit  a  logs/a_fit.log  since 00:00:04 (1 min 0 s)\n"
    )
    assert run.lines == [
        "[1/4] 00:00:04  ingest  a  4.0 s",
        "[1/4] 00:00:04  ingest  b  failed: data/b.csv: has no ?[31mrows; log: logs/b_ingest.log",
    ]


def test_a_step_that_is_tried_again_has_not_failed():
    run = Run(("fit", "a"))
    run.start(7, "fit", "a")
    thread = {"thread": 1}
    run.tell("RuleException:\nCommand 'x' died with <Signals.SIGKILL: 9>.", event="error", **thread)
    run.tell(event="job_error", jobid=7, log=["l"], rule_msg=None, indent=False, **thread)
    assert "1 failed" in run.progress.text()
    run.tell("Trying to restart job 7.")
    run.start(7, "fit", "a")
    [tried] = run.section("Tried again")
    assert tried.endswith("attempt 1: its process died with <Signals.SIGKILL: 9>")
    assert run.section("Started")[0].endswith("attempt 2")
    assert not run.section("Failed")
    run.fail(7, ["cluster.log"], "SLURM-job '3' failed, SLURM status is: 'TIMEOUT'.")
    assert not run.section("Tried again")
    [failed] = run.section("Failed")
    assert failed == "fit  a  cluster.log  SLURM-job '3' failed, SLURM status is: 'TIMEOUT'"


def test_who_says_why_a_step_failed():
    """The step itself; else the cluster, with its log; else its process; else nobody."""
    run = Run(*[("fit", study) for study in "abcd"])
    for jobid, study in enumerate("abcd"):
        run.start(jobid, "fit", study)
    run.write("fit", "a", "partialpool: too few rows")
    run.fail(0, ["cluster.log"], "SLURM status is: 'FAILED'")
    run.fail(1, ["cluster.log"], "SLURM status is: 'FAILED'")
    thread = {"thread": 1}
    run.tell("Command 'x' returned non-zero exit status 3.", event="error", **thread)
    run.tell(event="job_error", jobid=2, log=["l"], rule_msg=None, indent=False, **thread)
    run.fail(3)
    assert [line.split(maxsplit=3) for line in run.section("Failed")] == [
        ["fit", "a", "logs/a_fit.log", "too few rows"],
        ["fit", "b", "cluster.log", "SLURM status is: 'FAILED'"],
        ["fit", "c", "logs/c_fit.log", "its process returned non-zero exit status 3"],
        ["fit", "d", "logs/d_fit.log", "gave no reason"],
    ]


def test_missing_output_is_a_failure():
    """Told of in words alone; the rest of its group goes with it."""
    run = Run(("fit", "a"), ("check", "a"), local=False)
    run.group("g", {1: ("fit", "a"), 2: ("check", "a")}, cluster_job="5")
    said = (
        "MissingOutputException in rule fit:\nJob 1  completed successfully, but some output files"
    )
    run.tell(f"{said} are missing. Missing files after 5 seconds.", event="error", thread=1)
    assert len(run.section("Failed")) == 1
    assert not run.section("Started")


def test_steps_of_a_cluster_wait_until_their_log_is_there():
    run = Run(*[(rule, study) for study in "ab" for rule in ("fit", "check")], local=False)
    run.write("check", "a", "of the run before")
    run.group("g", {1: ("fit", "a"), 2: ("check", "a")}, cluster_job="11")
    run.start(3, "fit", "b", cluster_job="12")
    assert "3 started (3 waiting)" in run.progress.text()
    run.now = 20.0
    run.write("fit", "a", "sampling")
    run.progress.refresh()
    assert "3 started (2 waiting)" in run.progress.text()
    first, second, third = run.section("Started")
    assert first == "fit    a  logs/a_fit.log    since 00:00:20 (0.0 s), Slurm job 11"
    assert second.endswith("waiting since 00:00:00 (20 s), Slurm job 11")
    assert third.endswith("waiting since 00:00:00 (20 s), Slurm job 12")


def test_a_group_fails_by_the_step_that_did():
    run = Run(*[(rule, "a") for rule in ("compress", "fit", "check")], local=False)
    steps = {1: ("compress", "a"), 2: ("fit", "a"), 3: ("check", "a")}
    run.group("g", steps, cluster_job="11")
    run.write("compress", "a", "fine")
    run.write("fit", "a", "partialpool: too few rows")
    run.fail_group(1, 2, 3)
    assert run.section("Failed") == ["fit  a  logs/a_fit.log  too few rows"]
    assert not run.section("Started")
    run.tell("Trying to restart job g-3.")
    run.group("g", steps, cluster_job="12")
    assert len(run.section("Started")) == 3 and not run.section("Failed")
    run.write("compress", "a", "fine")
    run.fail_group(1, 2, 3)
    [failed] = run.section("Failed")
    assert failed == "compress  a  c.log  its group of steps failed, and none of them says why"


def test_the_file_is_written_when_something_changed_or_its_times_are_old():
    run = Run(("fit", "a"), ("fit", "b"))

    def is_written():
        progress.PATH.unlink(missing_ok=True)
        run.progress.refresh()
        return progress.PATH.exists()

    assert is_written() and not is_written()
    run.start(1, "fit", "a")
    run.start(2, "fit", "b")
    assert is_written() and not is_written()
    run.now += progress.STALE
    assert is_written() and not is_written()


def test_the_end_of_a_run_that_was_interrupted():
    run = Run(("fit", "a"), ("fit", "b"))
    run.start(1, "fit", "a")
    run.start(2, "fit", "b")
    run.finish(2)
    run.tell("Terminating processes on user request, this might take some time.")
    run.fail(1)
    run.now = 7200.0
    run.progress.close()
    text = progress.PATH.read_text()
    assert text.startswith("Ended 1970-01-01 02:00:00: 1 of 2 steps done, 1 interrupted; in 2 h")
    assert "\nInterrupted\n  fit  a" in text and "failed" not in text
    run.now += progress.STALE
    run.progress.refresh()
    assert progress.PATH.read_text() == text


def test_a_defect_does_not_end_the_run(capsys):
    run = Run(("fit", "a"))
    run.finish(99)
    assert "KeyError: 99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kept", "record"),
    [
        (False, {"event": "job_error", "msg": "Error in rule fit, jobid: 3"}),
        (False, {"event": "progress", "msg": None}),
        (False, {"msg": "Select jobs to execute..."}),
        (False, {"event": "error", "msg": "RuleException:\nCalledProcessError in file x"}),
        (True, {"event": "error", "msg": "WorkflowError:\nAt least one job did not complete."}),
        (True, {"event": "run_info", "msg": "Job stats:\n"}),
        (True, {"event": "shellcmd", "msg": "asked for by -p"}),
        (True, {"msg": "Nothing to be done"}),
    ],
)
def test_what_stays_on_the_terminal(kept, record):
    terminal = logging.NullHandler()
    terminal.name = "DefaultStreamHandler"
    logger = logging.Logger("snakemake")
    logger.addHandler(terminal)
    progress.follow(
        SimpleNamespace(
            logger_manager=SimpleNamespace(logger=logger),
            output_settings=SimpleNamespace(verbose=False, quiet=set()),
            scheduler=SimpleNamespace(),
            dag=SimpleNamespace(needrun_jobs=lambda: []),
        )
    )
    assert bool(terminal.filter(logging.makeLogRecord(record))) == kept
    logger.handlers[-1].close()


def test_a_step_that_waits_for_another_says_so():
    run = Run(("fit", "a"), ("fit", "b"))
    run.start(1, "fit", "a")
    run.start(2, "fit", "b")
    run.write("fit", "a", "attempt 1: {}", "waits for another fit to compile")
    run.write("fit", "b", "waits for another fit to compile", "waited 3.0 s")
    run.now = 20.0
    run.progress.refresh()
    run.now = 54.0
    first, second = run.section("Started")
    assert first.endswith("(54 s), waits for another fit to compile (34 s)")
    assert second.endswith("(54 s)") and "waits" not in second
    run.write("fit", "a", "attempt 1: {}", "waits for another fit to compile", "waited 36 s")
    run.progress.refresh()
    assert "waits" not in run.progress.text()
