"""One command and everything it starts: how long it takes, and how much memory."""

import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL = 0.25  # seconds between two looks at memory
MB = 1e6


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    seconds : float
        From its start to its end.
    process_mb : float
        Peak resident memory of its largest process.
    tree_mb : float
        Peak memory of it and all it started together, where pages that processes share count
        once; looked at four times a second, so at least that of the largest process.
    failed : str
        Why it did not succeed, empty if it did.
    """

    seconds: float
    process_mb: float
    tree_mb: float
    failed: str


def measure(
    command: list[str], folder: Path, environment: dict | None = None, limit: float = 3600
) -> Measured:
    """Run a command in a folder, output in its `log.txt`; after `limit` seconds it is killed."""
    log = folder / "log.txt"
    largest = together = 0.0
    failed = ""
    with log.open("w") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if time.perf_counter() - begun > limit:
                    failed = f"stopped after {limit:.0f} s"
                    break
                one, all_ = _memory(process.pid)
                largest, together = max(largest, one), max(together, all_)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(INTERVAL)
            seconds = time.perf_counter() - begun
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode and not failed:
        said = log.read_text(errors="replace").strip()
        print(said[-3000:], file=sys.stderr)
        failed = f"failed: {said.rpartition('\n')[2]}"
    return Measured(seconds, largest, max(largest, together), failed)


def _memory(pid: int) -> tuple[float, float]:
    """Peak of the largest process so far, and what all take together now, in MB."""
    largest = together = 0.0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            # One that has just ended has no memory left to look at.
            with suppress(psutil.Error, OSError, StopIteration):
                together += process.memory_full_info().pss / MB
                status = Path(f"/proc/{process.pid}/status").read_text().split("\n")
                peak = next(line for line in status if line.startswith("VmHWM"))
                largest = max(largest, int(peak.split()[1]) * 1024 / MB)
    return largest, together


def two_cores() -> None:
    """Keep this process, and all it will start, on two cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def machine() -> str:
    """What this was measured on, in a line."""
    info = Path("/proc/cpuinfo").read_text().split("\n")
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), "")
    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{cores} cores of {model or 'an unnamed processor'}, {memory:.0f} GiB, {system}"
