"""Time the whole pipeline as a user meets it, in a folder of its own.

Measures, each as a command from outside: the default run with an empty and with a
warm compile cache, a run with nothing to do against an empty workflow, and one
hierarchical fit of 10,000 rows in 50 groups with varying intercept and slope.

    python benchmarks/pipeline.py [--cores 2] [--repeat 3]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
WIDE = {
    "studies": {
        "wide": {
            "simulate": {
                "groups": 50,
                "rows": 200,
                "predictors": {"x": "normal(0, 1)"},
                "coefficients": {"Intercept": "normal(1, 1)", "x": "normal(2, 0.5)"},
                "sigma": 1,
            },
            "formula": "y ~ x + (1 + x | group)",
            "variants": ["hierarchical"],
        }
    }
}
# To compare parameters, Snakemake imports pandas.
EMPTY = {
    "an empty workflow": "rule all:\n    output: 'x'\n    shell: 'touch x'\n",
    "one rule with one parameter": (
        "rule all:\n    output: 'x'\n    params: a=1\n    shell: 'touch x'\n"
    ),
}
# Each ends as a job does, without Python's clean-up.
IMPORTS = """import os
from partialpool.base import files
from partialpool.engine import fit
import nutpie, netCDF4
"""
FIT = f"""{IMPORTS}
from partialpool.compress.group_triangles import GroupTriangles
data = GroupTriangles.from_dataset(files.read_netcdf("results/wide/compressed.nc"))
sampler = dict(chains=4, draws=1000, tune=1000, target_accept=0.9, attempts=3)
files.write_netcdf("posterior.nc", fit.fit(data, {{}}, "hierarchical", sampler, 1))
os._exit(0)
"""


def seconds(command: list[str], folder: Path, environment: dict) -> float:
    """Wall time of a command that must succeed."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - begun


def line(what: str, times: list[float], limit: str) -> None:
    """One row of the table."""
    spread = f"{min(times):.1f} to {max(times):.1f}" if len(times) > 1 else ""
    print(f"| {what} | {statistics.median(times):.1f} | {spread} | {limit} |", flush=True)


def main() -> None:
    """Run everything and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="2")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="partialpool-"))
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(folder / "compiled"),
        "PYTHONPATH": str(ROOT / "workflow" / "scripts"),
    }
    (folder / "config").mkdir()
    shutil.copytree(ROOT / "data", folder / "data")
    shutil.copy(ROOT / "config" / "config.yaml", folder / "config" / "config.yaml")
    base = [sys.executable, "-m", "snakemake", "--cores", arguments.cores]
    run = [*base, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]

    print("| what | median s | range | at most |\n|---|---|---|---|")
    line("default run, empty compile cache", [seconds(run, folder, environment)], "240")
    warm = []
    for _ in range(arguments.repeat):
        shutil.rmtree(folder / "results")
        warm.append(seconds(run, folder, environment))
    line("default run, warm compile cache", warm, "120")

    line("nothing to do", [seconds(run, folder, environment) for _ in range(5)], "")
    for name, rule in EMPTY.items():
        empty = folder / name.replace(" ", "-")
        empty.mkdir()
        (empty / "Snakefile").write_text(rule)
        seconds(base, empty, environment)
        pairs = [
            (seconds(run, folder, environment), seconds(base, empty, environment))
            for _ in range(2 * arguments.repeat)
        ]
        line(f"nothing to do in {name}", [b for _, b in pairs], "")
        line("the ratio to that, pair by pair", [a / b for a, b in pairs], "1.3")

    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(WIDE))
    posterior = "results/wide/hierarchical/posterior.nc"
    seconds([*run, "results/wide/compressed.nc"], folder, environment)
    seconds([*run, posterior], folder, environment)
    jobs = []
    for _ in range(arguments.repeat):
        (folder / posterior).unlink()
        jobs.append(seconds([*run, posterior], folder, environment))
    line("`fit` of 10,000 rows x 50 groups, Snakemake's start included", jobs, "")
    pairs = [
        (
            seconds([sys.executable, "-c", FIT], folder, environment),
            seconds([sys.executable, "-c", f"{IMPORTS}os._exit(0)"], folder, environment),
        )
        for _ in range(arguments.repeat)
    ]
    line("the same fit as a process of its own", [a for a, _ in pairs], "12")
    line("of which interpreter and imports", [b for _, b in pairs], "")
    line("of which neither", [a - b for a, b in pairs], "4")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
