"""Records of what each result was made from, kept beside the results.

Imported while the workflow is parsed, so nothing scientific is imported here.

Every output has a record, `records/{name}.json` in its own folder: a hash of the parameters
of its rule (the study's block and the code), the checksums of the inputs, and the output's
own checksum. A run compares it with what the output would be made from now (`run/reruns.py`),
also where Snakemake's own records in `.snakemake` are lost; a job compares each input with
its checksum before anything of it is used. The record is removed when a job begins and
written when it has ended, so an output without one is not complete.
"""

import atexit
import hashlib
import json
import os
import shlex
import socket
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from partialpool.base import files, session
from partialpool.base.errors import UserError

RESULTS = Path("results")
CHECKSUM_CACHE = session.FOLDER / "checksums.json"
FOLDER = "records"
CLOCK_SKEW = 10  # seconds that the clocks of a file server and of this machine may differ by


def place(output) -> Path:
    """Path of the record of an output."""
    output = Path(output)
    return output.parent / FOLDER / f"{output.name}.json"


def read(output) -> dict | None:
    """The record of an output, with `params`, `inputs` and `checksum`; None without a valid one."""
    try:
        record = json.loads(place(output).read_bytes())
        return record if record.keys() >= {"params", "inputs", "checksum"} else None
    except (OSError, ValueError, AttributeError):
        return None


def remove(outputs: Iterable) -> None:
    """Remove the records of outputs that are about to be made anew."""
    for output in outputs:
        with suppress(OSError):
            place(output).unlink()


def write(outputs: Iterable, params: Mapping, inputs: Iterable[tuple[str, str]]) -> None:
    """Record what outputs were made from.

    Parameters
    ----------
    outputs : iterable of path
        Files, or folders of files.
    params : mapping
        Parameters of the rule, plain values.
    inputs : iterable of (str, str)
        Path and checksum of each input, in the order of the rule.
    """
    made_from = {"params": digest(params), "inputs": list(inputs)}
    for output in outputs:
        found = made_from | {"checksum": checksum(output)}
        if os.path.isdir(output):
            found["files"] = [str(file.relative_to(output)) for file in _files(Path(output))]
        files.write_json(place(output), found)


def is_incomplete(output, record: Mapping) -> bool:
    """Whether a file of a folder has been deleted since it was written."""
    return not all(os.path.exists(Path(output, name)) for name in record.get("files", ()))


def digest(params: Mapping) -> str:
    """Hash of the parameters of a rule, whatever their order."""
    text = json.dumps(dict(params), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def checksum(path) -> str:
    """SHA-256 of a file, in Snakemake's notation; of a folder, over the names and files in it."""
    if os.path.isdir(path):
        found = hashlib.sha256()
        for file in _files(Path(path)):
            found.update(f"{file.relative_to(path)} {checksum(file)}\n".encode())
    else:
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, "sha256")
    return f"sha256:{found.hexdigest()}"


def _files(folder: Path) -> list[Path]:
    """Files of a folder in order, without Snakemake's time stamp."""
    return sorted(p for p in folder.rglob("*") if p.name[0] != "." and p.is_file())


def verified(path) -> str:
    """The checksum of an input, which is that on record if a rule made it.

    Raises
    ------
    UserError
        If a result is not as it was written: cut off, edited or another file.
    """
    try:
        if problem := dated_ahead(path):
            raise UserError(problem)
        found = checksum(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if is_result(path):
        record = read(path)
        if record is None or record["checksum"] != found:
            reason = "not as it was written" if record else "its record is missing"
            raise UserError(
                f"{path}: damaged ({reason}); delete it and run again: it is made anew, and so is "
                "what came from it"
            )
    return found


def dated_ahead(path) -> str | None:
    """What is wrong with a file dated in the future: whatever is made from it looks older."""
    modified = os.stat(path).st_mtime
    if modified <= time.time() + CLOCK_SKEW:
        return None
    date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(modified))
    return (
        f"{path}: is dated {date}, ahead of the clock of {socket.gethostname()}; set its date "
        f"by `touch {shlex.quote(str(path))}`"
    )


def is_result(path) -> bool:
    """Whether a path is among the results, where only rules write."""
    return Path(os.path.abspath(path)).is_relative_to(RESULTS.absolute())


def state(path) -> list[int]:
    """What changes whenever a file is written; the change time in it cannot be set back."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def cached_checksum(path) -> str | None:
    """The checksum of a file that no rule makes, computed anew when its state has changed.

    None where it cannot be read: the job that reads it says why.
    """
    try:
        now = state(path)
        known = _known().get(str(path))
        if known is None or known[0] != now:
            found = checksum(path) if stat.S_ISREG(os.stat(path).st_mode) else None
            known = _known()[str(path)] = [now, found]
    except OSError:
        return None
    return known[1]


@cache
def _known() -> dict[str, list]:
    """State and checksum by path, as an earlier run left them."""
    return files.read_cache(CHECKSUM_CACHE)


def remember_at_exit() -> None:
    """Keep the checksums of this run for the next; it only saves time."""
    # Snakemake goes back to where it was called before it ends.
    known, place = _known(), CHECKSUM_CACHE.absolute()
    atexit.register(lambda: files.write_cache(place, known))
