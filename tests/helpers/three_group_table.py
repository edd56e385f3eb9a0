"""A small Gaussian table with one factor of three groups."""

import numpy as np
import pandas as pd

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome


def one_group(sigma):
    """Design, compressed data, Cholesky factor of the effects' covariance, and sds of the rows."""
    rng = np.random.default_rng(17)
    table = pd.DataFrame({"g": np.repeat(["a", "b", "c"], [2, 5, 9]), "x": rng.normal(size=16)})
    table["y"] = 1 + table["x"] + rng.normal(size=16)
    table["se"] = rng.uniform(0.5, 2, 16)
    scale = np.array([[0.8, 0.0], [0.3, 0.5]])
    noise = table["se"].to_numpy() if sigma == "se" else np.full(16, 1.3)
    design, outcome = Formula("y ~ x + (1 + x | g)").design(table), Outcome(sigma=sigma)
    data = build.compress(design, outcome, families.columns(table, outcome))
    return design, data, scale, noise
