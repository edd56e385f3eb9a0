"""Rough values: the working model of every family has its slopes, its curvature and its mode."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import pirls, preconditioner
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome

OUTCOMES = {
    "gaussian": Outcome(sigma=1.3),
    "student_t": Outcome("student_t", sigma=0.8, weights="w", offset="o"),
    "bernoulli": Outcome("bernoulli", offset="o"),
    "binomial": Outcome("binomial", trials="n"),
    "poisson": Outcome("poisson", exposure="e", weights="w"),
    "negative_binomial": Outcome("negative_binomial", exposure="e", weights="w"),
    "lognormal": Outcome("lognormal", weights="w"),
    "gamma": Outcome("gamma", offset="o"),
    "weibull": Outcome("weibull", weights="w"),
    "exponential": Outcome("exponential", offset="o", weights="w"),
    "beta": Outcome("beta", offset="o", weights="w"),
    "beta_binomial": Outcome("beta_binomial", trials="n"),
}
TRUTH = {"sigma": 1.3, "nu": 4.0, "alpha": 2.0, "phi": 5.0}


def merged(family: str):
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": np.arange(60) % 5, "h": rng.permutation(60) % 4})
    rows["x"], rows["o"] = rng.normal(2, 1, 60), rng.normal(0, 0.5, 60)
    rows["n"], rows["e"] = rng.integers(3, 9, 60), rng.uniform(0.5, 3, 60)
    rows["w"] = rng.choice([1.0, 2.0], 60)
    eta = 0.3 * rows["x"] + rng.normal(0, 0.6, 5)[rows["g"]]
    trials = rows["n"].to_numpy() if "trials" in families.FAMILIES[family].needs else None
    rows["y"] = families.FAMILIES[family].responses(rng, eta.to_numpy(), TRUTH, trials)
    if families.FAMILIES[family].link == "identity":
        rows["y"] += 50  # so that where the prior of the Intercept is matters
    outcome = OUTCOMES[family]
    design = Formula("y ~ x + (1 + x | g) + (1 | h)").design(rows)
    return build.compress(design, outcome, families.columns(rows, outcome))


def of_rows(data, eta, response, y=None):
    """Log likelihood of every merged row."""
    count = 1.0 if data.outcome.family == "gaussian" else data.count
    y = data.y if y is None else y
    return count * data.family.log_kernel(y, eta, response, data.trials)


def law(family: str, eta: float, trials: float):
    """Of the response of a row, by scipy."""
    mean = 1 / (1 + np.exp(-eta))
    return {
        "gaussian": lambda: stats.norm(eta, 1.3),
        "student_t": lambda: stats.t(4, eta, 1.3),
        "bernoulli": lambda: stats.binom(int(trials), 1 / (1 + np.exp(-eta))),
        "binomial": lambda: stats.binom(int(trials), 1 / (1 + np.exp(-eta))),
        "poisson": lambda: stats.poisson(np.exp(eta)),
        "negative_binomial": lambda: stats.nbinom(2, 2 / (2 + np.exp(eta))),
        "lognormal": lambda: stats.lognorm(1.3, scale=np.exp(eta)),
        "gamma": lambda: stats.gamma(2, scale=np.exp(eta) / 2),
        "weibull": lambda: stats.weibull_min(2, scale=np.exp(eta)),
        "exponential": lambda: stats.expon(scale=np.exp(eta)),
        "beta": lambda: stats.beta(5 * mean, 5 - 5 * mean),
        "beta_binomial": lambda: stats.betabinom(int(trials), 5 * mean, 5 - 5 * mean),
    }[family]()


@pytest.mark.parametrize("family", OUTCOMES)
def test_slopes_and_expected_curvatures_are_those_of_the_family(family):
    data = merged(family)
    response = {name: TRUTH[name] for name in data.family.parameter_names}
    eta = np.random.default_rng(4).normal(0.5, 0.7, len(data.y))
    weight, slope = pirls._expansion(data, eta, response)
    ahead, behind = (of_rows(data, eta + h, response) for h in (1e-5, -1e-5))
    assert slope == pytest.approx((ahead - behind) / 2e-5, rel=1e-4, abs=1e-6)
    for at in range(0, len(eta), 7):
        row = replace(data, trials=data.trials[at], count=data.count[at])

        def bend(y, row=row, here=eta[at]):
            """How far the log likelihood bends down there, if the response were `y`."""
            low, middle, high = (of_rows(row, here + h, response, y) for h in (-1e-3, 0.0, 1e-3))
            return (2 * middle - low - high) / 1e-6

        expected = law(family, eta[at], data.trials[at]).expect(bend)
        assert weight[at] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
@pytest.mark.parametrize("family", OUTCOMES)
def test_rough_values_are_the_mode_given_the_variances(family, variant):
    """Of the rows' own density and of the priors, not that of the working model."""
    data = merged(family)
    completed = priors.complete({"x": "normal(0.5, 0.2)"}, data)
    found = pirls.solve(data, completed, variant)
    on, location, width = preconditioner.prior_rows(data, completed)
    columns = [preconditioner.effects_columns(data, completed, factor) for factor in data.factors]
    shapes = [u.shape for u in found.u]
    ends = np.cumsum([2, *(u.size for u in found.u)])
    mode = np.concatenate([found.beta, *(u.ravel() for u in found.u)])

    def log_posterior(at):
        beta, *parts = np.split(at, ends[:-1])
        eta = data.select_columns(data.coefficients) @ beta + data.offset
        total = stats.norm(location, width).logpdf(on @ beta).sum()
        for part, shape, index, z, covariance in zip(
            parts, shapes, data.index, columns, found.covariance, strict=False
        ):
            u = part.reshape(shape)
            eta = eta + (z * u[index]).sum(axis=1)
            total += stats.multivariate_normal(cov=covariance).logpdf(u).sum()
        response = found.response | ({"sigma": data.known_sigma} if data.known_sigma else {})
        return total + of_rows(data, eta, response).sum()

    assert len(shapes) == (0 if variant == "pooled" else 2)
    slope = optimize.approx_fprime(mode, log_posterior, 1e-5)
    # How far a step of Newton's method would still go, in sds of the working posterior.
    step = np.linalg.solve(found.precision.toarray(), slope)
    sd = np.sqrt(np.diag(np.linalg.inv(found.precision.toarray())))
    assert np.abs(step / sd).max() < 0.1


@pytest.mark.parametrize("family", ["gaussian", "student_t"])
def test_rough_values_do_not_depend_on_zero_and_unit(family):
    """Of a response far from zero, or in another unit, they are found in as many turns."""
    rng, size = np.random.default_rng(4), 400
    rows = pd.DataFrame({"a": rng.choice([*"pqrst"], size), "b": rng.choice([*"uvwxyz"], size)})
    y = rows["a"].map(dict(zip("pqrst", rng.normal(size=5), strict=True))) + rng.normal(size=size)
    found = []
    for at, unit in ((0, 1.0), (2000, 1.0), (0, 1e-6)):
        design = Formula("y ~ 1 + (1 | a) + (1 | b)").design(rows.assign(y=at + unit * y))
        data = build.compress(design, Outcome(family), {})
        rough = pirls.solve(data, priors.complete({}, data), "hierarchical")
        sds = [np.sqrt(one[0, 0]) for one in rough.covariance]
        found.append(np.array([rough.response["sigma"], *sds]) / unit)
    assert found[1] == pytest.approx(found[0], rel=0.05)
    assert found[2] == pytest.approx(found[0], rel=0.05)
