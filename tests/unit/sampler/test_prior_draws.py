"""Draws from priors are PyMC's, of each prior its own."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior
from partialpool.sampler import prior_draws

GIVEN = {
    "normal": "normal(1, 2)", "student_t": "student_t(4, 1, 2)", "cauchy": "cauchy(1, 2)",
    "laplace": "laplace(1, 2)", "logistic": "logistic(1, 2)", "half_normal": "half_normal(2)",
    "half_cauchy": "half_cauchy(2)", "half_student_t": "half_student_t(3, 2)",
    "exponential": "exponential(2)", "gamma": "gamma(2, 3)",
    "inverse_gamma": "inverse_gamma(3, 2)", "lognormal": "lognormal(1, 0.5)",
    "beta": "beta(2, 3)",
}  # fmt: skip


def test_every_family_is_drawn_from():
    of_matrices = {name for name, family in FAMILIES.items() if family.support == "correlation"}
    assert {*GIVEN} == {*FAMILIES} - of_matrices


@pytest.mark.parametrize("family", GIVEN)
def test_draws_follow_the_density_of_pymc(family):
    """The integral of the density up to quantiles of the draws is what these are quantiles of."""
    prior = Prior.parse(GIVEN[family])
    # Of two priors of a family, each has its own numbers.
    other = Prior(family, tuple(x + 1 for x in prior.arguments))
    found = prior_draws.draw({"a": other, "b": prior}, np.random.default_rng(4), 4000)
    for name, of in (("a", other), ("b", prior)):
        drawn = np.sort(found[name])
        assert drawn.shape == (4000,) and len({*drawn}) == 4000
        distribution = getattr(pm, FAMILIES[family].pymc).dist(**of.parameters)
        grid = np.linspace(drawn[40], drawn[-40], 4000)
        density = np.exp(pm.logp(distribution, grid).eval())
        steps = (density[1:] + density[:-1]) / 2 * np.diff(grid)
        for share in (0.25, 0.5, 0.75):
            place = int(share * 4000)
            within = ((drawn > grid[0]) & (drawn <= grid[place])).mean()
            assert within == pytest.approx(steps[:place].sum(), abs=4 * 0.5 / 4000**0.5)
    assert abs(stats.spearmanr(found["a"], found["b"]).statistic) < 0.1


def test_draws_depend_on_the_generator_alone_and_keep_the_order_of_the_priors():
    priors = {"x": "half_normal(1)", "y": "normal(0, 1)", "z": "half_normal(1)"}
    priors = {name: Prior.parse(text) for name, text in priors.items()}
    first, again, other = (
        prior_draws.draw(priors, np.random.default_rng(seed), 50) for seed in (1, 1, 2)
    )
    assert [*first] == [*priors]
    for name, drawn in first.items():
        assert (drawn == again[name]).all() and not (drawn == other[name]).any()
    assert not (first["x"] == first["z"]).any()
