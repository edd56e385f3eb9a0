"""Fit every family and structure to 2,000 simulated rows in 40 groups, and look for the truth.

Each fit is a process of its own, with the code that `make` compiles, and may try once only.
Reported: its seconds, divergences, the worst R-hat and effective sample size of any quantity, and
of the population-level quantities how many of their 95% intervals hold the true value and how far,
in posterior sds, the worst mean is from it.

    python benchmarks/families.py [--only NAME ...] [--variants hierarchical]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ONE = "y ~ x + (1 + x | group)"
GROUPED = {"groups": 40, "rows": 50}
LINE = {"Intercept": "normal(0.3, 0.8)", "x": "normal(0.5, 0.4)"}
X = {"x": "normal(0, 1)"}
TIME = {"time": "gamma(4, 4)"}
CROSSED = {
    "groups": {"group": 40, "item": 25},
    "rows": 2000,
    "coefficients": {"Intercept": 0.3, "x": 0.5},
    "deviations": {"group": {"Intercept": 0.8, "x": 0.4}, "item": {"Intercept": 0.6}},
    "predictors": X,
}
NESTED = {
    "groups": {"school": 8, "group": 5},
    "rows": 50,
    "coefficients": {"Intercept": 0.3, "x": 0.5},
    "deviations": {"school": {"Intercept": 0.8}, "school:group": {"Intercept": 0.5}},
    "predictors": X,
}
OF_CROSSED = "y ~ x + (1 + x | group) + (1 | item)"
OF_NESTED = "y ~ x + (1 | school/group)"


def studies() -> dict[str, dict]:
    """The blocks of the config, by name."""
    found = {}
    own = {
        "gaussian": ({"sigma": 1}, {}, {}),
        "student_t": ({"sigma": 0.7, "nu": 4}, {}, {}),
        "bernoulli": ({}, {}, {}),
        "binomial": ({}, {"trials": "asked"}, {"asked": 10}),
        "poisson": ({}, {"exposure": "time"}, TIME),
        "negative_binomial": ({"alpha": 2}, {"exposure": "time"}, TIME),
        "zero_inflated_poisson": ({"zi": 0.2}, {"exposure": "time"}, TIME),
        "zero_inflated_negative_binomial": ({"alpha": 2, "zi": 0.2}, {"exposure": "time"}, TIME),
        "hurdle_poisson": ({"hu": 0.3}, {"exposure": "time"}, TIME),
        "hurdle_negative_binomial": ({"alpha": 2, "hu": 0.3}, {"exposure": "time"}, TIME),
        "hurdle_lognormal": ({"sigma": 0.7, "hu": 0.3}, {}, {}),
        "hurdle_gamma": ({"alpha": 3, "hu": 0.3}, {}, {}),
        "lognormal": ({"sigma": 0.7}, {}, {}),
        "gamma": ({"alpha": 3}, {}, {}),
        "weibull": ({"alpha": 1.5}, {}, {}),
        "exponential": ({}, {}, {}),
        "beta": ({"phi": 8}, {}, {}),
        "beta_binomial": ({"phi": 8}, {"trials": "asked"}, {"asked": 10}),
    }
    for family, (truth, keys, columns) in own.items():
        shapes = {
            "one": (ONE, {**GROUPED, "coefficients": LINE, "predictors": X}),
            "crossed": (OF_CROSSED, CROSSED),
            "nested": (OF_NESTED, NESTED),
        }
        for shape, (formula, block) in shapes.items():
            simulate = {**block, **truth, "predictors": {**X, **columns}}
            found[f"{family}_{shape}"] = {
                "simulate": simulate,
                "formula": formula,
                "family": family,
                **keys,
            }
    one = found["gaussian_one"]["simulate"]
    found["gaussian_sigma_by_group"] = {
        "simulate": {**one, "sd_log_sigma": 0.4},
        "formula": ONE,
        "sigma": "~ (1 | group)",
    }
    for family in ("gaussian", "bernoulli"):
        block = found[f"{family}_one"]
        found[f"{family}_student_t_effects"] = {
            **block,
            "simulate": {**block["simulate"], "coefficients": {**LINE, "x": 0.5}},
            "formula": "y ~ x + (1 | group)",
            "group_effects": "student_t",
        }
    return found


FIT = """import json, os, sys
from partialpool.base import files
from partialpool.compress import compressed_file
from partialpool.engine import fit
folder, variant, effects = sys.argv[1:]
data = compressed_file.from_dataset(files.read_netcdf(f"{folder}/compressed.nc"))
sampler = dict(chains=4, draws=1000, tune=1000, target_accept=0.9, attempts=1)
tree = fit.fit(data, {}, variant, sampler, 1, effects)
files.write_netcdf(f"{folder}/{variant}.nc", tree)
os._exit(0)
"""
LOOK = """import json, os, sys
import pandas as pd
from partialpool.base import files
from partialpool.sampler import convergence
folder, variant = sys.argv[1:]
tree = files.read_netcdf(f"{folder}/{variant}.nc")
summary = convergence.summarise(tree["posterior"].to_dataset(), 0.95)
truth = files.read_json(f"{folder}/truth.json")["values"]
known = summary[summary["name"].isin(truth) & ~summary["name"].str.startswith("coef_")]
true = known["name"].map(truth)
print(json.dumps({
    "divergences": int(tree["sample_stats"]["diverging"].sum()),
    "rhat": summary["rhat"].max(),
    "ess": min(summary["ess_bulk"].min(), summary["ess_tail"].min()),
    "known": len(known),
    "covered": int(true.between(known["lower"], known["upper"]).sum()),
    "furthest": float(((known["mean"] - true) / known["sd"]).abs().max()),
}))
os._exit(0)
"""


def run(code: str, *arguments: str) -> tuple[float, str]:
    """Seconds and output of a Python process that must succeed."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT / "workflow" / "scripts",
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - begun, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="names of studies; all without")
    parser.add_argument("--variants", nargs="*", default=["hierarchical"])
    chosen = parser.parse_args()
    blocks = studies()
    names = chosen.only or list(blocks)
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        (folder / "config").mkdir()
        config = {"seed": 20261120, "studies": {name: dict(blocks[name]) for name in names}}
        for block in config["studies"].values():
            # Simulated from normal effects; fitted as Student-t ones.
            block.pop("group_effects", None)
        (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", where, "--cores", "1", "--until", "compress", "--quiet", "all"]
        subprocess.run(command, check=True)
        print("| study | variant | s | divergences | R-hat | ESS | truth covered | furthest |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for name in names:
            results = str(folder / "results" / name)
            for variant in chosen.variants:
                effects = blocks[name].get("group_effects", "normal")
                seconds, _ = run(FIT, results, variant, effects)
                found = json.loads(run(LOOK, results, variant)[1])
                print(
                    f"| {name} | {variant} | {seconds:.1f} | {found['divergences']} | "
                    f"{found['rhat']:.4f} | {found['ess']:.0f} | "
                    f"{found['covered']} of {found['known']} | {found['furthest']:.1f} sd |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
