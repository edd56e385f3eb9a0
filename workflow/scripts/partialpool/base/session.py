"""State of the current run, stored for its jobs; jobs of an earlier run are rejected.

Imported while the workflow is parsed, so nothing scientific is imported here.

On a cluster each job parses the Snakefile again, perhaps hours after the run was
started, and the config may have been edited since. So a run writes down what it
was started with; its jobs, which know it by a variable of their environment, read
that. A job that outlives its run (Snakemake was killed, and started again) finds
another run's name there, and leaves that run's results alone.
"""

import json
import os
import uuid
from pathlib import Path

from partialpool.base.errors import UserError

FOLDER = Path(".snakemake/partialpool")
RECORD = FOLDER / "run"  # a line with the name of the run, and JSON
NAME = "PARTIALPOOL_RUN"


def begin(**started_with) -> None:
    """Write down what a run was started with, plain values, and name it to its jobs."""
    name = uuid.uuid4().hex
    FOLDER.mkdir(parents=True, exist_ok=True)
    temporary = FOLDER / f"{name}.tmp"
    temporary.write_text(f"{name}\n{json.dumps(started_with)}\n", encoding="utf-8")
    os.replace(temporary, RECORD)
    os.environ[NAME] = name


def require_current() -> None:
    """Check that the run this process belongs to, if any, is the last one of this folder.

    Raises
    ------
    UserError
        If another run has been started here since.
    """
    name = os.environ.get(NAME)
    if name is not None and RECORD.exists():
        with RECORD.open(encoding="utf-8") as record:
            if record.readline().strip() != name:
                raise UserError(
                    "this job belongs to a run that is over, and another has been started in "
                    f"{Path.cwd()} since; its result was dropped"
                )


def place(study: str) -> str:
    """The config file and block of a study, for the messages of a job."""
    record = started_with() or {}
    return record.get("places", {}).get(study, f"config/config.yaml: studies.{study}")


def started_with() -> dict | None:
    """What the run that this process belongs to was started with; None outside of a run.

    Raises
    ------
    UserError
        If another run has been started in this folder since.
    """
    require_current()
    if NAME not in os.environ or not RECORD.exists():
        return None
    return json.loads(RECORD.read_text(encoding="utf-8").partition("\n")[2])
