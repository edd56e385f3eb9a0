"""Follow a run by Snakemake's log: keep `results/progress.txt`, and print a line for each step.

Imported while the workflow is parsed, so nothing scientific is imported here. No other module
uses Snakemake's logger; `tests/unit/run/test_snakemake.py` says what of it is used here.

Snakemake logs what it does as records with an `event`. Steps that are one job of a cluster are
in it when the job is handed over and when all of it has ended; in between, their logs, which
`partialpool.run.job` opens first, show which of them have begun.

Snakemake's plug-ins for loggers get the same records. But a plug-in is an installed package that
is named on each command line, it replaces the output on the terminal rather than filter it, and
it is not given the studies that are to be done. So this handler is added when a run starts.
"""

import logging
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.run import job, plan
from partialpool.run.progress_text import (
    LISTED,
    RunState,
    Step,
    clock,
    date,
    in_order,
    short_path,
    span,
)

PATH = Path("results/progress.txt")
PAUSE = 1  # seconds between two looks at whether something has changed
STALE = 10  # seconds after which the file is written anew, changed or not

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
    needed = [(job.rule.name, job.wildcards_dict) for job in plan.not_done(workflow)]
    progress = Progress(needed, terminal)
    logger.addHandler(progress)
    # If quiet, Snakemake would not log what is done; its filter keeps that off the terminal.
    workflow.scheduler.print_progress = True
    threading.Thread(target=progress.keep, daemon=True).start()


def failed(workflow) -> list[Step]:
    """The steps of a run that failed; none if it did not begin."""
    handlers = workflow.logger_manager.logger.handlers
    followed = (handler for handler in handlers if isinstance(handler, Progress))
    return [step for handler in followed for step in handler.run.failed.values()]


def last_words(workflow) -> str:
    """The error message of each step that failed with one; called in a workflow's `onerror`."""
    steps = sorted(failed(workflow), key=lambda step: step.log or "")
    messages = dict.fromkeys(filter(None, (step.error_line() for step in steps)))
    return "".join(f"{job.LAST_WORD} {line}\n" for line in messages)


class Progress(logging.Handler):
    """Take in Snakemake's records, and write and print what they say of each step.

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
        self.run = RunState(needed, clock())
        self.groups, self.raised, self.stopping = {}, {}, False
        self.changed, self.written, self.over = True, 0.0, threading.Event()

    def emit(self, record):
        """Take in one record. An error here is printed, and does not end the run."""
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
            started = in_order(self.run.started.values()) if stale else []
        for step in started:  # no record waits for a slow disk
            if step.begun is None and step.has_written():
                step.begun = self.clock()
        for step in in_order(started)[:LISTED]:
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
        # The steps report a full disk, or a folder that another run has taken over.
        with suppress(OSError, UserError):
            files.write_text(self.path, self.text())

    def text(self) -> str:
        """The whole of the file, as of now."""
        return self.run.text(self.clock(), self.over.is_set())

    def _job_info(self, record):
        now, log = self.clock(), next(iter(record.log), None)
        step = Step(
            rule=record.rule_name,
            wildcards=dict(record.wildcards),
            log=log,
            before=date(log),
            remote=not record.local,
            since=now,
            begun=now if record.local else None,
        )
        self.run.start(record.jobid, step)

    def _group_info(self, record):
        # Messages call a group by the uuid of one of its steps.
        members = [job.jobid for job in record.jobs]
        self.groups |= {job.uuid(): members for job in record.jobs}

    def _job_finished(self, record):
        now = self.clock()
        step = self.run.finish(record.job_id, now)
        # On a cluster these seconds are also those of the queue and of the rest of the job.
        self._print(step, "" if step.remote else span(now - step.since))

    def _error(self, record):
        # The record of a process that failed lacks its step, which follows in the same thread.
        self.raised[record.thread] = str(record.msg)
        if found := _NO_OUTPUT.search(str(record.msg)):
            jobid = int(found[1])
            self._fail(jobid, found[0])
            for mates in filter(lambda members: jobid in members, self.groups.values()):
                self.run.drop(mates)

    def _job_error(self, record):
        raised = self.raised.pop(record.thread, "").rpartition("' ")[2]
        if record.indent:  # one of a group
            return
        step = self.run.started[record.jobid]
        reason = step.error_line()
        if not reason and (self.stopping or "SIGINT" in raised):
            return
        if not reason and len(record.log) > 1:
            step.log = record.log[-1]  # the cluster's
        self._fail(record.jobid, reason or record.rule_msg or (raised and f"its process {raised}"))

    def _group_error(self, record):
        steps = {info["jobid"]: self.run.started[info["jobid"]] for info in record.job_error_info}
        reasons = {jobid: step.error_line() for jobid, step in steps.items()}
        if not any(reasons.values()):  # killed, so what wrote last was running
            last = max(steps, key=lambda jobid: date(steps[jobid].log) or 0)
            steps[last].log = next(iter(record.aux_logs), steps[last].log)
            reasons = {last: "its group of steps failed, and none of them says why"}
        for jobid, reason in reasons.items():
            if reason:
                self._fail(jobid, reason)
        self.run.drop(steps)

    def _message(self, record):
        text = str(record.msg)
        self.stopping |= text.startswith("Terminating processes on user request")
        if found := _SUBMITTED.match(text):
            for jobid in self._members(found[1]):
                self.run.started[jobid].cluster_job = found[2]
        elif found := _AGAIN.match(text):
            for jobid in self._members(found[1]):
                if jobid in self.run.failed:
                    self.run.again[jobid] = step = self.run.failed.pop(jobid)
                    self._print(step, "is tried again", logging.WARNING)

    def _members(self, name):
        return self.groups.get(name) or [int(name)]

    def _fail(self, jobid, reason):
        step = self.run.fail(jobid, reason)
        log = f"; log: {short_path(step.log)}" if step.log else ""
        self._print(step, f"failed: {step.reason}{log}", logging.ERROR)

    def _print(self, step, text, level=logging.INFO):
        if self.terminal:
            count = f"[{self.run.done:{len(str(self.run.total))}}/{self.run.total}]"
            rule = step.rule.ljust(max(map(len, self.run.left), default=0))
            line = f"{count} {clock(self.clock())}  {rule}  {step.of}  {text}"
            self.terminal.handle(_line(line.rstrip(), level))


def _is_kept(record):
    """Whether a record of Snakemake's belongs on the terminal as it is."""
    event, text = getattr(record, "event", None), str(record.msg)
    if event == "error":  # how a step's process ended is in the line of the step
        return not text.startswith("RuleException:\nCalledProcessError in ")
    return event not in _REPLACED and not (event is None and _CHATTER.match(text))


def _line(text, level=logging.INFO):
    # With an event, or the terminal shows it in the colour of warnings.
    values = {"msg": text, "levelno": level, "levelname": logging.getLevelName(level)}
    return logging.makeLogRecord(values | {"event": "step"})
