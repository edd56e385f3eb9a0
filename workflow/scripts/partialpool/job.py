"""One job of a run: its log, its last word, and whether its run still stands.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from partialpool import code, run
from partialpool.errors import UserError

LAST_WORD = "partialpool:"


@contextmanager
def logged(snakemake) -> Iterator[None]:
    """Run one job: everything printed goes to its log, whose last line is for people.

    A :class:`UserError` is one line; anything else is a defect, so its
    traceback comes first. :func:`last_words` finds the lines when the run ends.

    The process ends with the block, without Python's clean-up: taking compiled
    models down object by object takes a second, and the files are written.

    Parameters
    ----------
    snakemake : snakemake.script.Snakemake
        With the log, the rule and, among the parameters, the hash of its code.
    """
    log = Path(str(snakemake.log))
    log.parent.mkdir(parents=True, exist_ok=True)
    line, status = None, 0
    with log.open("w", encoding="utf-8") as stream:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True)  # whoever follows the log sees each line
        try:
            before = _read(snakemake)
            yield
            changed = [name for name, state in _read(snakemake).items() if state != before[name]]
            if changed:
                raise UserError(f"{changed[0]}: was edited while it was being read; run again")
        except KeyboardInterrupt:
            status = 128 + signal.SIGINT
        except UserError as error:
            line = str(error)
        except Exception as error:
            traceback.print_exc(file=stream)
            line = f"{type(error).__name__}: {error} (traceback in {log})"
        if line is not None:
            status = 1
            print(LAST_WORD, " ".join(line.splitlines()), file=stream)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _read(snakemake) -> dict[str, tuple]:
    """State of the files a job reads, if its run and the code of its run still stand.

    Snakemake looks at inputs and parameters when a run starts and when a job ends. What
    was edited in between, and set back perhaps, would leave a result that looks right.
    """
    run.require_current()
    if code.of(snakemake.rule) != snakemake.params.code:
        raise UserError(
            f"the code of {snakemake.rule} was edited while the run was under way; run again, "
            "and what depends on the edit is made anew"
        )
    stats = {str(path): os.stat(path) for path in snakemake.input}
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


def last_words(since: float) -> str:
    """The one line of each job that failed after `since`, in seconds since the epoch."""
    lines = []
    for log in sorted([*Path("results").glob("logs/*.log"), *Path("results").glob("*/logs/*.log")]):
        if log.stat().st_mtime >= since:
            last = log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]
            lines += [f"{last}\n"] if last.startswith(LAST_WORD) else []
    return "".join(lines)
