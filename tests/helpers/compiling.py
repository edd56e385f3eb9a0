"""Processes that compile in a cache folder of their own, and report what they do."""

import os
import subprocess
import sys


class Compiling(subprocess.Popen):
    """A process that compiles, and stays at it if it is told to."""

    def __init__(self, folder, script, *arguments, **variables):
        environment = os.environ | {
            "NUMBA_CACHE_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        super().__init__(
            [sys.executable, "-c", script, *map(str, arguments)],
            env=environment | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        return self.stdout.readline().rstrip()

    def rest(self, told: str | None = None) -> list[str]:
        """What it says until it is done, once it has been told to go on."""
        return self.communicate(told, timeout=60)[0].splitlines()
