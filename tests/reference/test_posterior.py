"""Posteriors against numerical integration, published numbers, closed forms and simulation."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from exact import OneWay
from scipy import stats
from three_group_table import one_group

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import collapsed_target, fit
from partialpool.engine.posterior import SampledParameters, describe
from partialpool.model import families, priors
from partialpool.sampler import convergence
from partialpool.study.outcome import Outcome

SAMPLER = {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.9, "attempts": 1}
EFFECTS = [28, 8, -3, 7, -1, 1, 18, 12]
ERRORS = [15, 10, 16, 11, 9, 11, 10, 18]


def schools() -> pd.DataFrame:
    return pd.DataFrame({"school": list("ABCDEFGH"), "effect": EFFECTS, "se": ERRORS})


def compressed(table, formula, sigma, **columns):
    design, outcome = Formula(formula).design(table), Outcome(sigma=sigma, **columns)
    return design, build.compress(design, outcome, families.columns(table, outcome))


def fitted(table, formula, sigma, given, variant="hierarchical", seed=20261120, **columns):
    _, data = compressed(table, formula, sigma, **columns)
    tree = fit.fit(data, given, variant, SAMPLER, seed)
    assert int(tree["sample_stats"]["diverging"].sum()) == 0
    return data, tree["posterior"].to_dataset()


def assert_close(summary: pd.DataFrame, name: str, mean: float, sd: float) -> None:
    """Within 4 Monte Carlo standard errors: a false alarm in 16,000 for each number."""
    row = summary.set_index("name").loc[name]
    assert row["mean"] == pytest.approx(mean, abs=4 * row["mcse_mean"]), name
    assert row["sd"] == pytest.approx(sd, abs=4 * row["mcse_sd"]), name


def test_integration_gives_the_known_posterior_of_the_eight_schools():
    exact = OneWay.integrate(EFFECTS, ERRORS, (0, 5), stats.halfcauchy(scale=5))
    assert exact.mu == pytest.approx((4.397, 3.318), abs=6e-4)
    assert exact.tau == pytest.approx((3.598, 3.220), abs=6e-4)
    theta = [6.212, 4.940, 3.927, 4.757, 3.615, 4.043, 6.297, 4.854]
    assert exact.theta[:, 0] == pytest.approx(theta, abs=6e-4)


def test_eight_schools():
    exact = OneWay.integrate(EFFECTS, ERRORS, (0, 5), stats.halfcauchy(scale=5))
    given = {"Intercept": "normal(0, 5)", "sd": "half_cauchy(5)"}
    _, posterior = fitted(schools(), "effect ~ 1 + (1 | school)", "se", given)
    summary = convergence.summarise(posterior, 0.95)
    assert summary["ess_bulk"].min() >= 1000
    assert summary["rhat"].max() <= 1.01
    assert_close(summary, "beta[Intercept]", *exact.mu)
    assert_close(summary, "sd_school[Intercept]", *exact.tau)
    for label, theta, u in zip("ABCDEFGH", exact.theta, exact.u, strict=True):
        assert_close(summary, f"coef_school[{label}, Intercept]", *theta)
        assert_close(summary, f"u_school[{label}, Intercept]", *u)
    assert len(summary) == 2 + 2 * 8


@pytest.mark.parametrize("read", ["rows", "means"])
def test_grouped_means_with_known_sigma(read):
    """Of the rows, or of their means, which have the precision of as many rows."""
    rng = np.random.default_rng(3)
    rows = rng.integers(10, 20, 5)
    group = np.repeat([f"g{i}" for i in range(5)], rows)
    truth = rng.uniform(0, 5, 5)
    table = pd.DataFrame(
        {"group": group, "y": np.repeat(truth, rows) + rng.normal(size=rows.sum())}
    )
    means = table.groupby("group")["y"].mean()
    exact = OneWay.integrate(means, rows**-0.5, (0, 10), stats.halfcauchy(scale=5))
    given = {"Intercept": "normal(0, 10)", "sd": "half_cauchy(5)"}
    columns = {}
    if read == "means":
        table, columns = means.reset_index().assign(n=rows), {"precision_weights": "n"}
    _, posterior = fitted(table, "y ~ 1 + (1 | group)", 1.0, given, **columns)
    summary = convergence.summarise(posterior, 0.95)
    assert summary["ess_bulk"].min() >= 1000
    assert_close(summary, "beta[Intercept]", *exact.mu)
    assert_close(summary, "sd_group[Intercept]", *exact.tau)
    for label, theta, u in zip(means.index, exact.theta, exact.u, strict=True):
        assert_close(summary, f"coef_group[{label}, Intercept]", *theta)
        assert_close(summary, f"u_group[{label}, Intercept]", *u)
    assert len(summary) == 2 + 2 * 5


def test_pooled_regression_with_known_sigma_is_the_conjugate_posterior():
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"x": rng.normal(3, 2, 60)})
    table["y"] = 1 + 2 * table["x"] + 1.5 * rng.normal(size=60)
    given = {"Intercept": "normal(0, 10)", "x": "normal(1, 0.5)"}
    _, posterior = fitted(table, "y ~ x", 1.5, given, "pooled")
    design = np.column_stack([np.ones(60), table["x"]])
    precision = design.T @ design / 1.5**2 + np.diag([10**-2, 0.5**-2])
    covariance = np.linalg.inv(precision)
    mean = covariance @ (design.T @ table["y"] / 1.5**2 + np.array([0, 1 / 0.5**2]))
    summary = convergence.summarise(posterior, 0.95)
    assert_close(summary, "beta[Intercept]", mean[0], covariance[0, 0] ** 0.5)
    assert_close(summary, "beta[x]", mean[1], covariance[1, 1] ** 0.5)


def test_varying_slopes_cover_what_they_were_simulated_from():
    """Intervals of 95% for 200 groups' lines cover 95% of them, within 4 binomial sds."""
    rng = np.random.default_rng(13)
    groups, rows = 200, 12
    covariance = np.array([[1.0, 0.3], [0.3, 0.25]])
    lines = rng.multivariate_normal([1.0, 2.0], covariance, groups)
    index = np.repeat(np.arange(groups), rows)
    x = rng.normal(size=groups * rows)
    y = lines[index, 0] + lines[index, 1] * x + rng.normal(size=len(x))
    labels = np.array([f"g{i:03d}" for i in range(groups)])
    table = pd.DataFrame({"g": labels[index], "x": x, "y": y})
    _, posterior = fitted(table, "y ~ x + (1 + x | g)", "estimated", {})
    summary = convergence.summarise(posterior, 0.95).set_index("name")
    assert summary["ess_bulk"].min() >= 1000
    truth = {
        f"coef_g[{label}, {name}]": line[k]
        for label, line in zip(labels, lines, strict=True)
        for k, name in enumerate(["Intercept", "x"])
    }
    found = summary.loc[list(truth)]
    covered = (
        (found["lower"] < list(truth.values())) & (found["upper"] > list(truth.values()))
    ).mean()
    assert covered == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / len(truth)) ** 0.5)
    population = {
        "beta[Intercept]": 1, "beta[x]": 2, "sigma": 1,
        "sd_g[Intercept]": 1, "sd_g[x]": 0.5, "cor_g[Intercept, x]": 0.6,
    }  # fmt: skip
    for name, value in population.items():
        assert abs(summary.loc[name, "mean"] - value) < 4 * summary.loc[name, "sd"], name


def test_sds_and_correlations_are_those_of_the_coefficients():
    """Priors are on the deviations at the averages; those where x is zero are described."""
    _, data, _, _ = one_group("estimated")
    completed = priors.complete({}, data)
    assert completed.at_averages == ("g",)
    rng = np.random.default_rng(3)
    sd, partial = rng.uniform(0.5, 2, (1, 6, 2)), rng.uniform(size=(1, 6, 1))
    sample = ("chain", "draw")
    sampled = xr.Dataset(
        {
            "beta": ((*sample, "coefficient"), np.zeros((1, 6, 2))),
            "sigma": (sample, np.ones((1, 6))),
            "sd_g": ((*sample, "varying"), sd),
            "partial_cor_g": ((*sample, "pair"), partial),
        },
        {"draw": np.arange(6)},
    )
    described = describe(SampledParameters(sampled, data, completed, "hierarchical"), {})
    to_zero = np.array([[1, -data.mean["x"]], [0, 1]])
    for draw in range(6):
        own, one = sd[0, draw], 2 * partial[0, draw, 0] - 1
        covariance = np.outer(own, own) * [[1, one], [one, 1]]
        covariance = to_zero @ covariance @ to_zero.T
        size, cor = (described[name].values[0, draw] for name in ("sd_g", "cor_g"))
        assert np.outer(size, size) * cor == pytest.approx(covariance, rel=1e-12)


def test_variants_are_one_model_with_one_switch():
    """An unpooled sd as small as zero is the pooled model; as wide as can be, least squares."""
    design, data, _, _ = one_group("estimated")
    completed = priors.complete({}, data)
    rng = np.random.default_rng(0)
    sampled = fit.sampling.sample(
        collapsed_target.CollapsedTarget(data, completed, "unpooled").compiled(),
        chains=2, draws=2000, tune=1000, target_accept=0.9, seed=1,
    )["posterior"].to_dataset()  # fmt: skip
    draws = SampledParameters(sampled, data, completed, "unpooled")
    described = describe(draws, collapsed_target.deviations(draws, data, rng))
    at = design.factors[0].groups == "c"
    separate = np.linalg.lstsq(design.matrix[at], design.y[at])[0]
    found = described["coef_g"].sel(g="c")
    error = found.std(("chain", "draw")) / 1000**0.5
    assert (np.abs(found.mean(("chain", "draw")) - separate) < 4 * error + 0.01).all()


def test_priors_left_out_do_not_depend_on_where_a_predictor_is_zero():
    """Lines at the average, and their covariance, are the same wherever x is zero.

    Within 4 Monte Carlo standard errors of a thousand draws, which is too wide: the two chains
    see nearly the same random numbers.
    """
    rng = np.random.default_rng(23)
    group = np.repeat(list("abcdefgh"), 6)
    x = rng.normal(size=48)
    y = 1 + 0.5 * x + np.repeat(rng.normal(size=8), 6) / 2 + rng.normal(size=48)
    found = []
    for away in (0.0, 5.0):
        table = pd.DataFrame({"g": group, "x": x - x.mean() + away, "y": y})
        _, posterior = fitted(table, "y ~ x + (1 + x | g)", "estimated", {})
        to_average = np.array([[1, away], [0, 1]])
        sd, cor = posterior["sd_g"].values, posterior["cor_g"].values
        covariance = to_average @ (sd[..., :, None] * cor * sd[..., None, :]) @ to_average.T
        lines = posterior["coef_g"].values @ to_average.T
        values = [posterior["sigma"].values[..., None], covariance.reshape(4, 1000, -1)]
        values.append(lines.reshape(4, 1000, -1))
        found.append(np.concatenate(values, axis=-1).reshape(4000, -1))
    here, there = found
    error = here.std(axis=0) / 1000**0.5
    assert (np.abs(here.mean(axis=0) - there.mean(axis=0)) < 4 * error).all()
