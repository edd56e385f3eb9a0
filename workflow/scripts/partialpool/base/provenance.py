"""Provenance of a result: package versions, platform, and commit of the workflow."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("pymc", "pytensor", "nutpie", "numba", "numpy", "arviz-stats", "formulae", "snakemake")


def provenance() -> dict:
    """Collect package versions, platform and workflow commit, as plain values."""
    return {
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "platform": platform.platform(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Read the short commit of the workflow, with `-dirty` if it was edited; None without git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
