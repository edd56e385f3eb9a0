"""Plan the jobs of a run, as Snakemake does, and run one of them in this process.

Imported while the workflow is parsed, so nothing scientific is imported here. No other module
reads Snakemake's DAG; `tests/unit/run/test_snakemake.py` says what of it is used here.
"""

import asyncio
import os
import runpy
from collections.abc import Iterable

# `--quiet all` would not be quiet in a dry run.
_PLAN = ("--dry-run", "--quiet", "host", "progress", "rules", "reason")


def not_done(workflow) -> list:
    """Jobs that a run has to do, or has not done yet, each with `rule.name` and `wildcards_dict`.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
    """
    return list(workflow.dag.needrun_jobs())


def made_by_jobs(job) -> set[str]:
    """Inputs of a job that are outputs of other jobs."""
    return {file for files in job.dag.dependencies[job].values() for file in files}


def jobs(arguments: Iterable) -> dict:
    """Plan a run and start nothing: its jobs, each after those it needs, and whether it has to run.

    Parameters
    ----------
    arguments : iterable
        Of Snakemake's command line, so that profiles and configs mean what they mean there.

    Returns
    -------
    dict of snakemake.jobs.Job to bool

    Raises
    ------
    SystemExit
        If there is no such plan; Snakemake has said why.
    """
    from snakemake import api, cli

    found, execute = {}, api.DAGApi.execute_workflow

    def execute_and_keep(self, *positional, **named):
        execute(self, *positional, **named)
        dag = self.workflow_api._workflow.dag
        found.update((job, dag.needrun(job)) for level in dag.toposorted() for job in level)

    # Snakemake's API has no function that returns the jobs of a plan.
    api.DAGApi.execute_workflow = execute_and_keep
    try:
        parser, options = cli.parse_args([*_PLAN, *map(str, arguments)])
        if not cli.args_to_api(options, parser):
            raise SystemExit(1)
    finally:
        api.DAGApi.execute_workflow = execute
    return found


def folder(job) -> str:
    """The folder that the paths of a job are relative to."""
    workflow = job.rule.workflow
    return workflow.overwrite_workdir or workflow.workdir_init


def run_here(job) -> None:
    """Run the script of a job in this process, with what Snakemake would give it but its log.

    What it prints is on the terminal, its exceptions are raised as they are, and its outputs
    have records, so the next run takes them as done.

    Parameters
    ----------
    job : snakemake.jobs.Job
        From :func:`jobs`.

    Raises
    ------
    SystemExit
        If one of its inputs has not been made.
    """
    from snakemake.iocontainers import Log, Snakemake

    os.chdir(folder(job))
    if missing := [path for path in job.input if not os.path.exists(path)]:
        raise SystemExit(f"its inputs come first: snakemake {' '.join(missing)}")
    asyncio.run(job.prepare())  # removes its outputs, as before every job
    script = job.rule.basedir.join(job.rule.script).get_path_or_uri(secret_free=True)
    given = Snakemake(
        job.input,
        job.output,
        job.params,
        job.wildcards,
        job.threads,
        job.resources,
        Log(),
        job.rule.workflow.config,
        job.rule.name,
        bench_iteration=None,
    )
    runpy.run_path(script, {"snakemake": given}, run_name="__main__")
