"""Which variables a model with sampled effects has; its density is in tests/reference."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.engine import glm
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.study.outcome import Outcome

RNG = np.random.default_rng(4)
ROWS = pd.DataFrame(
    {"g": [*"aabbbcccc"] * 4, "h": np.repeat([*"pq"], 18), "y": RNG.poisson(3.0, 36)}
).astype({"y": float})
CROSSED = "y ~ 1 + (1 | g) + (1 | h)"


def target(family: str, text: str, variant: str) -> SampledEffectsTarget:
    outcome = Outcome(family)
    data = compress(Formula(text).design(ROWS), outcome, families.columns(ROWS, outcome))
    return SampledEffectsTarget(data, complete({}, data), variant)


def model(*study):
    """The PyMC model of a target."""
    one = target(*study)
    return glm.model(one.data, one.priors, one.variant, one.working, one.coordinates)


def sizes(model) -> dict[str, int]:
    """Number of scalars of each free variable."""
    point = model.initial_point()
    return {v.name: point[model.rvs_to_values[v].name].size for v in model.free_RVs}


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("pooled", {"z": 1}),
        # z has beta and the effects of h, which has fewer groups than g.
        ("unpooled", {"z": 3, "z_effects": 3}),
        ("hierarchical", {"z": 3, "z_effects": 3, "sd_g": 1, "sd_h": 1}),
    ],
)
def test_the_effects_of_every_factor_are_sampled(variant, expected):
    found = model("poisson", CROSSED, variant)
    assert sizes(found) == expected
    effects = {d.name for d in found.deterministics if d.name.startswith("u_")}
    assert effects == (set() if variant == "pooled" else {"u_g", "u_h"})
    assert np.isfinite(found.compile_logp()(found.initial_point()))


def test_gaussian_effects_of_the_factor_with_most_groups_are_integrated_out():
    one = target("gaussian", CROSSED, "hierarchical")
    assert sizes(model("gaussian", CROSSED, "hierarchical")) == {
        "z": 3,
        "sigma": 1,
        "sd_g": 1,
        "sd_h": 1,
    }
    forms = {name: how["form"] for name, how in one.parameterisation.items()}
    assert forms["g"] == "integrated out" and forms["h"] != "integrated out"


def test_a_familys_own_parameters_are_sampled():
    found = model("negative_binomial", "y ~ 1 + (1 | g)", "hierarchical")
    assert sizes(found) == {"z": 1, "z_effects": 3, "sd_g": 1, "alpha": 1}
