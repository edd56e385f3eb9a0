"""Processes that compile in a cache folder of their own, and report what they do."""

import os
import subprocess
import sys


class Compiling(subprocess.Popen):
    """A process that compiles, and stays at it if it is told to."""

    def __init__(self, folder, script, *arguments):
        environment = os.environ | {
            "PYTENSOR_FLAGS": f"base_compiledir={folder}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        super().__init__(
            [sys.executable, "-c", script, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        return self.stdout.readline().rstrip()

    def compiles(self) -> bool:
        """Whether it does, once it has looked for what others compiled as often as it may."""
        waited, said = 0.0, "another is done"
        while said == "another is done" or said.startswith("waited "):
            waited = float(said.split()[1]) if said.startswith("waited ") else waited
            said = self.says()
        return said == "compiling" and 0 < waited < 60

    def rest(self) -> list[str]:
        return self.communicate(timeout=60)[0].splitlines()
