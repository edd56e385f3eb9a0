"""Run one job: its log, the error message it ends with, and the records of its outputs.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TextIO

from partialpool.base import files, records, session
from partialpool.base.errors import UserError
from partialpool.run import fingerprint

LAST_WORD = "partialpool:"


@contextmanager
def logged(snakemake) -> Iterator[None]:
    """Run one job: check what it is given, write its log, and record what it made.

    Everything printed goes to the job's log, whose last line is for people. A
    :class:`UserError` is one line; anything else is a defect, so its traceback
    comes first. :func:`error_line` finds the line when the job has ended. The process,
    which Snakemake has started for this job alone, ends with the block.

    A job without a log, as `tools/step` starts it, prints on the terminal; exceptions are raised
    as they are, and the process goes on.

    Parameters
    ----------
    snakemake : snakemake.script.Snakemake
        With the log, the rule and, among the parameters, the hash of its code.
    """
    if not snakemake.log:
        with _recorded(snakemake):
            yield
        return
    log = Path(str(snakemake.log))
    line, status = None, 0
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt)
    with _opened(log) as stream:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True)  # whoever follows the log sees each line
        try:
            with _recorded(snakemake):
                yield
        except KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)
            status = 128 + signal.SIGINT
        except UserError as error:
            line = str(error)
        except Exception as error:
            with suppress(OSError):
                traceback.print_exc(file=stream)
            line = (
                compiler_message(error) or f"{type(error).__name__}: {error} (traceback in {log})"
            )
        if line is not None:
            status = 1
            # A full disk takes no more of a log; `error_line` finds that out.
            with suppress(OSError):
                print(LAST_WORD, " ".join(line.splitlines()), file=stream, flush=True)
        _end_process(status)


@contextmanager
def _recorded(snakemake) -> Iterator[None]:
    """Check the inputs of a job before and after it, and record what its outputs are made from."""
    before = _read(snakemake)
    records.remove(snakemake.output)
    inputs = [(str(path), records.verified(path)) for path in snakemake.input]
    yield
    changed = [name for name, state in _read(snakemake).items() if state != before[name]]
    if changed:
        raise UserError(f"{changed[0]}: was edited while it was being read; run again")
    records.write(snakemake.output, dict(snakemake.params.items()), inputs)


def _end_process(status: int) -> NoReturn:
    """End the process without Python's clean-up, once all files are written.

    Taking compiled models down object by object takes a second for each job.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _interrupt(*_) -> None:
    """Raise an interrupt, and once more in a second: a callback from C drops what it raises.

    A compiled function is stored from such a callback, and a fit that was interrupted there
    would go on to its end.
    """
    signal.setitimer(signal.ITIMER_REAL, 1)
    raise KeyboardInterrupt


def _opened(log: Path) -> TextIO:
    """Open a new log, whatever there is of its name; :func:`error_line` says why it cannot be."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        return log.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        sys.exit(f"{LAST_WORD} {log}: cannot be written ({error.strerror})")


def compiler_message(error: BaseException) -> str | None:
    """What to do where PyTensor cannot write what it compiles."""
    modules, trace = set(), error.__traceback__
    while trace:
        modules.add(trace.tb_frame.f_globals.get("__name__", "").partition(".")[0])
        trace = trace.tb_next
    if "pytensor" in modules and (isinstance(error, OSError) or "compiledir" in str(error)):
        return (
            f"PyTensor's compile directory cannot be used ({error}); name a folder that can be "
            "written, as in PYTENSOR_FLAGS=base_compiledir=/tmp/pytensor"
        )
    return None


def _read(snakemake) -> dict[str, list[int]]:
    """State of the files a job reads, if its run and the code of its run still stand.

    Snakemake looks at inputs and parameters when a run starts and when a job ends. What
    was edited in between, and set back perhaps, would leave a result that looks right.
    """
    session.require_current()
    if fingerprint.hash_script(snakemake.rule) != snakemake.params.code:
        raise UserError(
            f"the code of {snakemake.rule} was edited while the run was under way; run again, "
            "and what depends on the edit is made anew"
        )
    try:
        return {str(path): records.state(path) for path in snakemake.input}
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None


def error_line(log, written: bool = True) -> str:
    """The line for people that a failed job left at the end of its log; empty without one.

    Parameters
    ----------
    log : path
    written : bool
        Whether the log is this job's. If not, or if it lacks the line, it may be that nothing
        can be written there, or that Snakemake's folder is gone, and that is what is said.
    """
    last = last_line(log) if written else ""
    if last.startswith(LAST_WORD):
        return last.removeprefix(LAST_WORD).strip()
    if session.NAME in os.environ and not session.RECORD.exists():
        return "the folder .snakemake was removed while the run was under way; run again"
    folder = next(place for place in Path(log).absolute().parents if place.exists())
    error = files.unwritable(folder)
    return f"{log}: cannot be written ({error.strerror or error})" if error else ""


def last_line(log) -> str:
    """The last line of a log; empty where it cannot be read."""
    with suppress(OSError), open(log, "rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 65536))
        return stream.read().decode(errors="replace").rstrip().rpartition("\n")[2]
    return ""
