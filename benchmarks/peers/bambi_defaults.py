"""Bambi as it comes: its own priors, and PyMC's own sampler, which is its default."""

import bambi
from own_process import run, table


def fit(rows, seed):
    model = bambi.Model("y ~ x + (1 + x | g)", rows)
    return model.fit(draws=1000, tune=1000, chains=4, cores=2, random_seed=seed, progressbar=False)


def parameters(posterior):
    """Without a correlation: Bambi's group effects have none."""
    return {
        "beta[Intercept]": posterior["Intercept"],
        "beta[x]": posterior["x"],
        "sd[Intercept]": posterior["1|g_sigma"],
        "sd[x]": posterior["x|g_sigma"],
        "sigma": posterior["sigma"],
    }


if __name__ == "__main__":
    run(table, fit, parameters, ("bambi", "pymc"))
