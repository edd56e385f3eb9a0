"""Which variables the collapsed Gaussian model has; its density is in tests/reference."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.engine.gaussian import model
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.study.outcome import Outcome

RNG = np.random.default_rng(6)
ROWS = pd.DataFrame({"g": [*"aabbbcccc"], "x": RNG.normal(size=9), "y": RNG.normal(size=9)})
ROWS["se"] = 1.5


def compressed(text="y ~ x + (1 + x | g)", outcome=None):
    outcome = outcome or Outcome()
    return compress(Formula(text).design(ROWS), outcome, families.columns(ROWS, outcome))


@pytest.mark.parametrize(
    ("variant", "free"),
    [
        ("pooled", {"z", "sigma"}),
        ("unpooled", {"z", "sigma"}),
        ("hierarchical", {"z", "sigma", "sd_g", "partial_cor_g"}),
    ],
)
def test_no_group_effect_is_sampled_whatever_the_variant(variant, free):
    data = compressed()
    found = model(data, complete({}, data), variant)
    assert {variable.name for variable in found.free_RVs} == free
    assert list(found.coords["coefficient"]) == ["Intercept", "x"]
    assert np.isfinite(found.compile_logp()(found.initial_point()))


@pytest.mark.parametrize(
    ("outcome", "free", "shape"),
    [
        (Outcome(sigma="se"), set(), None),
        (Outcome(sigma=2.0), set(), None),
        (Outcome(sigma="by_group"), {"sigma"}, (3,)),
        (Outcome(sigma="~ (1 | g)"), {"sigma_median", "sd_log_sigma", "z_sigma"}, None),
    ],
    ids=["standard errors", "known", "by group", "pooled between groups"],
)
def test_sigma_is_a_parameter_only_where_it_is_estimated(outcome, free, shape):
    data = compressed("y ~ x + (1 | g)", outcome)
    found = model(data, complete({}, data), "hierarchical")
    assert {variable.name for variable in found.free_RVs} == {"z", "sd_g"} | free
    if shape:
        assert found.initial_point()["sigma_log__"].shape == shape
