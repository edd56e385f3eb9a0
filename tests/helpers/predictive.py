"""Predictive checks of hand-made fits, whose posterior is the truth."""

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.answers import predictive_check
from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.study.outcome import Outcome

SHAPE = (2, 250)
TRUTH = {"sigma": 1.5, "nu": 5.0, "alpha": 3.0, "phi": 8.0, "zi": 0.2, "hu": 0.3}


def table(family: str, seed: int) -> pd.DataFrame:
    """Thirty rows in six groups, and two more columns that cross them."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "g": np.repeat(list("abcdef"), 5),
            "h": np.tile(list("pqrst"), 6),
            "x": rng.normal(50, 20, 30),
            "n": rng.integers(1, 30, 30).astype(float),
            "w": rng.choice([1.0, 2.0], 30),
        }
    )
    u = np.repeat(rng.normal(0, 0.5, 6), 5) + np.tile(rng.normal(0, 0.3, 5), 6)
    eta = 0.3 + 0.02 * (found["x"].to_numpy() - 50) + u
    trials = (
        found["n"].to_numpy().astype(int) if "trials" in families.FAMILIES[family].needs else None
    )
    found["y"] = families.FAMILIES[family].responses(rng, eta, TRUTH, trials).astype(float)
    return found


def checked(rows, outcome, given=None, text="y ~ x + (1 + x | g)", variant="hierarchical", **more):
    """The check of a hand-made fit: its posterior is the truth."""
    design = Formula(text).design(rows)
    values = families.columns(rows, outcome)
    data = compress(design, outcome, values)
    drawn = {"beta": (["c"], [-0.7, 0.02][: len(design.coefficients)])}
    for factor in design.factors:
        name, size = factor.name, len(factor.varying)
        drawn |= {
            f"sd_{name}": ([f"{name}_c"], np.full(size, 0.5)),
            f"cor_{name}": ([f"{name}_c", f"{name}_bis"], np.eye(size)),
            f"u_{name}": ([name, f"{name}_c"], np.zeros((len(factor.levels), size))),
        }
    own = families.family_of(outcome).parameter_names
    drawn |= {name: ([], TRUTH[name]) for name in own}
    posterior = xr.Dataset(
        {
            name: (("chain", "draw", *dims), np.broadcast_to(v, (*SHAPE, *np.shape(v))))
            for name, (dims, v) in drawn.items()
        }
    )
    priors = complete(given or {}, data, more.pop("group_effects", "normal"))
    numbers = rows.index.to_numpy()
    return predictive_check.check(posterior, design, numbers, data, values, priors, variant, seed=1)


OUTCOMES = [
    Outcome(),
    Outcome(sigma="by_group"),
    Outcome(sigma="~ (1 | g)"),
    Outcome(sigma="w"),
    Outcome(sigma="by_group", precision_weights="w"),
    Outcome(family="student_t", weights="w"),
    Outcome(family="bernoulli"),
    Outcome(family="binomial", trials="n"),
    Outcome(family="poisson", exposure="n"),
    Outcome(family="negative_binomial", offset="w"),
    Outcome(family="zero_inflated_poisson", exposure="n"),
    Outcome(family="zero_inflated_negative_binomial", weights="w"),
    Outcome(family="hurdle_poisson", weights="w"),
    Outcome(family="hurdle_negative_binomial", exposure="n"),
    Outcome(family="hurdle_lognormal", offset="w"),
    Outcome(family="hurdle_gamma"),
    Outcome(family="lognormal", weights="w"),
    Outcome(family="gamma", offset="w"),
    Outcome(family="weibull"),
    Outcome(family="exponential", weights="w"),
    Outcome(family="beta", weights="w"),
    Outcome(family="beta_binomial", trials="n"),
]
