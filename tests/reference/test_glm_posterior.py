"""Posteriors of models that are not Gaussian, against integration."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit
from partialpool.model import families, priors
from partialpool.sampler import convergence
from partialpool.study.outcome import Outcome

OUTCOMES = {
    "binomial": Outcome(family="binomial", trials="trials", offset="shift"),
    "poisson": Outcome(family="poisson", exposure="time", weights="times"),
}


def integrated(data, completed, sd_prior):
    """Posterior means of beta, sd and each group's coefficient of y ~ 1 + (1 | g), by quadrature.

    Over the intercept and log sd on a grid, and over each group's deviation by Gauss-Hermite.
    """
    prior = stats.norm(*completed.beta["Intercept"].arguments)
    intercept = np.linspace(data.response_mean - 1.5, data.response_mean + 1.5, 301)
    log_sd = np.linspace(np.log(0.02), np.log(4), 241)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.log(weights / np.sqrt(2 * np.pi))
    v = np.exp(log_sd)[:, None] * nodes
    eta = intercept[:, None, None] + v
    log_marginal = np.zeros((len(intercept), len(log_sd)))
    means = []
    for y, trials, offset in zip(data.y, data.trials, data.offset, strict=True):
        kernel = data.family.log_kernel(y, eta + offset, {}, trials) + weights
        log_group = special.logsumexp(kernel, axis=-1)
        log_marginal += log_group
        means.append((np.exp(kernel - log_group[..., None]) * eta).sum(axis=-1))
    log_posterior = (
        log_marginal + prior.logpdf(intercept)[:, None] + sd_prior.logpdf(np.exp(log_sd)) + log_sd
    )
    mass = np.exp(log_posterior - log_posterior.max())
    mass /= mass.sum()
    return {
        "beta[Intercept]": (mass * intercept[:, None]).sum(),
        "sd_g[Intercept]": (mass * np.exp(log_sd)).sum(),
        **{
            f"coef_g[{label}, Intercept]": (mass * mean).sum()
            for label, mean in zip(data.factors[0].levels, means, strict=True)
        },
    }


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_posterior_is_the_integral(family):
    """Within 4 Monte Carlo standard errors: a false alarm in 10,000 for each of 14 numbers."""
    rng = np.random.default_rng(12)
    outcome = OUTCOMES[family]
    rows = pd.DataFrame({"g": list("abcdefghijkl"), "shift": 0.0, "times": 1.0})
    rows["trials"], rows["time"] = rng.integers(5, 40, 12), rng.uniform(1, 9, 12)
    eta = rng.normal(-0.5, 0.8, 12) + (np.log(rows["time"]) if family == "poisson" else 0)
    rows["y"] = families.FAMILIES[family].responses(
        rng, np.asarray(eta), {}, rows["trials"].to_numpy()
    )
    design = Formula("y ~ 1 + (1 | g)").design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    given = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)"}
    exact = integrated(data, priors.complete(given, data), stats.halfnorm(scale=1))
    sampler = {"chains": 4, "draws": 2000, "tune": 1000, "target_accept": 0.9, "attempts": 1}
    tree = fit.fit(data, given, "hierarchical", sampler, seed=7)
    summary = convergence.summarise(tree["posterior"].to_dataset(), 0.95).set_index("name")
    for name, value in exact.items():
        found = summary.loc[name]
        assert abs(found["mean"] - value) < 4 * found["mcse_mean"], name


def beta_shapes(eta, phi):
    return special.expit(eta) * phi, special.expit(-eta) * phi


# By family: the parameter besides the intercept, its true value, and SciPy's log density.
ONE_MORE = {
    "lognormal": ("sigma", 0.8, lambda y, e, p, n: stats.lognorm.logpdf(y, p, scale=np.exp(e))),
    "gamma": ("alpha", 2.0, lambda y, e, p, n: stats.gamma.logpdf(y, p, scale=np.exp(e) / p)),
    "weibull": ("alpha", 1.5, lambda y, e, p, n: stats.weibull_min.logpdf(y, p, scale=np.exp(e))),
    "beta": ("phi", 6.0, lambda y, e, p, n: stats.beta.logpdf(y, *beta_shapes(e, p))),
    "beta_binomial": (
        "phi", 6.0, lambda y, e, p, n: stats.betabinom.logpmf(y, n, *beta_shapes(e, p))
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", ONE_MORE)
def test_posterior_of_an_intercept_and_a_parameter_is_the_integral(family):
    """Within 4 Monte Carlo standard errors: a false alarm in 10,000 for each of 10 numbers."""
    parameter, truth, log_density = ONE_MORE[family]
    rng, trials = np.random.default_rng(21), np.arange(25) % 9 + 4
    eta = np.full(25, 0.4)
    y = families.FAMILIES[family].responses(rng, eta, {parameter: truth}, trials)
    rows = pd.DataFrame({"y": y, "n": trials})
    outcome = Outcome(family=family, trials="n" if family == "beta_binomial" else None)
    design = Formula("y ~ 1").design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    given = {"Intercept": "normal(0, 2)", parameter: "lognormal(1, 0.7)"}
    intercept, log_parameter = np.linspace(-2, 3, 601)[:, None], np.linspace(-3, 5, 601)
    values = np.exp(log_parameter)
    log_posterior = stats.norm(0, 2).logpdf(intercept) + stats.norm(1, 0.7).logpdf(log_parameter)
    for one, n in zip(np.asarray(y, float), trials, strict=True):
        log_posterior = log_posterior + log_density(one, intercept, values, n)
    mass = np.exp(log_posterior - log_posterior.max())
    mass /= mass.sum()
    exact = {"beta[Intercept]": (mass * intercept).sum(), parameter: (mass * values).sum()}
    sampler = {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.9, "attempts": 1}
    tree = fit.fit(data, given, "pooled", sampler, seed=7)
    summary = convergence.summarise(tree["posterior"].to_dataset(), 0.95).set_index("name")
    for name, value in exact.items():
        found = summary.loc[name]
        assert abs(found["mean"] - value) < 4 * found["mcse_mean"], name
