"""The jobs of a run are those Snakemake plans, and one of them runs in this process."""

import json
import subprocess
import sys

import pytest

from partialpool.run import fingerprint

SNAKEFILE = """
rule all:
    input: "last.txt"

rule first:
    output: "first.txt"
    params: number=7
    script: "step.py"

rule last:
    input: "first.txt"
    output: "last.txt"
    shell: "cp {input} {output}"
"""
STEP = "open(snakemake.output[0], 'w').write(f'{snakemake.rule} {snakemake.params.number}')\n"
PLANNED = """
import json, sys
from partialpool.run import plan
jobs = plan.jobs(sys.argv[1:])
by_name = {job.rule.name: job for job in jobs}
said = {
    "order": [job.rule.name for job in jobs],
    "needed": {job.rule.name: needed for job, needed in jobs.items()},
    "made": sorted(plan.made_by_jobs(by_name["last"])),
    "folder": str(plan.folder(by_name["last"])),
}
print("JOBS:", json.dumps(said))
"""
HERE = """
import sys
from partialpool.run import plan
*_, job = plan.jobs(sys.argv[1:])
plan.run_here(job)
"""


@pytest.fixture
def folder(tmp_path):
    """A workflow of two steps."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    (tmp_path / "step.py").write_text(STEP, encoding="utf-8")
    return tmp_path


def python(code: str, folder, *targets, fails=False) -> str:
    """Run code in a process of its own: a plan changes the state of Snakemake's modules."""
    arguments = ["--snakefile", folder / "Snakefile", "--directory", folder, *targets]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(fingerprint.SCRIPTS), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def planned(folder) -> dict:
    lines = python(PLANNED, folder).splitlines()
    line = next(line for line in lines if line.startswith("JOBS: "))
    return json.loads(line.removeprefix("JOBS: "))


def test_a_plan_has_every_job_after_those_it_needs_and_starts_none(folder):
    found = planned(folder)
    assert found["order"] == ["first", "last", "all"]
    assert found["needed"] == {"first": True, "last": True, "all": True}
    assert found["made"] == ["first.txt"]
    assert found["folder"] == str(folder)
    assert not (folder / "first.txt").exists()


def test_one_job_runs_with_what_snakemake_would_give_it(folder):
    python(HERE, folder, "first.txt")
    assert (folder / "first.txt").read_text() == "first 7"
    assert not (folder / "last.txt").exists()


def test_a_job_whose_inputs_are_not_there_names_them(folder):
    said = python(HERE, folder, "last.txt", fails=True)
    assert "its inputs come first: snakemake first.txt" in said
