"""A user's own folder, small studies to put in it, and Snakemake run on them as a user runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

# Small, but everything is in it: a simulated table and real ones, with groups and without, new
# rows with a group nobody has seen, and a fit that cannot pass, which `strict: false` lets through.
CONFIG = {
    "seed": 7,
    "sampler": {"chains": 4, "draws": 300, "tune": 300, "attempts": 1},
    "convergence": {"max_rhat": 1.05, "min_ess": 100},
    "strict": False,
    "studies": {
        "simulated": {
            "simulate": {
                "groups": 4,
                "rows": 6,
                "predictors": {"x": "normal(0, 1)"},
                "coefficients": {"Intercept": "normal(1, 1)", "x": 2},
                "sigma": 1,
            },
            "formula": "y ~ x + (1 | group)",
            "priors": {"sd": "half_normal(2)"},
            "variants": ["pooled", "hierarchical"],
        },
        "measured": {
            "data": "data/measured.csv",
            "formula": "y ~ x + (1 | site)",
            "variants": ["unpooled", "hierarchical"],
            "new_data": "data/new.csv",
        },
        "hasty": {
            "data": "data/line.csv",
            "formula": "y ~ x",
            "sampler": {"chains": 2, "draws": 10, "tune": 10, "attempts": 2},
        },
    },
}
SITES = ["north", "east", "south", "west", "007"]
TABLES = {
    # Over a megabyte, up to which Snakemake looks at the content rather than the date by default.
    "data/measured.csv": "site,x,y,remark\n"
    + "".join(
        f"{site},{x},{height + 0.5 * x + (-1) ** x * 0.3},{'-' * 50_000}\n"
        for height, site in enumerate(SITES)
        for x in range(5)
    ),
    "data/new.csv": "site,x\nnorth,2\n007,9\nnowhere,2\nnowhere,3\n",
    "data/line.csv": "x,y\n1,1.1\n2,1.9\n3,3.2\n4,3.8\n5,5.3\n6,5.9\n",
}

# One study whose fits take seconds, nearly all of them in the sampler.
SLOW = {
    "seed": 7,
    "strict": False,
    "sampler": {"chains": 2, "draws": 200, "tune": 100_000, "attempts": 1},
    "studies": {
        "slow": {
            "data": "data/measured.csv",
            "formula": "y ~ x + (1 | site)",
            "variants": ["pooled", "hierarchical"],
        },
    },
}


class Workflow:
    """A user's own folder, and the Snakefile it is run with."""

    options = ("--cores", "2")

    def __init__(self, folder: Path, repository: Path = ROOT):
        self.folder, self.repository = folder, repository
        (folder / "config").mkdir(parents=True, exist_ok=True)

    def configure(self, config: dict) -> None:
        """Write config/config.yaml."""
        text = yaml.safe_dump(config, sort_keys=False)
        (self.folder / "config/config.yaml").write_text(text, encoding="utf-8")

    def tables(self, tables: dict[str, str] = TABLES) -> None:
        """Write tables, by path in the folder."""
        for name, text in tables.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what must be in a file of the repository's copy."""
        file = self.repository / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r} to edit"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *arguments: str, fails: bool = False, **environment: str) -> str:
        """Run Snakemake in the folder, from elsewhere; what it said."""
        return self.start(*arguments, **environment).finish(fails)

    def start(self, *arguments: str, **environment: str) -> "Run":
        """Start Snakemake in the folder, from elsewhere."""
        return Run(snakemake(*self._given(), *arguments, cwd="/", **environment))

    def _given(self) -> list:
        places = ["--snakefile", self.repository / "Snakefile", "--directory", self.folder]
        return [*places, *self.options]

    def planned(self) -> set[str]:
        """Jobs that a run would start, such as `fit simulated/pooled`."""
        said = self.run("--dry-run")
        jobs = re.findall(r"^(?:local)?rule (\w+):\n((?: {4}.*\n)+)", said, re.MULTILINE)
        found = set()
        for rule, details in jobs:
            wildcards = re.search(r"wildcards: study=(\w+)(?:, variant=(\w+))?", details)
            of = "/".join(filter(None, wildcards.groups())) if wildcards else ""
            found.add(f"{rule} {of}".strip())
        assert found or "Nothing to be done" in said, said
        return found - {"all"}

    def jobs(self, *arguments: str, **environment: str) -> list[dict]:
        """All jobs of the run that would start, each after those it needs; see `dag.py`."""
        script = Path(__file__).with_name("dag.py")
        run = Run(started_by([script, *self._given(), *arguments], cwd="/", **environment))
        said = run.finish()
        return json.loads(said.rpartition("JOBS: ")[2])

    def sampling(self, variant: str = "hierarchical") -> Callable[[], bool]:
        """Whether a fit of the slow study is in its sampler."""
        log = self.folder / f"results/slow/logs/{variant}_fit.log"
        return lambda: log.exists() and "attempt 1" in log.read_text(encoding="utf-8")

    def results(self, pattern: str) -> set[str]:
        """Files of results/ that match."""
        results = self.folder / "results"
        return {str(path.relative_to(results)) for path in results.glob(pattern)}

    def json(self, path: str):
        """A JSON file of results/."""
        return json.loads((self.folder / "results" / path).read_text(encoding="utf-8"))


def started(said: str) -> list[str]:
    """Rules of the jobs that a run was done with, in order."""
    return re.findall(r"^\[ *\d+/\d+\] [\d:]+  (\w+)", said, re.MULTILINE)


class Run:
    """Snakemake at work, in a process group of its own."""

    def __init__(self, process: subprocess.Popen):
        self.process = process

    def finish(self, fails: bool = False) -> str:
        """Wait for the end; what was said."""
        said, _ = self.process.communicate()
        assert (self.process.returncode != 0) == fails, said
        return said

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until something has come about, while the run goes on."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.finish()
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.1)

    def has_orphans(self) -> bool:
        """Whether something it started is still at work."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


def snakemake(*arguments, cwd, **environment) -> subprocess.Popen:
    """Start Snakemake, whatever its user has set up for it."""
    return started_by(["-m", "snakemake", *arguments], cwd=cwd, **environment)


def started_by(command, cwd, **environment) -> subprocess.Popen:
    """Start Python in a process group of its own."""
    caller = {name: value for name, value in os.environ.items() if "SNAKEMAKE" not in name}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=caller | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell lets what it starts in the background ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
