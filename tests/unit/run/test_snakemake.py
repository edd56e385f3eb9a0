"""What is used of Snakemake's insides, and in which module: a newer Snakemake may lack it."""

import inspect
import re

import pytest
import snakemake.api  # first: its modules import each other
import snakemake.cli
import snakemake.iocontainers
import snakemake.jobs
import snakemake.logging
import snakemake.scheduling.job_scheduler
import snakemake.workflow
from running import ROOT
from snakemake.dag import DAG
from snakemake.persistence import ParamsChange
from snakemake.persistence.file import FilePersistence
from snakemake_interface_logger_plugins.common import LogEvent

from partialpool.run import progress, reruns

PERSISTENCE = [name for name, one in vars(reruns.Persistence).items() if inspect.isfunction(one)]
PERSISTENCE.remove("_checksums")  # of its own
EVENTS = ("job_info", "job_finished", "job_error", "group_info", "group_error", "error")
# Messages that have no event, and where they come from.
MESSAGES = {
    "Trying to restart job ": snakemake.scheduling.job_scheduler,
    "Terminating processes on user request": snakemake.scheduling.job_scheduler,
    "completed successfully, but some output files are missing": snakemake.exceptions,
    "Select jobs to execute...": snakemake.scheduling.job_scheduler,
    "print_progress": snakemake.scheduling.job_scheduler,
    "DefaultStreamHandler": snakemake.logging,
}
INSIDES = {
    "plan.py": r"\.dag\b|needrun|DAGApi",
    "progress.py": r"logger_manager|print_progress|DefaultStreamHandler",
    "reruns.py": r"FilePersistence|ParamsChange",
}


@pytest.mark.parametrize("name", PERSISTENCE)
def test_questions_of_reruns_are_still_asked(name):
    theirs = getattr(FilePersistence, name, None)
    assert theirs, (
        f"Snakemake's FilePersistence no longer has {name}(), which run/reruns.py answers"
    )
    assert asked(theirs) == asked(getattr(reruns.Persistence, name)), (
        f"Snakemake's FilePersistence.{name}() has other parameters than run/reruns.py answers to"
    )


def asked(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_answers_of_reruns_are_still_understood():
    assert hasattr(snakemake.workflow, "FilePersistence"), (
        "Snakemake's Workflow no longer takes its FilePersistence from its own module, where "
        "run/reruns.py puts another"
    )
    change = ParamsChange(only_old={"a"}, only_new={"b"}, files={"c"})
    assert change, "Snakemake's ParamsChange no longer counts as a change"


@pytest.mark.parametrize("event", EVENTS)
def test_events_of_the_log_are_still_logged(event):
    assert callable(getattr(progress.Progress, f"_{event}"))
    assert event in {*LogEvent}, (
        f"Snakemake no longer logs {event}, from which run/progress.py counts"
    )


@pytest.mark.parametrize("text", MESSAGES)
def test_messages_of_the_log_are_still_worded_so(text):
    assert text in inspect.getsource(MESSAGES[text]), (
        f"Snakemake no longer has {text!r}, by which run/progress.py knows what happens"
    )


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (DAG, ("needrun", "needrun_jobs", "toposorted")),
        (snakemake.api.DAGApi, ("execute_workflow",)),
        (snakemake.cli, ("parse_args", "args_to_api")),
        (snakemake.jobs.Job, ("prepare", "is_norun", "params", "resources", "wildcards_dict")),
        (snakemake.workflow.Workflow, ("overwrite_workdir", "workdir_init", "is_main_process")),
    ],
)
def test_plans_can_still_be_read(owner, names):
    for name in names:
        assert hasattr(owner, name), f"Snakemake's {owner.__name__} no longer has {name}"


def test_a_script_is_still_given_the_same():
    expected = ["input_", "output", "params", "wildcards", "threads", "resources", "log", "config"]
    expected += ["rulename", "bench_iteration"]
    found = asked(snakemake.iocontainers.Snakemake)
    assert found[: len(expected)] == expected, (
        "Snakemake gives other things to a script than run/plan.py, which stands in for it"
    )


@pytest.mark.parametrize("module", INSIDES)
def test_insides_are_used_in_one_module(module):
    pattern = re.compile(INSIDES[module])
    sources = [ROOT / "Snakefile", *ROOT.glob("workflow/rules/*"), *ROOT.glob("tools/*")]
    sources += ROOT.glob("workflow/scripts/**/*.py")
    used = {path.name for path in sources if pattern.search(path.read_text(encoding="utf-8"))}
    assert used == {module}
