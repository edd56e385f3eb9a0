"""Simulation-based calibration of structures: does a posterior cover what its priors drew?

Parameters are drawn from fixed priors, a table from them, and the table is fitted; over many
replicates, the rank of each true value among its posterior draws is uniform (Talts et al. 2018,
https://arxiv.org/abs/1804.06788). Reported: the lowest p of a Kolmogorov-Smirnov test over the
quantities of a structure, beside 0.01 divided by how many they are, and failed fits.

    python benchmarks/calibration.py [--only NAME ...] [--replicates 200]
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
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit
from partialpool.model import families, priors
from partialpool.model.priors import Prior, Priors
from partialpool.study.outcome import Outcome

SAMPLER = {"chains": 2, "draws": 1000, "tune": 700, "target_accept": 0.9, "attempts": 2}
APART = 20  # draws between two that are ranked against, which are independent by then


def grouped(groups: int, rows: int, mean: float) -> pd.DataFrame:
    """Rows of groups, with a predictor of this mean."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(groups)], rows)})
    return table.assign(x=rng.normal(mean, 1, len(table)), w=rng.uniform(0.3, 4, len(table)))


def crossed() -> pd.DataFrame:
    """Four groups of one factor by five of another, four rows each."""
    cells = [(f"a{i}", f"b{k}") for i in range(4) for k in range(5) for _ in range(4)]
    table = pd.DataFrame(cells, columns=["a", "b"])
    return table.assign(x=np.random.default_rng(7).normal(2, 1, len(table)))


def split_plot() -> pd.DataFrame:
    """Five blocks with the same three varieties, three rows each."""
    cells = [(f"b{i}", v) for i in range(5) for v in "pqr" for _ in range(3)]
    return pd.DataFrame(cells, columns=["b", "v"])


# Table, formula, outcome, and the factors whose priors hold at the averages of predictors.
STRUCTURES = {
    "no correlation": (grouped(6, 8, 2.0), "y ~ x + (x || g)", {}, ()),
    "no correlation, poisson": (grouped(6, 8, 0.5), "y ~ x + (x || g)", {"family": "poisson"}, ()),
    "two terms, bernoulli": (
        grouped(6, 20, 0.5), "y ~ x + (1 | g) + (0 + x | g)", {"family": "bernoulli"}, ()
    ),
    "repeated label": (split_plot(), "y ~ v + (1 | b/v)", {}, ()),
    "averages": (grouped(6, 8, 5.0), "y ~ x + (1 + x | g)", {}, ("g",)),
    "averages, bernoulli": (
        grouped(6, 20, 3.0), "y ~ x + (1 + x | g)", {"family": "bernoulli"}, ("g",)
    ),
    "averages, crossed": (crossed(), "y ~ x + (1 + x | a) + (1 | b)", {}, ("a",)),
    "precision weights": (
        grouped(6, 8, 1.0), "y ~ x + (1 + x | g)", {"precision_weights": "w"}, ("g",)
    ),
}  # fmt: skip


class Structure:
    """A model with fixed priors: normal(0, 1), half_normal(1) and lkj(2)."""

    def __init__(self, table: pd.DataFrame, formula: str, keys: dict, averages: tuple):
        self.table, self.formula, self.outcome = table, Formula(formula), Outcome(**keys)
        self.averages = averages
        known = self.data(np.arange(len(table)) % 2.0)
        self.design = self.formula.design(table.assign(y=np.arange(len(table)) % 2.0))
        self.priors = Priors(
            beta=dict.fromkeys(known.coefficients, Prior.parse("normal(0, 1)")),
            sd={f.name: dict.fromkeys(f.varying, HALF_NORMAL) for f in known.factors},
            cor={
                f.name: Prior.parse("lkj(2)")
                for f in known.factors
                if any(len(block) > 1 for block in f.blocks)
            },
            response=dict.fromkeys(priors.of_response(self.outcome), HALF_NORMAL),
            at_averages=averages,
            wide={f.name: dict.fromkeys(f.varying, 10.0) for f in known.factors},
        )

    def data(self, y: np.ndarray):
        """What a fit reads of a table with these responses."""
        table = self.table.assign(y=y.astype(float))
        design = self.formula.design(table)
        return build.compress(design, self.outcome, families.columns(table, self.outcome))

    def draw(self, rng) -> tuple[dict, np.ndarray]:
        """True values from the priors, by name, and responses from them."""
        design, truth = self.design, {}
        beta = rng.normal(size=len(design.coefficients))
        truth |= {f"beta[{c}]": b for c, b in zip(design.coefficients, beta, strict=True)}
        eta = design.select_columns(design.coefficients) @ beta
        for factor in design.factors:
            name, size = factor.name, len(factor.varying)
            sd, correlation, basis = np.abs(rng.normal(size=size)), np.eye(size), np.eye(size)
            if name in self.priors.cor:  # of two coefficients lkj(2) is 2 Beta(2, 2) - 1
                correlation[0, 1] = correlation[1, 0] = 2 * rng.beta(2, 2) - 1
            if name in self.averages:
                basis[0, 1] = -self.table["x"].mean()
            covariance = basis @ (sd[:, None] * correlation * sd) @ basis.T
            u = rng.multivariate_normal(np.zeros(size), covariance, len(factor.levels))
            eta = eta + (design.select_columns(factor.varying) * u[factor.index]).sum(axis=1)
            own = np.sqrt(np.diag(covariance))
            for i, column in enumerate(factor.varying):
                truth[f"sd_{name}[{column}]"] = own[i]
                truth[f"u_{name}[{factor.levels[1]}, {column}]"] = u[1, i]
            if name in self.priors.cor:
                pair = ", ".join(factor.varying)
                truth[f"cor_{name}[{pair}]"] = covariance[0, 1] / own.prod()
        parameters = {}
        if families.family_of(self.outcome).has_sigma:
            truth["sigma"] = sigma = abs(rng.normal())
            weights = self.table["w"].to_numpy() if self.outcome.precision_weights else 1.0
            parameters["sigma"] = sigma / np.sqrt(weights)
        family = families.FAMILIES[self.outcome.family]
        return truth, family.responses(rng, eta, parameters, np.ones(len(eta), int))


HALF_NORMAL = Prior.parse("half_normal(1)")


def calibrated(structure: Structure, replicates: int) -> dict:
    """Ranks of true values over replicates, tested."""
    rng, ranks, failed = np.random.default_rng(2026), {}, 0
    priors.complete = lambda *_, **__: structure.priors  # fixed, where defaults follow the data
    for number in range(replicates):
        truth, y = structure.draw(rng)
        while y.min() == y.max() or np.abs(y).max() > 1e4:  # which the data gate refuses
            truth, y = structure.draw(rng)
        with contextlib.redirect_stdout(io.StringIO()):
            tree = fit.fit(structure.data(y), {}, "hierarchical", SAMPLER, number)
        failed += not json.loads(tree.attrs["attempts"])[-1]["passed"]
        posterior = tree["posterior"].to_dataset()
        for name, value in truth.items():
            variable, _, labels = name.partition("[")
            drawn = posterior[variable]
            if labels:
                at = zip(drawn.dims[2:], labels[:-1].split(", "), strict=True)
                drawn = drawn.sel(dict(at))
            drawn = drawn.values.ravel()[::APART]
            rank = ((drawn < value).sum() + rng.uniform()) / (len(drawn) + 1)
            ranks.setdefault(name, []).append(rank)
    p = {name: float(stats.kstest(found, "uniform").pvalue) for name, found in ranks.items()}
    lowest = min(p, key=p.get)
    return {"lowest p": p[lowest], "of": lowest, "limit": 0.01 / len(p), "failed fits": failed}


def main() -> None:
    """Print a line of JSON for each structure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=STRUCTURES, default=STRUCTURES)
    parser.add_argument("--replicates", type=int, default=200)
    arguments = parser.parse_args()
    for name in arguments.only:
        begun = time.perf_counter()
        found = calibrated(Structure(*STRUCTURES[name]), arguments.replicates)
        found |= {"structure": name, "s": round(time.perf_counter() - begun)}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
