"""Time what Snakemake does before and besides any sampling, by the number of studies.

Each is a whole command, in a folder of its own, for simulated studies with three variants:
reading the config and the rules, a dry run of everything, and a run with nothing to do. For the
last, every output is an empty file that `snakemake --touch` has made known.

    python benchmarks/studies.py [--studies 50 200 500 1000 2000] [--finished 500]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
STUDY = {
    "simulate": {
        "groups": 5,
        "rows": 20,
        "predictors": {"x": "normal(0, 1)"},
        "coefficients": {"Intercept": "normal(0, 1)", "x": "normal(1, 1)"},
        "sigma": 1,
    },
    "formula": "y ~ x + (1 + x | group)",
    "priors": {"Intercept": "normal(0, 10)"},
}


def snakemake(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Seconds, peak memory in MB and output of one command, which must succeed."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), *arguments]
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said[-2000:]}")
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return seconds, usage.ru_maxrss / unit, said


def pretend(folder: Path, dry_run: str) -> None:
    """Make every output that a dry run names, empty, and known to Snakemake."""
    for line in re.findall(r"^ +output: (.+)$", dry_run, re.MULTILINE):
        for path in (folder / name for name in line.split(", ")):
            made = path if path.suffix else path / "picture.svg"
            made.parent.mkdir(parents=True, exist_ok=True)
            made.touch()
    snakemake(folder, "--touch", "--quiet", "all")


def measure(count: int, finished: bool) -> None:
    """Rows of the table for one number of studies."""

    def row(what: str, jobs: int | str, seconds: float, memory: float) -> None:
        print(f"| {count} | {what} | {jobs} | {seconds:.1f} | {memory:.0f} |", flush=True)

    with tempfile.TemporaryDirectory(prefix="partialpool-") as name:
        folder = Path(name)
        config = {"studies": {f"study_{number:04d}": STUDY for number in range(count)}}
        (folder / "config").mkdir()
        (folder / "config" / "config.yaml").write_text(yaml.dump(config, Dumper=Plain))
        snakemake(folder, "--list-rules")  # so that no time is the disk's
        row("list the rules", "", *snakemake(folder, "--list-rules")[:2])
        seconds, memory, said = snakemake(folder, "--dry-run")
        row("dry run of all", re.search(r"^total +(\d+)", said, re.MULTILINE)[1], seconds, memory)
        if finished:
            pretend(folder, said)
            seconds, memory, said = snakemake(folder)
            if "Nothing to be done" not in said:
                sys.exit(f"something was left to do:\n{said[:2000]}")
            row("nothing to do", 0, seconds, memory)


class Plain(yaml.SafeDumper):
    """YAML as a person writes it: equal blocks are written out."""

    def ignore_aliases(self, data):
        return True


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, nargs="+", default=[50, 200, 500, 1000, 2000])
    parser.add_argument(
        "--finished", type=int, default=500, help="most studies to time a run with nothing to do of"
    )
    arguments = parser.parse_args()
    print("| studies | what | jobs | seconds | peak memory, MB |\n|---|---|---|---|---|")
    for count in arguments.studies:
        measure(count, finished=count <= arguments.finished)


if __name__ == "__main__":
    main()
