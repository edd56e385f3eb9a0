"""Names of grouping factors that would clash with results."""

import pytest

from partialpool.base.errors import UserError
from partialpool.design import reserved_names
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome

# What a posterior and the tables made of it have, of the response and of a factor g.
RESULTS = [
    "alpha",
    "beta",
    "nu",
    "sigma",
    "sd_log_sigma",
    "sigma_median",
    "chain",
    "draw",
    "coefficient",
    "summary",
    "unit",
]


RESULTS += ["sd_g", "cor_g", "u_g", "coef_g", "nu_g", "g_coefficient", "g_coefficient_bis"]


@pytest.mark.parametrize("name", RESULTS)
def test_a_group_cannot_have_the_name_of_a_result(name):
    for text in (f"y ~ (1 | g) + (1 | {name})", f"y ~ (1 | {name}) + (1 | g)"):
        with pytest.raises(UserError, match="the grouping factor cannot be called"):
            reserved_names.check(Formula(text), Outcome(), families.parameter_names())
    crossed = Formula(f"y ~ {name} + (1 | g) + (1 | {name}_1)")
    reserved_names.check(crossed, Outcome(), families.parameter_names())
