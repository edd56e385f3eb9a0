"""A prior family is one record: one that the package does not have is read, used and shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reports
from predictive import checked
from scipy import stats

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit
from partialpool.model import prior_keys
from partialpool.model.prior_families import FAMILIES, PriorFamily
from partialpool.report.priors import priors
from partialpool.study.outcome import Outcome

GIVEN = {"Intercept": "gumbel(1, 0.5)", "sigma": "weibull(3, 0.8)"}


@pytest.fixture(autouse=True)
def records(monkeypatch):
    """A family of coefficients and one of positive parameters, as PyMC has them."""
    monkeypatch.setitem(
        FAMILIES, "gumbel", PriorFamily(("mu", "beta"), "real", "Gumbel", location="mu")
    )
    weibull = PriorFamily(("alpha", "beta"), "positive", "Weibull")
    monkeypatch.setitem(FAMILIES, "weibull", weibull)


def rows(size=5) -> pd.DataFrame:
    """So few that the priors count."""
    return pd.DataFrame({"y": np.random.default_rng(3).normal(3, 1.5, size)})


def test_it_is_read_and_checked():
    prior_keys.check(GIVEN, "priors")
    assert prior_keys.supports(GIVEN) == {"Intercept": "real", "sigma": "positive"}
    for key, text, expected in (
        ("x", "gumbel(1, -1)", "beta = -1; beta is over 0: gumbel(mu, beta)"),
        ("x", "gumbell(1, 1)", "nearest: 'gumbel'"),
        ("x", "weibull(1)", "has 1 arguments, it takes 2: weibull(alpha, beta)"),
    ):
        with pytest.raises(UserError) as error:
            prior_keys.check({key: text}, "priors")
        assert expected in str(error.value)


def test_it_is_sampled_with_the_exact_posterior():
    """By integration over a grid."""
    table = rows()
    data = build.compress(Formula("y ~ 1").design(table), Outcome(), {})
    sampler = {"chains": 4, "draws": 2000, "tune": 500, "target_accept": 0.9, "attempts": 1}
    tree = fit.fit(data, GIVEN, "pooled", sampler, seed=1)
    mu, sigma = np.meshgrid(np.linspace(-1, 6, 700), np.linspace(0.01, 4, 600), indexing="ij")
    log_density = stats.norm.logpdf(table["y"].to_numpy()[:, None, None], mu, sigma).sum(axis=0)
    without = np.exp(log_density - log_density.max())
    weights = without * stats.gumbel_r.pdf(mu, 1, 0.5) * stats.weibull_min.pdf(sigma, 3, scale=0.8)
    drawn = tree["posterior"]
    for values, grid in ((drawn["beta"].values[..., 0], mu), (drawn["sigma"].values, sigma)):
        mean = (weights * grid).sum() / weights.sum()
        sd = np.sqrt((weights * (grid - mean) ** 2).sum() / weights.sum())
        assert values.mean() == pytest.approx(mean, abs=0.06 * sd)
        assert values.std() == pytest.approx(sd, rel=0.06)
        # The prior is what has moved it there.
        assert abs(mean - (without * grid).sum() / without.sum()) > 0.5 * sd


def test_it_is_drawn_from_for_the_prior_predictive():
    given = GIVEN | {"sigma": "weibull(3, 0.0001)"}
    y = checked(rows(), Outcome(), given, "y ~ 1", "pooled")["prior_predictive"]["y"].values[0]
    assert stats.kstest(y[:, 0], stats.gumbel_r(1, 0.5).cdf).pvalue > 1e-3
    given = {"Intercept": "gumbel(0, 0.0001)", "sigma": "weibull(3, 20)"}
    y = checked(rows(400), Outcome(), given, "y ~ 1", "pooled")["prior_predictive"]["y"].values[0]
    assert stats.kstest(y.std(axis=1), stats.weibull_min(3, scale=20).cdf).pvalue > 1e-3


def test_it_is_in_the_table_of_priors():
    results = reports.results()
    stored = results.fits[-1].priors | {
        "beta": {"Intercept": GIVEN["Intercept"]},
        "response": {"sigma": GIVEN["sigma"]},
    }
    shown = priors(replace(results, fits=[replace(results.fits[-1], priors=stored)]))
    numbers = {one["prior"]: one["numbers"] for one in shown}
    assert numbers["gumbel(1, 0.5)"] == "mu = 1, beta = 0.5"
    assert numbers["weibull(3, 0.8)"] == "alpha = 3, beta = 0.8"
