"""A run as Snakemake logs it, whose records and clock are the test's."""

import logging
from dataclasses import dataclass
from types import SimpleNamespace

from partialpool.run import progress
from partialpool.run.progress import Progress


@dataclass(frozen=True)
class Job:
    jobid: int
    group: str

    def uuid(self):
        return f"{self.group}-{self.jobid}"


class Run:
    """A run to be logged record by record."""

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
