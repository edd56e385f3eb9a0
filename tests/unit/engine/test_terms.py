"""Positive parameters with priors of one family or several, against SciPy's densities."""

import numpy as np
import pymc as pm
import pytest
from interpreted import drawn_point
from scipy import stats

from partialpool.engine import terms
from partialpool.model.priors import Prior

HALF_NORMAL, GAMMA = Prior("half_normal", (2.0,)), Prior("gamma", (2.0, 0.5))
SCIPY = {"half_normal": stats.halfnorm(scale=2), "gamma": stats.gamma(2, scale=2)}


@pytest.mark.parametrize("priors", [[HALF_NORMAL] * 2, [GAMMA] * 2, [HALF_NORMAL, GAMMA]])
def test_each_entry_has_its_own_prior(priors):
    with pm.Model(coords={"entry": ["a", "b"]}) as model:
        terms.bounded("sd", priors, 0.7, "entry")
    assert np.exp(model.initial_point(0)["sd_log__"]) == pytest.approx([0.7, 0.7])
    values = drawn_point(model, np.random.default_rng(1))["sd"]
    density = model.compile_logp(jacobian=False)({"sd_log__": np.log(values)})
    expected = sum(SCIPY[p.family].logpdf(v) for p, v in zip(priors, values, strict=True))
    assert density == pytest.approx(expected)


def test_names_of_data_are_no_names_of_variables():
    """A column or a factor may have any name that has no parentheses."""
    with pm.Model() as model:
        terms.as_data("sigma", 1.0)
    assert [variable.name for variable in model.data_vars] == ["sigma (data)"]
