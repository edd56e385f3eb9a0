"""The text of `results/progress.txt`: what a run has done, what runs, what failed and why.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass

from partialpool.run import job

LISTED = 25  # steps of one list
WAITS = "waits for "  # begins the last line of the log of a step that waits
ENOUGH = 5  # steps of a rule that have ended, to estimate how long its next one takes


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
        return date(self.log) not in (None, self.before)

    def error_line(self) -> str:
        """The error message at the end of its log, or why there is none."""
        return job.error_line(self.log, self.has_written()) if self.log else ""

    def look(self, now: float) -> None:
        """Read from the log whether the step waits for something."""
        last = job.last_line(self.log) if self.has_written() else ""
        if not last.startswith(WAITS):
            self.doing = None
        elif self.doing is None:
            self.doing = one_line(last), now - max(0.0, time.time() - (date(self.log) or 0) / 1e9)


class RunState:
    """Steps of a run that are left, under way, done and failed.

    Parameters
    ----------
    needed : list of (str, dict)
        Rule and wildcards of every step that is to be done.
    first : float
        When the run began, in seconds since the epoch.
    """

    def __init__(self, needed, first: float):
        self.total, self.done, self.first = len(needed), 0, first
        self.left = Counter(rule for rule, _ in needed)
        self.left_of_study = Counter(of["study"] for _, of in needed if "study" in of)
        self.studies_begun, self.studies_done = set(), 0
        self.started, self.failed, self.again = {}, {}, {}  # steps by the number of their job
        self.finished, self.seconds = Counter(), Counter()

    def start(self, jobid: int, step: Step) -> None:
        """Add a step that was handed to a core or to a cluster."""
        if jobid in self.again:
            step.attempt = self.again[jobid].attempt + 1
        self.started[jobid] = step
        self.studies_begun |= {name for key, name in step.wildcards.items() if key == "study"}

    def finish(self, jobid: int, now: float) -> Step:
        """Count a step as done."""
        step = self.started.pop(jobid)
        self.done += 1
        self.finished[step.rule] += 1
        self.seconds[step.rule] += now - step.since
        self.left[step.rule] -= 1
        if study := step.wildcards.get("study"):
            self.left_of_study[study] -= 1
            self.studies_done += self.left_of_study[study] == 0
        return step

    def fail(self, jobid: int, reason: str) -> Step:
        """Count a step as failed."""
        self.failed[jobid] = step = self.started.pop(jobid)
        step.reason = one_line(reason or "gave no reason").rstrip(".")
        return step

    def drop(self, jobids) -> None:
        """Forget steps that a failed one took with it."""
        for jobid in jobids:
            self.started.pop(jobid, None)

    def text(self, now: float, over: bool) -> str:
        """The whole of the file.

        Parameters
        ----------
        now : float
            In seconds since the epoch.
        over : bool
            Whether the run has ended.
        """
        started = in_order(self.started.values())
        again = [step for jobid, step in self.again.items() if jobid not in self.failed]
        waiting = sum(step.begun is None for step in started)
        counts = [f"{self.done:,} of {self.total:,} steps done"]
        if started:
            counts.append(f"{len(started):,} {'interrupted' if over else 'started'}")
            counts[-1] += f" ({waiting:,} waiting)" if waiting and not over else ""
        counts += [f"{len(self.failed):,} failed"] if self.failed else []
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        took = f"{'in' if over else 'running for'} {span(now - self.first)}"
        left = None if over else self.seconds_left(now)
        if left is not None:
            took += f", about {span(max(left, 60))} left"
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
        """Estimate the time to the end, once every frequent rule that is left has been run."""
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


def _section(title, steps, description):
    steps = list(steps)
    if not steps:
        return []
    rows = [
        (step.rule, step.of, short_path(step.log), description(step)) for step in steps[:LISTED]
    ]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    more = [f"and {len(steps) - LISTED:,} more"] if len(steps) > LISTED else []
    return ["", title, *(f"  {line}" for line in [*lines, *more])]


def in_order(steps) -> list[Step]:
    """Steps that have begun, the first of them first; then those that wait."""
    return sorted(steps, key=lambda step: (step.begun is None, step.begun or step.since))


def _state(step, now):
    waiting, since = ("waiting ", step.since) if step.begun is None else ("", step.begun)
    state = [f"{waiting}since {clock(since)} ({span(now - since)})"]
    state += [f"Slurm job {step.cluster_job}"] if step.cluster_job else []
    state += [f"attempt {step.attempt}"] if step.attempt > 1 else []
    state += [f"{step.doing[0]} ({span(now - step.doing[1])})"] if step.doing else []
    return ", ".join(state)


def date(log) -> int | None:
    """When a log was last written, in nanoseconds; None where there is none."""
    try:
        return os.stat(log).st_mtime_ns if log else None
    except OSError:
        return None


def one_line(text) -> str:
    """One line without control characters, and not a page of it."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    return text if len(text) <= 300 else f"{text[:297]}..."


def short_path(log) -> str:
    """The shorter of the absolute and the relative path of a log."""
    return one_line(min(log, os.path.relpath(log), key=len)) if log else ""


def clock(seconds: float) -> str:
    """Time of day."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def span(seconds: float) -> str:
    """A duration, in the units of its length."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
