"""Write `results/partial.html` after a run that did not finish: what is done, and what is missing.

Imported while the workflow is parsed, so nothing scientific is imported here.

The index is the output of a rule, made only when every study is done, or Snakemake would take
a partial one as up to date. So this page has another name and no rule. It describes the run
that has just ended, and the next run begins by removing it.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from partialpool.run import plan, progress

PAGE = Path("results/partial.html")
SCRIPT = Path(__file__).parents[2] / "partial_page.py"


def remove() -> None:
    """Remove the page of an earlier run; called in a workflow's `onstart`."""
    with suppress(OSError):  # the steps report a folder that cannot be written
        PAGE.unlink(missing_ok=True)


def write(workflow) -> str:
    """Write the page, where it is of use; called in a workflow's `onerror`.

    It is if the run was to make the index and did not, and some studies are done, but not all.
    Snakemake knows which; files alone do not show whether a report is up to date.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        With the jobs it has and has not done, and what
        :func:`partialpool.run.progress.follow` added.

    Returns
    -------
    str
        A line for the terminal, or nothing.
    """
    left = [(job, job.rule.name, job.wildcards_dict) for job in plan.not_done(workflow)]
    index = next((job for job, rule, _ in left if rule == "index"), None)
    undone = {of["study"] for _, rule, of in left if rule == "report"}
    if index is None or not 0 < len(undone) < len(index.params.studies):
        return ""
    unfitted = {(of["study"], of["variant"]) for _, rule, of in left if rule == "fit"}
    missing = {
        name: {"failed": [], "fitted": [], "outdated": os.path.exists(page)}
        for name, page in zip(index.params.studies, index.input.pages, strict=True)
        if name in undone
    }
    for study, variant in index.params.fits:
        if study in missing and (study, variant) not in unfitted:
            missing[study]["fitted"].append(variant)
    for step in progress.failed(workflow):
        if (study := step.wildcards.get("study")) in missing:
            missing[study]["failed"].append(
                {
                    "rule": step.rule,
                    "variant": step.wildcards.get("variant"),
                    "reason": step.reason,
                    "log": step.log
                    and os.path.exists(step.log)
                    and os.path.relpath(step.log, PAGE.parent),
                }
            )
    content = {
        "studies": index.params.studies,
        "fits": index.params.fits,
        "diagnostics": list(index.input.diagnostics),
        "data_reports": list(index.input.data_reports),
        "templates": os.path.dirname(index.input.templates[0]),
        "missing": missing,
        "page": str(PAGE),
    }
    # A process of its own: nothing that writes pages is imported here.
    done = subprocess.run([sys.executable, SCRIPT], input=json.dumps(content), text=True)
    return f"{PAGE} lists what is done, and what is missing.\n" if done.returncode == 0 else ""
