"""A real Slurm on this machine, and folders to run the workflow in on it."""

import os
import subprocess
from pathlib import Path

from running import SLOW, Workflow

HERE = Path(__file__).parents[1] / "cluster"
DIR = Path(os.environ.get("SLURM_TEST_DIR") or f"{os.environ.get('TMPDIR', '/tmp')}/slurm-test")
# As a user would, but for the patience: the nodes are processes of this machine.
PATIENCE = ["--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "5"]

# Slurm's commands, and what they set off, take seconds: a fit must not be over before.
SLOWER = SLOW | {"sampler": SLOW["sampler"] | {"tune": 200_000, "target_accept": 0.999}}


class Slurm:
    """The cluster, as its own commands see it."""

    def nodes(self, *arguments: str) -> None:
        """`up` again, or `crash` one."""
        subprocess.run([HERE / "slurm", *arguments], check=True)

    def say(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def jobs(self, folder: Path) -> list[dict]:
        """All jobs ever submitted from a folder, in order."""
        listed = self.say("squeue", "--states=all", "-h", "-o", "%A|%T|%N|%k|%Z")
        rows = (line.split("|") for line in listed.splitlines())
        keys = ("id", "state", "node", "what", "folder")
        jobs = (dict(zip(keys, row, strict=True)) for row in rows)
        return sorted(
            (job for job in jobs if job["folder"] == str(folder)), key=lambda job: int(job["id"])
        )

    def fits(self, folder: Path) -> list[dict]:
        """Those that are fits."""
        return [job for job in self.jobs(folder) if job["what"].startswith("rule_fit")]


def on_slurm(folder: Path) -> Workflow:
    """A user's folder, run on the cluster."""
    workflow = Workflow(folder)
    profile = workflow.repository / "profiles/slurm"
    workflow.options = ("--workflow-profile", profile, *PATIENCE)
    return workflow
