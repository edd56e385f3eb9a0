"""Tables simulated from priors have the distribution of the model, by its definition."""

import numpy as np
import pandas as pd
import pytest
from predictive import OUTCOMES, checked, table
from scipy import stats

from partialpool.model import families
from partialpool.model.priors import of_response
from partialpool.study.outcome import Outcome


def test_the_prior_predictive_has_the_moments_of_the_prior():
    rows = table("gaussian", 2)
    given = {
        "Intercept": "normal(10, 3)",
        "x": "normal(0, 0.1)",
        "sd_g[Intercept]": "half_normal(2)",
        "sd_g[x]": "half_normal(0.05)",
        "sd_h": "half_normal(1)",
        "sigma": "half_normal(4)",
    }
    text = "y ~ x + (1 + x | g) + (1 | h)"
    rows = pd.concat([rows] * 4, ignore_index=True)
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    x = rows["x"].to_numpy()
    variance = 3**2 + (0.1 * x) ** 2 + 2**2 + (0.05 * x) ** 2 + 1 + 4**2
    assert y.mean() == pytest.approx(10, abs=1)
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)
    # A default prior of the Intercept is on the response at the average predictors.
    del given["Intercept"]
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    assert y.mean() == pytest.approx(rows["y"].mean(), abs=1)
    variance += (2.5 * rows["y"].std()) ** 2 - 3**2 + (0.1 * (x - x.mean())) ** 2 - (0.1 * x) ** 2
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)
    # And so is that of the sd of the groups' intercepts on their deviations there.
    del given["sd_g[Intercept]"]
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    variance += (2.5 * rows["y"].std()) ** 2 - 2**2 + (0.05 * (x - x.mean())) ** 2 - (0.05 * x) ** 2
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)


def by_definition(rows, at, outcome, variant, heavy, size=20_000):
    """Responses of one row under the priors of the next test, as the docs of the model say."""
    rng, row = np.random.default_rng(8), rows.loc[at]
    u = np.zeros(size)
    if variant == "hierarchical":
        u = 0.8 * (rng.standard_t(3, size) if heavy else rng.normal(size=size))
    eta = 0.5 + u + (row["w"] if outcome.offset else 0)
    sigma = np.full(size, 2.0)
    if outcome.has_hierarchical_sigma and variant != "pooled":
        sigma = sigma * np.exp(0.5 * rng.normal(size=size))
    if outcome.errors:
        sigma = row["w"]
    elif outcome.precision_weights:
        sigma = sigma / row["w"] ** 0.5
    mean = np.exp(np.minimum(eta, 30)) * (row["n"] if outcome.exposure else 1)
    chance = np.clip(1 / (1 + np.exp(-eta)), 1e-12, 1 - 1e-12)
    some = rng.uniform(size=size) > 0.3

    def scattered():
        return mean * rng.gamma(3, 1 / 3, size)

    def over_zero(rates):
        """Counts that are drawn, with their rates, until they are over zero."""
        drawn = rng.poisson(rates())
        for _ in range(500):
            drawn = np.where(drawn == 0, rng.poisson(rates()), drawn)
        return np.maximum(drawn, 1)  # where events are that rare, one is all

    return {
        "gaussian": lambda: eta + sigma * rng.normal(size=size),
        "student_t": lambda: eta + sigma * rng.standard_t(4, size),
        "bernoulli": lambda: rng.binomial(1, chance),
        "binomial": lambda: rng.binomial(int(row["n"]), chance),
        "poisson": lambda: rng.poisson(mean),
        "negative_binomial": lambda: rng.poisson(scattered()),
        "zero_inflated_poisson": lambda: some * rng.poisson(mean),
        "zero_inflated_negative_binomial": lambda: some * rng.poisson(scattered()),
        "hurdle_poisson": lambda: some * over_zero(lambda: mean),
        "hurdle_negative_binomial": lambda: some * over_zero(scattered),
        "hurdle_lognormal": lambda: some * mean * np.exp(2 * rng.normal(size=size)),
        "hurdle_gamma": lambda: some * scattered(),
        "lognormal": lambda: mean * np.exp(2 * rng.normal(size=size)),
        "gamma": scattered,
        "weibull": lambda: mean * rng.weibull(3, size),
        "exponential": lambda: mean * rng.exponential(size=size),
        "beta": lambda: rng.beta(6 * chance, 6 - 6 * chance),
        "beta_binomial": lambda: rng.binomial(int(row["n"]), rng.beta(6 * chance, 6 - 6 * chance)),
    }[outcome.family]()


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "Student-t"])
@pytest.mark.parametrize("variant", ["pooled", "hierarchical"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_prior_predictive_is_the_model_by_its_definition(outcome, variant, heavy):
    """Of priors that leave no more open than the responses of a row."""
    sure = ", 0.0001)"
    given = {"Intercept": f"normal(0.5{sure}", "sd": f"lognormal({np.log(0.8)}{sure}"}
    own = {"sigma": 2, "sd_log_sigma": 0.5, "nu": 4, "alpha": 3, "phi": 6, "nu_g": 3}
    share = {"zi": "beta(3e6, 7e6)", "hu": "beta(3e6, 7e6)"}
    known = [*of_response(outcome), "nu_g"]
    given |= {name: f"lognormal({np.log(own[name])}{sure}" for name in known if name in own}
    given |= {name: share[name] for name in known if name in share}
    effects = "student_t" if heavy else "normal"
    rows = table(outcome.family, 1).assign(w=np.repeat([0.25, 1, 9], 10))
    tree = checked(rows, outcome, given, "y ~ 1 + (1 | g)", variant, group_effects=effects)
    found = tree["prior_predictive"]["y"].values[0]
    for at in (0, 13, 29):
        expected = by_definition(rows, at, outcome, variant, heavy)
        if families.FAMILIES[outcome.family].discrete:  # no ties
            rng = np.random.default_rng(4)
            drawn, expected = (v + rng.uniform(size=len(v)) for v in (found[:, at], expected))
        else:
            drawn = found[:, at]
        assert stats.ks_2samp(drawn, expected).pvalue > 1e-3, at


def test_the_prior_predictive_has_the_correlations_of_the_prior():
    groups = 400
    rows = pd.DataFrame(
        {
            "g": np.repeat(np.char.add("g", np.arange(groups).astype(str)), 3),
            "x": np.tile([0.0, 1, 0], groups),
            "z": np.tile([0.0, 0, 1], groups),
            "y": np.random.default_rng(5).normal(size=3 * groups),
        }
    )
    given = {"sd": "half_normal(2)", "cor": "lkj(1)"}
    tree = checked(rows, Outcome(sigma=1e-6), given, "y ~ 1 + (1 + x + z | g)")
    y = tree["prior_predictive"]["y"].values[0].reshape(-1, groups, 3)
    # Deviations of the intercept and of both slopes, from the expectation that groups share.
    u = np.stack([y[:, :, 0], y[:, :, 1] - y[:, :, 0], y[:, :, 2] - y[:, :, 0]])
    u -= u.mean(axis=2, keepdims=True)
    of_lkj = stats.beta(1.5, 1.5, loc=-1, scale=2)  # of each of three correlations
    for first, second in ((0, 1), (0, 2), (1, 2)):
        products = (u[first] * u[second]).sum(axis=1)
        correlation = products / np.sqrt((u[first] ** 2).sum(axis=1) * (u[second] ** 2).sum(axis=1))
        assert stats.kstest(correlation, of_lkj.cdf).pvalue > 1e-3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_prior_is_too_wild_to_be_simulated(outcome):
    given = {"Intercept": "cauchy(0, 1000000)", "sd": "half_cauchy(1000)"}
    given |= dict.fromkeys(["nu", "alpha", "phi", "nu_g"], "gamma(0.001, 0.001)")
    given |= {"sigma": "inverse_gamma(0.01, 0.01)", "sd_log_sigma": "half_cauchy(10)"}
    rows = table(outcome.family, 1)
    tree = checked(rows, outcome, given, "y ~ x + (1 | g)", group_effects="student_t")
    assert np.isfinite(tree["prior_predictive"]["y"].values).all()
