"""Fit healthy but hard posteriors at default settings: which pass, and after how many attempts.

Very unbalanced groups (10,000 rows, 30, 2 and 1) and small crossed factors with slopes, ten
structures with four seeds each: data and draws differ. At most one of the forty should fail.

    python benchmarks/hard_posteriors.py [--only NAME ...] [--seeds 1 2 3 4]
"""

import argparse
import contextlib
import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit
from partialpool.study.outcome import Outcome

DEFAULT = {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.9, "attempts": 3}
SIZES = {"b": 10_000, "d": 30, "c": 2, "a": 1}
SLOPES, BOTH = "y ~ x + (x | a) + (1 | b)", "y ~ x + (x | a) + (x | b)"


def responses(rng, family: str, eta: np.ndarray) -> np.ndarray:
    """One response for each linear predictor."""
    return {
        "gaussian": lambda: eta + rng.normal(size=len(eta)),
        "student_t": lambda: eta + rng.standard_t(4, len(eta)),
        "bernoulli": lambda: rng.binomial(1, special.expit(eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
    }[family]()


def unbalanced(family: str, seed: int) -> pd.DataFrame:
    """Four groups of very different sizes, whose intercepts vary."""
    rng = np.random.default_rng(seed)
    group = np.repeat(list(SIZES), list(SIZES.values()))
    x = rng.integers(0, 3, len(group)).astype(float)
    u = dict(zip(SIZES, rng.normal(0, 0.5, len(SIZES)), strict=True))
    eta = 0.3 * x + pd.Series(group).map(u).to_numpy()
    return pd.DataFrame({"g": group, "x": x, "y": responses(rng, family, eta)})


def crossed(family: str, seed: int, a: int, b: int, rows: int) -> pd.DataFrame:
    """Two crossed factors, with as many rows in each cell; slopes vary by the first."""
    rng = np.random.default_rng(seed)
    cells = [(i, k) for i in range(a) for k in range(b) for _ in range(rows)]
    table = pd.DataFrame(cells, columns=["a", "b"]).assign(x=rng.normal(size=len(cells)))
    level = rng.normal(0, 0.8, a)[table["a"]] + rng.normal(0, 0.5, b)[table["b"]]
    slope = 0.5 + rng.normal(0, 0.4, a)[table["a"]]
    table["y"] = responses(rng, family, 0.3 + level + slope * table["x"].to_numpy())
    return table.astype({"a": str, "b": str})


STRUCTURES = {
    "unbalanced, intercepts, bernoulli": ("bernoulli", "y ~ x + (1 | g)", unbalanced, ()),
    "unbalanced, slopes, bernoulli": ("bernoulli", "y ~ x + (x | g)", unbalanced, ()),
    "unbalanced, slopes, gaussian": ("gaussian", "y ~ x + (x | g)", unbalanced, ()),
    "unbalanced, slopes, poisson": ("poisson", "y ~ x + (x | g)", unbalanced, ()),
    "crossed 3 x 4, gaussian": ("gaussian", SLOPES, crossed, (3, 4, 6)),
    "crossed 5 x 5, gaussian": ("gaussian", SLOPES, crossed, (5, 5, 3)),
    "crossed 3 x 3, slopes by both, gaussian": ("gaussian", BOTH, crossed, (3, 3, 8)),
    "crossed 4 x 5, bernoulli": ("bernoulli", SLOPES, crossed, (4, 5, 12)),
    "crossed 4 x 4, poisson": ("poisson", SLOPES, crossed, (4, 4, 5)),
    "crossed 4 x 4, student_t": ("student_t", SLOPES, crossed, (4, 4, 6)),
}


def main() -> None:
    """Print a line of JSON for each fit, and how many failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=STRUCTURES, default=STRUCTURES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4])
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.only:
        family, formula, make, shape = STRUCTURES[name]
        for seed in arguments.seeds:
            design = Formula(formula).design(make(family, seed, *shape))
            data = build.compress(design, Outcome(family), {})
            begun = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                tree = fit.fit(data, {}, "hierarchical", DEFAULT, seed)
            attempts = json.loads(tree.attrs["attempts"])
            found = {"structure": name, "seed": seed, "passed": attempts[-1]["passed"]}
            found |= {"attempts": len(attempts), "s": round(time.perf_counter() - begun, 1)}
            found["gradients a draw"] = round(float(tree["sample_stats"]["n_steps"].mean()), 1)
            found["failed"] = [c["name"] for c in attempts[-1]["failed"]]
            failed += not found["passed"]
            print(json.dumps(found), flush=True)
    print(f"{failed} of {len(arguments.only) * len(arguments.seeds)} failed")


if __name__ == "__main__":
    main()
