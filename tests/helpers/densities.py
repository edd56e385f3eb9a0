"""Few draws of a model with one factor, and the density of its groups by brute force."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import integrate, stats

from partialpool.model import families

RNG = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "g": np.repeat(["a", "b", "c"], [3, 5, 9]),
        "x": RNG.normal(size=17).round(1),
        "n": RNG.integers(2, 9, 17).astype(float),
        "w": RNG.choice([1.0, 2.0, 0.5], 17),
        "o": RNG.normal(size=17).round(1),
        "se": RNG.uniform(0.5, 2, 17),
        "real": RNG.normal(2, 3, 17),
        "whole": RNG.integers(0, 3, 17).astype(float),
        "share": RNG.uniform(0.02, 0.98, 17),
        "positive": RNG.gamma(2, 1, 17),
        "half": RNG.gamma(2, 1, 17) * (np.arange(17) % 3 > 0),
    }
)
DRAWS = 3
NOBODY = np.zeros((1, 17), dtype=bool)  # is alone in a group


def posterior(parameters, size=1, nu=None) -> xr.Dataset:
    """A few draws of a model with one factor `g`."""
    rng = np.random.default_rng(8)
    shape = (1, DRAWS)
    sd = np.array([1.3, 1e-3, 0.4])[None, :, None] * np.ones(size)
    drawn = {
        "beta": (["coefficient"], rng.normal([0.4, -0.3], 0.2, (*shape, 2))),
        "sd_g": (["g_coefficient"], sd),
        "u_g": (["g", "g_coefficient"], sd[:, :, None] * rng.normal(size=(*shape, 3, size))),
    }
    if size == 2:
        drawn["cor_g"] = (
            ["g_coefficient", "g_coefficient_bis"],
            np.broadcast_to([[1, -0.4], [-0.4, 1]], (*shape, 2, 2)),
        )
    drawn |= {name: ([], rng.uniform(0.8, 1.2, shape) * v) for name, v in parameters.items()}
    if nu:
        drawn["nu_g"] = ([], rng.uniform(0.8, 1.2, shape) * nu)
    return xr.Dataset({name: (("chain", "draw", *dims), v) for name, (dims, v) in drawn.items()})


def brute_force(draws, design, outcome, values, draw: int, group: int) -> float:
    """Log of the integral over u of the density of the rows times that of u."""
    family = families.FAMILIES[outcome.family]
    at = design.factors[0].index == group
    one = draws.isel(chain=0, draw=draw)
    parameters = {n: float(one[n]) for n in family.parameter_names if n in one}
    if outcome.errors:
        parameters["sigma"] = values["standard errors"][at]
    if outcome.precision_weights:
        parameters["sigma"] = parameters["sigma"] / np.sqrt(values["precision weights"][at])
    fixed = (design.select_columns(design.coefficients) @ one["beta"].values)[at]
    fixed = fixed + families.offset(values, len(at))[at]
    varying = design.select_columns(design.factors[0].varying)[at]
    sd = one["sd_g"].values
    scale = np.diag(sd) @ np.linalg.cholesky(one["cor_g"].values if len(sd) > 1 else np.eye(1))
    # In units of its scale, u is N(0, I) or Student-t.
    side = np.linspace(-40, 40, 20_001) if len(sd) == 1 else np.linspace(-9, 9, 361)
    v = np.stack(np.meshgrid(*[side] * len(sd), indexing="ij"))
    zero = np.zeros(len(sd))
    effects = stats.multivariate_normal(zero)
    if "nu_g" in one:
        effects = stats.multivariate_t(zero, df=float(one["nu_g"]))
    at_node = np.moveaxis(v, 0, -1)
    log_density = effects.logpdf(at_node if len(sd) > 1 else at_node[..., 0])
    for i, y in enumerate(design.y[at]):
        eta = fixed[i] + np.tensordot(varying[i] @ scale, v, 1)
        own = {n: p[i] if np.ndim(p) else p for n, p in parameters.items()}
        weight = values["weights"][at][i] if outcome.weights else 1.0
        trials = values["trials"][at][i] if outcome.trials else None
        log_density = log_density + weight * family.log_density(y, eta, own, trials)
    density = np.exp(log_density + 30)
    for _ in sd:
        density = integrate.trapezoid(density, side)
    return np.log(density) - 30
