"""How far a run is: `results/progress.txt`, and one line a step on the terminal.

Imported while the workflow is parsed, so nothing scientific is imported here.

Snakemake tells what it does by log records with an `event`. Steps that are one job of a
cluster are told of when the job is handed over and when all of it has ended; in between,
their logs, which `partialpool.run.job` opens first, show which of them have begun.
"""

import logging
import os
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.run import job

PATH = Path("results/progress.txt")
LISTED = 25  # steps of one list
PAUSE = 1  # seconds between two looks at whether something has changed
STALE = 10  # seconds after which the file is written anew, changed or not
WAITS = "waits for "  # begins the last line of the log of a step that waits
ENOUGH = 5  # steps of a rule that tell how long its next one takes

_SUBMITTED = re.compile(r"Job (\S+) has been submitted with SLURM jobid (\S+) ")
_AGAIN = re.compile(r"Trying to restart job (\S+)\.")
_NO_OUTPUT = re.compile(r"Job (\d+) +completed successfully, but some output files are missing")
_CHATTER = re.compile(r"Select jobs to execute\.\.\.|Trying to restart job ")
_REPLACED = {"job_info", "job_started", "job_finished", "job_error", "progress"}
_REPLACED |= {"group_info", "group_error"}


def follow(workflow) -> None:
    """Keep `results/progress.txt` up to date while a workflow runs; called in its `onstart`.

    The terminal gets one line a step in place of Snakemake's blocks, unless it was asked
    to be verbose or quiet. The log in `.snakemake/log` keeps the blocks.
    """
    logger, settings = workflow.logger_manager.logger, workflow.output_settings
    by_name = {handler.name: handler for handler in logger.handlers}
    terminal = by_name.get("DefaultStreamHandler")
    terminal = None if settings.verbose or settings.quiet else terminal
    if terminal:
        terminal.addFilter(_is_kept)
        terminal.handle(_line(f"One line for each step that has ended; for the others: {PATH}"))
    needed = [(job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs()]
    progress = Progress(needed, terminal)
    logger.addHandler(progress)
    # If quiet, it would not even log what is done; its own filter keeps that off the terminal.
    workflow.scheduler.print_progress = True
    threading.Thread(target=progress.keep, daemon=True).start()


def failed(workflow) -> "list[Step]":
    """The steps of a run that failed; none if it did not begin."""
    handlers = workflow.logger_manager.logger.handlers
    followed = (handler for handler in handlers if isinstance(handler, Progress))
    return [step for handler in followed for step in handler.failed.values()]


def last_words(workflow) -> str:
    """The one line of each step that failed and says why; called in a workflow's `onerror`."""
    steps = sorted(failed(workflow), key=lambda step: step.log or "")
    said = dict.fromkeys(filter(None, (step.last_word() for step in steps)))
    return "".join(f"{job.LAST_WORD} {line}\n" for line in said)


@dataclass
class Step:
    """One attempt at a step, from when it was handed to a core or to a cluster."""

    rule: str
    wildcards: dict
    log: str | None
    before: int | None  # date of the log that an earlier attempt left
    remote: bool
    since: float
    begun: float | None
    attempt: int = 1
    cluster_job: str = ""
    reason: str = ""
    doing: tuple[str, float] | None = None  # what it waits for, and since when

    @property
    def of(self) -> str:
        """Study and variant."""
        return ", ".join(map(str, self.wildcards.values()))

    def has_written(self) -> bool:
        """Whether the log is this attempt's."""
        return _date(self.log) not in (None, self.before)

    def last_word(self) -> str:
        """The line for people that it left, or why it left none."""
        return job.last_word(self.log, self.has_written()) if self.log else ""

    def look(self, now: float) -> None:
        """Read from the log whether the step waits for something."""
        last = job.last_line(self.log) if self.has_written() else ""
        if not last.startswith(WAITS):
            self.doing = None
        elif self.doing is None:
            self.doing = _plain(last), now - max(0.0, time.time() - (_date(self.log) or 0) / 1e9)


class Progress(logging.Handler):
    """Count a run's steps by what Snakemake logs.

    Parameters
    ----------
    needed : list of (str, dict)
        Rule and wildcards of every step that is to be done.
    terminal : logging.Handler, optional
        What gets the line of each step.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, needed, terminal=None, clock=time.time):
        super().__init__()
        self.path, self.terminal, self.clock = PATH.absolute(), terminal, clock
        self.total, self.done, self.first = len(needed), 0, clock()
        self.left = Counter(rule for rule, _ in needed)
        self.left_of_study = Counter(of["study"] for _, of in needed if "study" in of)
        self.studies_begun, self.studies_done = set(), 0
        self.started, self.failed, self.again = {}, {}, {}
        self.finished, self.seconds = Counter(), Counter()
        self.groups, self.raised, self.stopping = {}, {}, False
        self.changed, self.written, self.over = True, 0.0, threading.Event()

    def emit(self, record):
        """Take one record in. What goes wrong here is shown, and does not end the run."""
        try:
            event = getattr(record, "event", None)
            take = getattr(self, f"_{event}", None) if event else self._message
            if take:
                take(record)
                self.changed = True
        except Exception:
            self.handleError(record)

    def keep(self) -> None:
        """Write the file when something has changed, until the run is over."""
        while not self.over.wait(PAUSE):
            self.refresh()

    def refresh(self) -> None:
        """Write the file if something has changed, or if its times are stale."""
        stale = self.clock() - self.written >= STALE
        with self.lock:
            started = _in_order(self.started.values()) if stale else []
        for step in started:  # no record waits for a slow disk
            if step.begun is None and step.has_written():
                step.begun = self.clock()
        for step in _in_order(started)[:LISTED]:
            step.look(self.clock())
        with self.lock:
            if (stale or self.changed) and not self.over.is_set():
                self._write()

    def close(self):
        """Write the last state, however the run ended."""
        with self.lock:
            if not self.over.is_set():
                self.over.set()
                self._write()
        super().close()

    def _write(self):
        self.changed, self.written = False, self.clock()
        # Of a full disk, or a folder another run has taken over, the steps tell.
        with suppress(OSError, UserError):
            files.write_text(self.path, self.text())

    def _job_info(self, record):
        now, log = self.clock(), next(iter(record.log), None)
        step = Step(
            rule=record.rule_name,
            wildcards=dict(record.wildcards),
            log=log,
            before=_date(log),
            remote=not record.local,
            since=now,
            begun=now if record.local else None,
        )
        if record.jobid in self.again:
            step.attempt = self.again[record.jobid].attempt + 1
        self.started[record.jobid] = step
        self.studies_begun |= {name for key, name in step.wildcards.items() if key == "study"}

    def _group_info(self, record):
        # Messages call a group by the uuid of one of its steps.
        members = [job.jobid for job in record.jobs]
        self.groups |= {job.uuid(): members for job in record.jobs}

    def _job_finished(self, record):
        self.done += 1
        step = self.started.pop(record.job_id)
        seconds = self.clock() - step.since
        self.finished[step.rule] += 1
        self.seconds[step.rule] += seconds
        self.left[step.rule] -= 1
        if study := step.wildcards.get("study"):
            self.left_of_study[study] -= 1
            self.studies_done += self.left_of_study[study] == 0
        # On a cluster these seconds are also those of the queue and of the rest of the job.
        self._say(step, "" if step.remote else _span(seconds))

    def _error(self, record):
        # A process that failed is told of without its step, which follows in the same thread.
        self.raised[record.thread] = str(record.msg)
        if found := _NO_OUTPUT.search(str(record.msg)):
            jobid = int(found[1])
            self._fail(jobid, found[0])
            for mates in filter(lambda members: jobid in members, self.groups.values()):
                self._drop(mates)

    def _job_error(self, record):
        raised = self.raised.pop(record.thread, "").rpartition("' ")[2]
        if record.indent:  # one of a group
            return
        step = self.started[record.jobid]
        reason = step.last_word()
        if not reason and (self.stopping or "SIGINT" in raised):
            return
        if not reason and len(record.log) > 1:
            step.log = record.log[-1]  # the cluster's
        self._fail(record.jobid, reason or record.rule_msg or (raised and f"its process {raised}"))

    def _group_error(self, record):
        steps = {info["jobid"]: self.started[info["jobid"]] for info in record.job_error_info}
        reasons = {jobid: step.last_word() for jobid, step in steps.items()}
        if not any(reasons.values()):  # killed, so what wrote last was running
            last = max(steps, key=lambda jobid: _date(steps[jobid].log) or 0)
            steps[last].log = next(iter(record.aux_logs), steps[last].log)
            reasons = {last: "its group of steps failed, and none of them says why"}
        for jobid, reason in reasons.items():
            if reason:
                self._fail(jobid, reason)
        self._drop(steps)

    def _message(self, record):
        text = str(record.msg)
        self.stopping |= text.startswith("Terminating processes on user request")
        if found := _SUBMITTED.match(text):
            for jobid in self._members(found[1]):
                self.started[jobid].cluster_job = found[2]
        elif found := _AGAIN.match(text):
            for jobid in self._members(found[1]):
                if jobid in self.failed:
                    self.again[jobid] = step = self.failed.pop(jobid)
                    self._say(step, "is tried again", logging.WARNING)

    def _members(self, name):
        return self.groups.get(name) or [int(name)]

    def _drop(self, jobids):
        for jobid in jobids:
            self.started.pop(jobid, None)

    def _fail(self, jobid, reason):
        self.failed[jobid] = step = self.started.pop(jobid)
        step.reason = _plain(reason or "gave no reason").rstrip(".")
        log = f"; log: {_near(step.log)}" if step.log else ""
        self._say(step, f"failed: {step.reason}{log}", logging.ERROR)

    def _say(self, step, text, level=logging.INFO):
        if self.terminal:
            count = f"[{self.done:{len(str(self.total))}}/{self.total}]"
            rule = step.rule.ljust(max(map(len, self.left), default=0))
            line = f"{count} {_clock(self.clock())}  {rule}  {step.of}  {text}"
            self.terminal.handle(_line(line.rstrip(), level))

    def text(self) -> str:
        """The whole of the file, as of now."""
        now, over = self.clock(), self.over.is_set()
        started = _in_order(self.started.values())
        again = [step for jobid, step in self.again.items() if jobid not in self.failed]
        waiting = sum(step.begun is None for step in started)
        counts = [f"{self.done:,} of {self.total:,} steps done"]
        if started:
            counts.append(f"{len(started):,} {'interrupted' if over else 'started'}")
            counts[-1] += f" ({waiting:,} waiting)" if waiting and not over else ""
        counts += [f"{len(self.failed):,} failed"] if self.failed else []
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        took = f"{'in' if over else 'running for'} {_span(now - self.first)}"
        left = None if over else self.seconds_left(now)
        if left is not None:
            took += f", about {_span(max(left, 60))} left"
        lines = [f"{'Ended' if over else 'As of'} {when}: {', '.join(counts)}; {took}."]
        lines += self._studies()
        lines += _section("Failed", self.failed.values(), lambda step: step.reason)
        lines += _section("Tried again", again, lambda s: f"attempt {s.attempt}: {s.reason}")
        title = "Interrupted" if over else "Started"
        lines += _section(title, started, lambda step: _state(step, now))
        return "\n".join(lines) + "\n"

    def _studies(self):
        failed = {step.wildcards.get("study") for step in self.failed.values()} - {None}
        begun = len(self.studies_begun - failed) - self.studies_done
        counts = [f"Studies: {self.studies_done:,} of {len(self.left_of_study):,} done"]
        counts += [f"{begun:,} under way"] if begun else []
        counts += [f"{len(failed):,} failed"] if failed else []
        return [", ".join(counts) + "."] if self.left_of_study else []

    def seconds_left(self, now: float) -> float | None:
        """An estimate, once every kind of step that is left and not rare has been seen to run."""
        usual = {rule: self.seconds[rule] / n for rule, n in self.finished.items() if n >= ENOUGH}
        rare = {rule for rule, n in self.left.items() if n + self.finished[rule] < ENOUGH}
        unknown = {rule for rule, n in self.left.items() if n} - usual.keys() - rare
        if now - self.first < 60 or unknown or not usual:
            return None
        typical = sum(usual.values()) / len(usual)
        ages = [(now - s.since, usual.get(s.rule, typical)) for s in self.started.values()]
        work = sum(n * usual.get(rule, typical) for rule, n in self.left.items())
        work -= sum(min(age) for age in ages)
        at_once = (self.seconds.total() + sum(age for age, _ in ages)) / (now - self.first)
        return work / min(at_once, len(ages) or at_once)


def _is_kept(record):
    """Whether a record of Snakemake's belongs on the terminal as it is."""
    event, text = getattr(record, "event", None), str(record.msg)
    if event == "error":  # how a step's process ended is in the line of the step
        return not text.startswith("RuleException:\nCalledProcessError in ")
    return event not in _REPLACED and not (event is None and _CHATTER.match(text))


def _line(text, level=logging.INFO):
    # With an event, if nobody's, lest the terminal paints it in the colour of warnings.
    values = {"msg": text, "levelno": level, "levelname": logging.getLevelName(level)}
    return logging.makeLogRecord(values | {"event": "step"})


def _section(title, steps, tell):
    steps = list(steps)
    if not steps:
        return []
    rows = [(step.rule, step.of, _near(step.log), tell(step)) for step in steps[:LISTED]]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    more = [f"and {len(steps) - LISTED:,} more"] if len(steps) > LISTED else []
    return ["", title, *(f"  {line}" for line in [*lines, *more])]


def _in_order(steps):
    return sorted(steps, key=lambda step: (step.begun is None, step.begun or step.since))


def _state(step, now):
    waiting, since = ("waiting ", step.since) if step.begun is None else ("", step.begun)
    said = [f"{waiting}since {_clock(since)} ({_span(now - since)})"]
    said += [f"Slurm job {step.cluster_job}"] if step.cluster_job else []
    said += [f"attempt {step.attempt}"] if step.attempt > 1 else []
    said += [f"{step.doing[0]} ({_span(now - step.doing[1])})"] if step.doing else []
    return ", ".join(said)


def _date(log):
    try:
        return os.stat(log).st_mtime_ns if log else None
    except OSError:
        return None


def _plain(text):
    """One line without control characters, and not a page of it."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    return text if len(text) <= 300 else f"{text[:297]}..."


def _near(log):
    return _plain(min(log, os.path.relpath(log), key=len)) if log else ""


def _clock(seconds):
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _span(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
