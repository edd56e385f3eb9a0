"""Queue of processes that compile: one at a time, first come, first served.

Numba's index of its cache is not safe to write from two processes at once, so a process compiles
only while it holds a lock. Locks are not granted in order, so each process also has a ticket, a
file that is named by the time and locked as long as the process lives. The system releases the
locks of a process that was killed. On a file system without locks no process waits.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

LONGEST_WAIT = 600  # seconds without progress of the processes ahead
PAUSE = 0.1  # seconds between two checks
TICKET = ".ticket"
# `progress` shows a line that begins with "waits for" while it is the last of a log.
WAITS = "waits for another fit to compile"


def turns(folder: Path) -> Iterator[bool]:
    """Wait in the queue, and hold the lock until the iteration ends.

    Parameters
    ----------
    folder : Path
        Folder of the stored code; the lock and the queue are in it.

    Yields
    ------
    bool
        False when another process has finished, so that the code may have been stored; then True,
        once, when it is the turn of this process to compile.
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
    """Take a ticket at the end of the queue; None if files cannot be locked."""
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
    """Tickets of live processes ahead of this one."""
    if ticket is None:
        return []
    with suppress(OSError):
        names = [path for path in ticket.parent.iterdir() if path.suffix == TICKET]
        return [path.name for path in sorted(names) if path < ticket and _is_alive(path)]
    return []


def _is_alive(ticket: Path) -> bool:
    """Whether the process of a ticket is alive; the ticket of a dead one is removed."""
    try:
        with ticket.open("r+") as stream:
            if not _locked(stream):
                return True
            ticket.unlink(missing_ok=True)
    except OSError:  # it has just gone
        pass
    return False


def _locked(stream, otherwise: bool = True) -> bool:
    """Try to lock a file; returns `otherwise` on a file system without locks."""
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return otherwise
    return True
