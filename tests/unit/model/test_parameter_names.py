"""Names of parameters, and which of them are of a factor."""

import pytest

from partialpool.model import parameter_names
from partialpool.model.parameter_names import beta, coef, cor, is_of, nu, sd, u


def test_kinds_and_factors_are_told_apart():
    scalars = {
        "sd": [sd("g"), sd("g", "x")],
        "cor": [cor("g"), cor("g", "Intercept", "x")],
        "u": [u("g")],
        "coef": [coef("g", "a", "x")],
        "nu": [nu("g")],
    }
    assert {*scalars} == {*parameter_names.OF_FACTOR}
    for kind, own in scalars.items():
        for name in [beta("x"), *(one for every in scalars.values() for one in every)]:
            assert is_of(name, kind, "g") == (name in own)
            assert not is_of(name, kind, "h") and not is_of(name, kind, "g_")


@pytest.mark.parametrize("factor", ["g", "school:class", "a b"])
def test_names_keep_the_factor_as_it_is(factor):
    assert sd(factor, "x") == f"sd_{factor}[x]"
    assert coef(factor, "a:1", "Intercept") == f"coef_{factor}[a:1, Intercept]"
    assert cor(factor, "Intercept", "x") == f"cor_{factor}[Intercept, x]"
