"""Progress: what runs, what is done, and what failed, from records as Snakemake 9 logs them."""

import logging
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from partialpool.run import progress
from partialpool.run.progress import Progress


@dataclass(frozen=True)
class Job:
    jobid: int
    group: str

    def uuid(self):
        return f"{self.group}-{self.jobid}"


class Run:
    """A run whose records and clock are the test's."""

    def __init__(self, *needed, local=True):
        self.now, self.lines, self.local = 0.0, [], local
        needed = [(rule, {"study": study} if study else {}) for rule, study in needed]
        terminal = SimpleNamespace(handle=lambda record: self.lines.append(record.msg))
        self.progress = Progress(needed, terminal, clock=lambda: self.now)

    def tell(self, msg=None, **extra):
        self.progress.handle(logging.makeLogRecord({"msg": msg, **extra}))

    def start(self, jobid, rule, study, cluster_job=None):
        log, wildcards = f"logs/{study}_{rule}.log", {"study": study}
        told = {"rule_name": rule, "log": [log], "wildcards": wildcards, "local": self.local}
        self.tell(event="job_info", jobid=jobid, indent=False, **told)
        if cluster_job:
            self.submit(jobid, cluster_job)

    def group(self, name, steps, cluster_job):
        jobs = frozenset(Job(jobid, name) for jobid in steps)
        self.tell(event="group_info", group_id="g", jobs=jobs)
        for jobid, of in steps.items():
            self.start(jobid, *of)
        self.submit(f"{name}-{max(steps)}", cluster_job)

    def submit(self, name, cluster_job):
        said = f"Job {name} has been submitted with SLURM jobid {cluster_job} (log: /c.log)."
        self.tell(said, levelno=logging.INFO)

    def write(self, rule, study, *lines):
        progress.PATH.absolute().parents[1].joinpath("logs").mkdir(exist_ok=True)
        with open(f"logs/{study}_{rule}.log", "w") as stream:
            stream.writelines(f"{line}\n" for line in lines)

    def finish(self, *jobids):
        for jobid in jobids:
            self.tell(f"Finished jobid: {jobid}", event="job_finished", job_id=jobid)

    def fail(self, jobid, log=(), message=None):
        told = {"log": ["logs/of_the_step.log", *log], "rule_msg": message, "indent": False}
        self.tell(event="job_error", jobid=jobid, **told)

    def fail_group(self, *jobids):
        info = [{"jobid": jobid} for jobid in jobids]
        self.tell(event="group_error", groupid="g", aux_logs=["c.log"], job_error_info=info)
        for jobid in jobids:
            self.tell(event="job_error", jobid=jobid, log=[], rule_msg=None, indent=True)

    def section(self, title):
        _, _, rest = self.progress.text().partition(f"\n{title}\n")
        return [line.strip() for line in rest.partition("\n\n")[0].splitlines()]


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


def test_a_study_is_done_with_its_last_step():
    run = Run(("fit", "a"), ("report", "a"), ("fit", "b"), ("report", "b"), ("index", None))

    def said():
        return run.progress.text().splitlines()[1]

    assert said() == "Studies: 0 of 2 done."
    for jobid, of in enumerate([("fit", "a"), ("fit", "b"), ("report", "b")]):
        run.start(jobid, *of)
    run.finish(0, 1)
    assert said() == "Studies: 0 of 2 done, 2 under way."
    run.finish(2)
    assert said() == "Studies: 1 of 2 done, 1 under way."
    run.start(3, "report", "a")
    run.finish(3)
    assert said() == "Studies: 2 of 2 done."
    assert "Studies" not in Run(("index", None), ("verdict", None)).progress.text()


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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (3570, "1 h 0 min"),
        (3 * 86400, "72 h 0 min"),
    ],
)
def test_how_long_it_has_been(seconds, said):
    run = Run(("fit", "a"))
    run.now = seconds
    assert run.progress.text().splitlines()[0].endswith(f"; running for {said}.")


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


def test_long_lists_are_cut():
    run = Run(*[("fit", f"s{i}") for i in range(1200)])
    for i in range(205):
        run.now = float(i)
        run.start(i, "fit", f"s{i}")
    listed = run.section("Started")
    assert listed[0].startswith("fit  s0 ") and listed[-1] == "and 180 more"
    assert len(listed) == progress.LISTED + 1
    assert "0 of 1,200 steps done, 205 started" in run.progress.text()


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


def test_the_estimate():
    """Forty fits of ten seconds, two at a time, and one step of a kind that comes once."""
    run = Run(*[("fit", f"s{i}") for i in range(40)], ("index", None))
    for i in range(0, 40, 2):
        left = run.progress.seconds_left(run.now)
        assert left is None if run.now < 60 else left == pytest.approx(200 - run.now, abs=6)
        run.start(i, "fit", f"s{i}")
        run.start(i + 1, "fit", f"s{i + 1}")
        run.now += 10
        run.finish(i, i + 1)


def test_no_estimate_before_the_long_steps_are_known():
    run = Run(*[(rule, f"s{i}") for i in range(40) for rule in ("ingest", "fit")])
    for i in range(40):
        run.start(i, "ingest", f"s{i}")
        run.now += 2
        run.finish(i)
    assert run.progress.seconds_left(run.now) is None


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
