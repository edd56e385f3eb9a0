"""Ten million rows in 1,000 groups: from a CSV of 436 MB to the posterior, all jobs included.

Also from Parquet, as one file and as a folder of parts, and what `fit` alone takes as rows grow
from 10,000 to ten million in as many groups. On two cores, with a warm compile cache.

    python benchmarks/million.py [--rows 10000000] [--repeat 3]
"""

import argparse
import base64
import json
import shutil
import statistics
import tempfile
from datetime import date
from pathlib import Path

import findings
import simulated
from measured import Measured, machine, two_cores
from peers import HERE, STUDY, Place, fit_compressed, snakemake

GROUPS = 1_000
PARTS = 8
POSTERIOR = "hierarchical/posterior.nc"
TABLES = {
    "table.csv": "CSV",
    "table.parquet": "Parquet, one file",
    "parts": f"Parquet, {PARTS} parts",
}


def jobs(folder: Path) -> dict[str, float]:
    """Seconds of each step, which ran once, as Snakemake's own records have them."""
    spans: dict[str, tuple[float, float]] = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file() and base64.urlsafe_b64decode(path.name).startswith(b"results/"):
            record = json.loads(path.read_text())
            # A step with several files has as many records.
            begun, ended = spans.get(record["rule"], (record["starttime"], record["endtime"]))
            spans[record["rule"]] = min(begun, record["starttime"]), max(ended, record["endtime"])
    return {rule: ended - begun for rule, (begun, ended) in spans.items()}


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def done(took: Measured, place: Place) -> Measured:
    """What was measured, of what must have succeeded."""
    if took.failed:
        raise SystemExit(f"{took.failed}\n{(place.out / 'log.txt').read_text()[-3000:]}")
    return took


def require_converged(place: Place, table: str) -> None:
    """Let the workflow judge the posterior, outside of what is timed."""
    done(snakemake(place, "hierarchical/diagnostics.json", table), place)
    verdict = place.out / "results" / STUDY / "hierarchical" / "diagnostics.json"
    if not json.loads(verdict.read_text())["passed"]:
        raise SystemExit(f"from {table}: the fit did not converge\n{verdict.read_text()}")


def pipeline(folder: Path, environment: dict, rows: int, repeat: int) -> list[str]:
    """A table of all jobs, from each kind of file."""
    data = folder / f"{rows}"
    lines = [
        f"| {rows:,} rows × {GROUPS:,} groups from | MB | s | range | largest process, MB | "
        "all together, MB | s of each step |",
        "|---|---|---|---|---|---|---|",
    ]
    for table, name in TABLES.items():
        files = [data / table] if (data / table).is_file() else (data / table).iterdir()
        size = sum(file.stat().st_size for file in files) / 1e6
        took, steps = [], []
        for seed in range(1, repeat + 1):
            place = Place(data, fresh(folder / "out"), environment, 3600, seed)
            took.append(done(snakemake(place, POSTERIOR, table), place))
            steps.append(jobs(place.out))
            require_converged(place, table)
        seconds = [one.seconds for one in took]
        spent = {
            step: statistics.median(one.get(step, 0) for one in steps)
            for step in sorted(steps[0], key=steps[0].get, reverse=True)
        }
        lines.append(
            f"| {name} | {size:.0f} | {statistics.median(seconds):.1f} "
            f"| {min(seconds):.1f} to {max(seconds):.1f} "
            f"| {max(one.process_mb for one in took):,.0f} "
            f"| {max(one.tree_mb for one in took):,.0f} "
            f"| {', '.join(f'{step} {value:.1f}' for step, value in spent.items())} |"
        )
    return lines


def flatness(folder: Path, environment: dict, sizes: list[int], repeat: int) -> list[str]:
    """A table of the fit alone by rows; sizes take turns, so that none has the quiet hour."""
    fits = {rows: [] for rows in sizes}
    places = {
        rows: Place(folder / f"{rows}", fresh(folder / f"fit-{rows}"), environment, 3600, 1)
        for rows in sizes
    }
    for place in places.values():
        done(snakemake(place, "compressed.nc"), place)
    for _ in range(repeat):
        for rows, place in places.items():
            done(fit_compressed(place), place)
            said = json.loads((place.out / "result.json").read_text())
            fits[rows].append(said["fit_seconds"])
    first = statistics.median(fits[sizes[0]])
    lines = [
        f"| rows, in {GROUPS:,} groups | compressed, MB | fit, s | range "
        f"| of that at {sizes[0]:,} |",
        "|---|---|---|---|---|",
    ]
    for rows, seconds in fits.items():
        size = (places[rows].out / f"results/{STUDY}/compressed.nc").stat().st_size / 1e6
        middle = statistics.median(seconds)
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        lines.append(f"| {rows:,} | {size:.2f} | {middle:.2f} | {spread} | {middle / first:.2f} |")
    return lines


def main() -> None:
    """Print both tables; with the sizes that the README speaks of, put them there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--publish", action="store_true", help=f"write them into {HERE.name}/")
    given = parser.parse_args()
    two_cores()
    sizes = [rows for rows in (10**power for power in range(4, 9)) if rows < given.rows]
    with tempfile.TemporaryDirectory(prefix="partialpool-") as name:
        folder = Path(name)
        environment = {
            "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
            "NUMBA_CACHE_DIR": str(folder / "numba"),
        }
        for rows in [*sizes, given.rows]:
            simulated.write(folder / f"{rows}", rows, GROUPS, PARTS if rows == given.rows else 0)
        first = Place(folder / f"{sizes[0]}", fresh(folder / "out"), environment, 3600, 1)
        done(snakemake(first, POSTERIOR), first)  # fills the compile cache
        runs = f"{given.repeat} runs of each, medians"
        lines = [f"{machine()}, {date.today().isoformat()}; {runs}:", ""]
        lines += pipeline(folder, environment, given.rows, given.repeat)
        lines += ["", *flatness(folder, environment, [*sizes, given.rows], given.repeat)]
    text = "\n".join(lines)
    print(text)
    if given.publish:
        findings.publish("million", text)


if __name__ == "__main__":
    main()
