"""The model row by row, as textbooks and PyMC's own examples write it.

Varying intercepts and slopes, non-centred, with the Cholesky factor of their covariance
(`A Primer on Bayesian Methods for Multilevel Modeling` in PyMC's example gallery).

    python rowwise.py pymc|nutpie DATA FOLDER SEED
"""

import sys

import nutpie
import pymc as pm
from own_process import run, table


def textbook(rows) -> pm.Model:
    group, labels = rows["g"].factorize(sort=True)
    coords = {"param": ["Intercept", "x"], "group": labels}
    with pm.Model(coords=coords) as model:
        chol, _, _ = pm.LKJCholeskyCov(
            "chol", n=2, eta=2.0, sd_dist=pm.Exponential.dist(0.5, shape=2)
        )
        intercept = pm.Normal("intercept", 0, 5)
        slope = pm.Normal("slope", 0, 5)
        z = pm.Normal("z", 0, 1, dims=("param", "group"))
        effects = pm.Deterministic("effects", (chol @ z).T, dims=("group", "param"))
        mu = intercept + effects[group, 0] + (slope + effects[group, 1]) * rows["x"].to_numpy()
        sigma = pm.Exponential("sigma", 0.5)
        pm.Normal("y", mu, sigma, observed=rows["y"].to_numpy())
    return model


def by_pymc(rows, seed):
    with textbook(rows):
        return pm.sample(
            chains=4, cores=2, random_seed=seed, nuts_sampler="pymc", progressbar=False
        )


def by_nutpie(rows, seed):
    compiled = nutpie.compile_pymc_model(textbook(rows))
    return nutpie.sample(
        compiled, draws=1000, tune=1000, chains=4, cores=2, seed=seed, progress_bar=False
    )


def parameters(posterior):
    return {
        "beta[Intercept]": posterior["intercept"],
        "beta[x]": posterior["slope"],
        "sd[Intercept]": posterior["chol_stds"][..., 0],
        "sd[x]": posterior["chol_stds"][..., 1],
        "cor": posterior["chol_corr"][..., 0, 1],
        "sigma": posterior["sigma"],
    }


if __name__ == "__main__":
    sampler = sys.argv.pop(1)
    fit = {"pymc": by_pymc, "nutpie": by_nutpie}[sampler]
    run(table, fit, parameters, ("pymc",) if sampler == "pymc" else ("nutpie", "pymc"))
