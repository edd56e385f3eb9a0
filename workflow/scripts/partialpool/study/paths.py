"""Check the paths in a config: they can be read, and a run does not overwrite them.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from partialpool.base import files, records, session
from partialpool.base.errors import UserError, error_text, nearest

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_OF_PROCESS = re.compile(r"/dev/(std(in|out|err)$|fd/)|/proc/")
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def require(path: str | None, where: str) -> None:
    """Check that a file, or folder of Parquet parts, can be read and is none of the results.

    Parameters
    ----------
    path : str or None
    where : str
        The key of the config, for the message.

    Raises
    ------
    UserError
        With the problem, and the nearest file in the folder if there is none of that name.
    """
    if path is None:
        return
    if problem := unusable(path):
        raise UserError(f"{where}: {problem}")
    parts = files.parts(path)
    if not parts:
        raise UserError(f"{where}: folder {path!r} has no .parquet files")
    for part in parts:
        problem = unusable(part) if part != path else None
        if problem := problem or records.dated_ahead(part):
            raise UserError(f"{where}: {problem}")


def require_results(variants: Mapping[str, Iterable[str]] | None = None) -> None:
    """Check that no file is in the place of a folder of the run: Snakemake's, or for results.

    Parameters
    ----------
    variants : mapping of str to iterable of str
        Variants by study.

    Raises
    ------
    UserError
        With the path of the file or broken link.
    """
    for place in _folders_of_run(variants or {}):
        if place.is_symlink() and not place.exists():
            raise UserError(f"{place}: is a link to {os.readlink(place)!r}, which does not exist")
        if place.exists() and not place.is_dir():
            raise UserError(f"{place}: is a file, where a folder goes; move it away")


def _folders_of_run(variants: Mapping[str, Iterable[str]]) -> Iterator[Path]:
    """Folders that steps write to, parents first."""
    inner = (records.FOLDER, "logs")
    yield from (session.FOLDER.parent, session.FOLDER, records.RESULTS)
    yield from (records.RESULTS / name for name in inner)
    for study, own in variants.items():
        place = records.RESULTS / study
        yield place
        yield from (place / name for name in (*inner, "figures", "parts"))
        for variant in own:
            yield from (place / variant, place / variant / records.FOLDER)


def require_writable() -> None:
    """Check that the folder for the results can be written; called when a run starts.

    Raises
    ------
    UserError
        With the reason.
    """
    place = records.RESULTS
    error = files.unwritable(place if place.exists() else Path(), size=1)
    if error:
        raise UserError(
            f"{place}: cannot be written ({error.strerror or error}); work in a folder of yours, "
            "named by --directory"
        )


def unusable(path: str) -> str | None:
    """Why a path cannot be read, in one line for users; None if it can."""
    shown = repr(path)
    if len(shown) > 200:
        shown = f"{shown[:97]}...{shown[-97:]}"
    if _ADDRESS.match(path):
        return f"{shown} is an address, not a file; download it and give the path"
    if path.startswith("~"):
        return f"{shown}: ~ has no meaning here; write {os.path.expanduser(path)!r}"
    if not path.isprintable():
        return f"the name {shown} has characters that cannot be printed; rename the file"
    if set(path) & set("{}"):
        return f"the name {shown} has braces, which stand for wildcards here; rename the file"
    if is_ours(path):
        return (
            f"{shown} is among the results, which a run deletes and makes anew; copy it to a "
            "folder of your own"
        )
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            return f"{shown} is a link to {os.readlink(path)!r}, which does not exist"
        return error_text(f"no file {shown}{_nearest(path)}")
    except (OSError, ValueError) as error:
        return f"{shown} cannot be read ({getattr(error, 'strerror', None) or error})"
    for is_kind, kind in _KINDS:
        if is_kind(status.st_mode):
            return f"{shown} is {kind}, not a file; save what comes from it as a file"
    if _OF_PROCESS.match(os.path.abspath(path)):
        return f"{shown} is another file to each step; save what comes from it as a file"
    if stat.S_ISDIR(status.st_mode) and Path.cwd().is_relative_to(os.path.realpath(path)):
        return f"folder {shown} has the results in it; keep the tables in a folder of their own"
    if not os.access(path, os.R_OK):
        return f"{shown} cannot be read (Permission denied); chmod u+r makes it readable"
    return None


def is_ours(path: str) -> bool:
    """Whether a path is among the results, by name or by any link."""
    if records.is_result(path):
        return True
    resolved = Path(os.path.realpath(path))
    above = set(map(_identity, (resolved, *resolved.parents)))
    return not above.isdisjoint(_ours(Path.cwd()))


@cache
def _ours(here: Path) -> frozenset[tuple[int, int]]:
    """Folders of results, by device and inode; also the targets of links among them."""
    found, waiting = [here / records.RESULTS], [here / records.RESULTS]
    for _ in range(2):  # results/{study}/{variant}
        linked = [Path(entry) for folder in waiting for entry in _folders(folder)]
        found += [folder for folder in linked if folder.is_symlink()]
        waiting = linked
    return frozenset(filter(None, map(_identity, found)))


def _folders(folder: Path) -> Iterable[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.is_dir()]
    except OSError:
        return []


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


@error_text
def _nearest(path: str) -> str:
    """The nearest file of the same folder, for a message."""
    folder = Path(path).parent
    try:
        return nearest(path, (str(sibling) for sibling in folder.iterdir() if sibling.exists()))
    except (OSError, ValueError):
        return "" if folder.is_dir() else f"; no folder {str(folder)!r}"
