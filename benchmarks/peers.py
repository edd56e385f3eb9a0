"""Fit the same tables with this project and with its peers, side by side in one run.

For each size one table is simulated, y ~ x + (1 + x | g), and every tool fits that file in a
process of its own, on two cores, with 4 chains of 1000 + 1000 draws and otherwise its own defaults.
Its draws are held against a reference posterior that none of the tools had a hand in.

A tool is left out where a smaller table says it would run over the limit, and stopped where it
does. What earlier runs found of other sizes and tools is kept. Peers in Python run in
benchmarks/.venv, made on first use; lme4 and brms, where R has them.

    python benchmarks/peers.py [--rows 10000 --groups 50] [--tools bambi nutpie] [--cold]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import findings
import importance
import pandas as pd
import simulated
import yaml
from measured import Measured, machine, measure, two_cores

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BY_ROWS = [(1_000, 20), (10_000, 50), (100_000, 500), (1_000_000, 1_000), (10_000_000, 1_000)]
BY_GROUPS = [(100_000, 50), (100_000, 500), (100_000, 5_000), (100_000, 20_000)]
LIMIT = 600  # seconds
STUDY = "bench"
WHOLE, FIT = "partialpool, all jobs", "partialpool, fit"


@dataclass(frozen=True)
class Place:
    """Where one fit happens.

    Attributes
    ----------
    data, out : Path
        The folder of the table, and an empty one for the result.
    environment : dict
        With the tool's own compile cache.
    limit : float
        Seconds.
    seed : int
    """

    data: Path
    out: Path
    environment: dict
    limit: float
    seed: int


@dataclass(frozen=True)
class Tool:
    """A tool: its name in tables, how it is run, and whether it keeps what it compiled."""

    name: str
    run: Callable[[Place], Measured]
    caches: bool = True
    missing: Callable[[], str] = lambda: ""


def snakemake(place: Place, target: str, table: str = "table.csv") -> Measured:
    """Make one file of the study by the workflow, in the folder `out`, from a table in `data`."""
    block = {"data": str(place.data / table), "formula": simulated.FORMULA}
    config = {"seed": place.seed, "studies": {STUDY: block | {"variants": ["hierarchical"]}}}
    (place.out / "config").mkdir(exist_ok=True)
    (place.out / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile"]
    command += [str(ROOT / "Snakefile"), "--directory", str(place.out), f"results/{STUDY}/{target}"]
    return measure(command, place.out, place.environment, place.limit)


def whole(place: Place) -> Measured:
    """All jobs from the CSV to the posterior."""
    took = snakemake(place, "hierarchical/posterior.nc")
    if not took.failed:
        # In a process of its own, so that the package is not imported here.
        script = [sys.executable, str(HERE / "peers" / "written.py"), str(place.out)]
        subprocess.run(script, check=True, env=package(place))
    return took


def compressed(place: Place) -> Measured:
    """The fit alone, as a process of its own, from the compressed table."""
    made = snakemake(place, "compressed.nc")
    return made if made.failed else fit_compressed(place)


def fit_compressed(place: Place) -> Measured:
    """The fit of a table that is compressed already."""
    script = [sys.executable, str(HERE / "peers" / "compressed.py")]
    arguments = [str(place.out / f"results/{STUDY}/compressed.nc"), str(place.out), str(place.seed)]
    return measure([*script, *arguments], place.out, package(place), place.limit)


def package(place: Place) -> dict:
    """The environment of a script that imports the package."""
    return os.environ | place.environment | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}


def script(*command: str) -> Callable[[Place], Measured]:
    """A peer with a script in `peers/`."""

    def run(place: Place) -> Measured:
        interpreter, name, *options = command
        program = [python() if interpreter == "python" else interpreter, str(HERE / "peers" / name)]
        arguments = [str(place.data / "table.csv"), str(place.out), str(place.seed)]
        return measure([*program, *options, *arguments], place.out, place.environment, place.limit)

    return run


@cache
def python() -> str:
    """The interpreter of the peers' environment, which is made if it is not there."""
    folder, wanted = HERE / ".venv", (HERE / "requirements.txt").read_text()
    interpreter, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists() or ready.read_text() != wanted:
        print(f"making {folder}, once", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = ["-m", "pip", "install", "-qq", "-r", str(HERE / "requirements.txt")]
        subprocess.run([str(interpreter), *install], check=True)
        ready.write_text(wanted)
    return str(interpreter)


def needs_r(package: str) -> Callable[[], str]:
    """What is missing to run an R package; empty if nothing is."""

    def missing() -> str:
        if not shutil.which("Rscript"):
            return "R is not installed"
        asked = f"library({package}); library(data.table)"
        found = subprocess.run(["Rscript", "-e", asked], capture_output=True)
        return f"R has no {package} or no data.table" if found.returncode else ""

    return missing


TOOLS = {
    "partialpool": Tool(WHOLE, whole),
    "partialpool-fit": Tool(FIT, compressed),
    "nutpie": Tool("nutpie, row by row", script("python", "rowwise.py", "nutpie")),
    "pymc": Tool("PyMC, row by row", script("python", "rowwise.py", "pymc")),
    "bambi": Tool("Bambi", script("python", "bambi_defaults.py")),
    "brms": Tool("brms", script("Rscript", "brms.R"), False, needs_r("brms")),
    "lme4": Tool("lme4 (point estimate)", script("Rscript", "lme4.R"), False, needs_r("lme4")),
}


def too_long(results: list[dict], name: str, rows: int, groups: int, limit: float) -> str:
    """Why a tool would run over the limit, as its nearest smaller table says; or nothing.

    What its smallest table took is taken for a constant, the rest for linear in rows.
    """

    def size(row: dict) -> tuple[int, int]:
        return row["rows"], row["groups"]

    seen = [row for row in results if row["tool"] == name]
    seen = [row for row in seen if row["cache"] != "cold" or row["note"]]
    smaller = [row for row in seen if row["rows"] <= rows and row["groups"] <= groups]
    if not smaller:
        return ""
    nearest = max(smaller, key=size)
    where = f"at {nearest['rows']:,} × {nearest['groups']:,}"
    if nearest["note"]:
        why = nearest["note"].removeprefix("left out: ")
        return f"left out: {why if ' at ' in why else f'{why} {where}'}"
    constant = min(smaller, key=size)["seconds"]
    expected = constant + (nearest["seconds"] - constant) * rows / nearest["rows"]
    return f"left out: {nearest['seconds']:.0f} s {where}" if expected > limit else ""


def fit(tool: Tool, place: Place, reference: dict) -> dict:
    """Run one tool once, and judge what it found."""
    shutil.rmtree(place.out, ignore_errors=True)
    place.out.mkdir(parents=True)
    took = tool.run(place)
    row = {
        "seconds": took.seconds,
        "process_mb": took.process_mb,
        "tree_mb": took.tree_mb,
        "note": took.failed,
    }
    if took.failed:
        return row
    said = json.loads((place.out / "result.json").read_text())
    # All jobs of the workflow are the fit from rows: it has no shorter part that starts at them.
    said["fit_seconds"] = said["fit_seconds"] or took.seconds
    row |= said | findings.judge(pd.read_csv(place.out / "draws.csv"), reference)
    if "ess" in row:
        row["ess_per_second"] = row["ess"] / row["fit_seconds"]
    return row


def fits(tool: Tool, data: Path, folder: Path, reference: dict, given) -> Iterator[dict]:
    """Run one tool on one table, with an empty cache and then as often as asked for.

    Not again where it failed.
    """
    # PyTensor's flags are separated by commas.
    compiled = folder / "compiled" / re.sub(r"\W+", "-", tool.name)
    environment = {
        # Ours, Bambi's and nutpie's.
        "PYTENSOR_FLAGS": f"base_compiledir={compiled / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(compiled / "numba"),
    }
    place = Place(data, folder / "out", environment, given.limit, 1)
    if tool.caches:
        shutil.rmtree(compiled, ignore_errors=True)
        found = fit(tool, place, reference)
        if given.cold or found["note"]:
            yield {"cache": "cold", "seed": 1, **found}
        if found["note"]:
            return
    for seed in range(1, given.repeat + 1):
        found = fit(tool, replace(place, seed=seed), reference)
        yield {"cache": "warm" if tool.caches else "none", "seed": seed, **found}
        if found["note"]:
            return


def options() -> argparse.Namespace:
    """What was asked for; `sizes` among it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", help="with --groups, sizes to run")
    parser.add_argument("--groups", type=int, nargs="+", help="as many numbers as --rows")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds a tool may run")
    parser.add_argument("--repeat", type=int, default=1, help="fits of each, with other seeds")
    parser.add_argument("--cold", action="store_true", help="tell the first fit of each, too")
    parser.add_argument("--output", type=Path, default=findings.RESULTS)
    given = parser.parse_args()
    if len(given.rows or []) != len(given.groups or []):
        parser.error("--rows and --groups go together, number by number")
    given.sizes = [*BY_ROWS, *(size for size in BY_GROUPS if size not in BY_ROWS)]
    if given.rows:
        given.sizes = list(zip(given.rows, given.groups, strict=True))
    return given


def main() -> None:
    """Run everything; write the results after each fit."""
    given = options()
    two_cores()
    where = {"date": date.today().isoformat(), "machine": machine()}
    results = findings.kept(given.output, given.sizes, [TOOLS[key].name for key in given.tools])
    with tempfile.TemporaryDirectory(prefix="partialpool-") as name:
        folder = Path(name)
        for rows, groups in given.sizes:
            data = folder / f"{rows}x{groups}"
            reference = importance.posterior(simulated.write(data, rows, groups))
            print(f"{rows:,} x {groups:,}: reference ESS {reference['ess']:,.0f}", flush=True)
            for tool in (TOOLS[key] for key in given.tools):
                at = {"rows": rows, "groups": groups, "tool": tool.name}
                note = tool.missing() or too_long(results, tool.name, rows, groups, given.limit)
                left_out = [{"cache": "none", "seed": 0, "note": note}]
                for found in left_out if note else fits(tool, data, folder, reference, given):
                    results.append(at | found | where)
                    pd.DataFrame(results).to_csv(given.output, index=False)
                    print(at, json.dumps(found, default=float), flush=True)
            shutil.rmtree(data)
    text = findings.page(pd.DataFrame(results), [tool.name for tool in TOOLS.values()], FIT, WHOLE)
    print(text)
    if given.output == findings.RESULTS:
        findings.publish("peers", text)


if __name__ == "__main__":
    main()
