"""Compile queue: processes compile one at a time, in the order in which they came.

Numba's index of its cache can mix up what two processes write at once, and processes that compile
at once are slow together, so a lock decides who compiles. It goes to any of those who wait for it;
so each process has a ticket besides, a file that is named by the time and locked as long as the
process lives. The system drops the locks of a process that was killed. On a file system without
locks nobody waits.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

LONGEST_WAIT = 600  # seconds in which nobody ahead is done
PAUSE = 0.1  # seconds between two looks
TICKET = ".ticket"
# `progress` shows a line that begins with "waits for" while it is the last of a log.
WAITS = "waits for another fit to compile"


def turns(folder: Path) -> Iterator[bool]:
    """Queue until the iteration ends.

    Parameters
    ----------
    folder : Path
        Where what is compiled is stored, and who waits for it.

    Yields
    ------
    bool
        False when another process is done, so that what is wanted may be there by now; then
        True, once, when this one is to compile.
    """
    with (folder / "partialpool-lock").open("a") as lock, _ticket(folder) as ticket:
        begun, before, moved = time.monotonic(), None, 0.0
        try:
            while (ahead := _ahead(ticket)) or not _locked(lock):
                if before is None:
                    print(WAITS, flush=True)
                if ahead != before:
                    if before is not None:
                        yield False
                    before, moved = ahead, time.monotonic()
                if time.monotonic() > moved + LONGEST_WAIT:
                    break
                time.sleep(PAUSE)
        finally:
            if before is not None:
                seconds = time.monotonic() - begun
                print(f"waited {seconds:.1f} s for other fits to compile", flush=True)
        yield True


@contextmanager
def _ticket(folder: Path) -> Iterator[Path | None]:
    """A place at the end of the queue; None where files cannot be locked."""
    queue = folder / "partialpool-queue"
    ticket = queue / f"{time.time_ns():020d}-{uuid4().hex}{TICKET}"
    hidden = ticket.with_suffix(".new")  # until it is locked
    try:
        queue.mkdir(exist_ok=True)
        stream = hidden.open("w")
    except OSError:
        yield None
        return
    with stream:
        try:
            if locked := _locked(stream, otherwise=False):
                hidden.rename(ticket)
            yield ticket if locked else None
        finally:
            for path in (hidden, ticket):
                path.unlink(missing_ok=True)


def _ahead(ticket: Path | None) -> list[str]:
    """Tickets of the processes that came before this one and are alive."""
    if ticket is None:
        return []
    with suppress(OSError):
        names = [path for path in ticket.parent.iterdir() if path.suffix == TICKET]
        return [path.name for path in sorted(names) if path < ticket and _is_alive(path)]
    return []


def _is_alive(ticket: Path) -> bool:
    """Whether the process of a ticket lives; the ticket of a dead one is removed."""
    try:
        with ticket.open("r+") as stream:
            if not _locked(stream):
                return True
            ticket.unlink(missing_ok=True)
    except OSError:  # it has just gone
        pass
    return False


def _locked(stream, otherwise: bool = True) -> bool:
    """Whether this process has the lock of a file now; `otherwise` where there are no locks."""
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return otherwise
    return True
