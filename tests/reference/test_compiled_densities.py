"""Compiled densities against the PyMC models that define them: values, gradients, variables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from positions import defined, places_of

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import gaussian, glm
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.kernel_parts import CODES
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families, priors
from partialpool.model.prior_families import FAMILIES
from partialpool.sampler.pymc_model import PymcModel
from partialpool.study.outcome import Outcome

TOLERANCE = 1e-10
OUTCOMES = {
    "gaussian": Outcome(precision_weights="time"),
    "student_t": Outcome(family="student_t", weights="trials"),
    "bernoulli": Outcome(family="bernoulli", offset="shift"),
    "binomial": Outcome(family="binomial", trials="trials"),
    "poisson": Outcome(family="poisson", exposure="time"),
    "negative_binomial": Outcome(family="negative_binomial", weights="trials"),
    "zero_inflated_poisson": Outcome(family="zero_inflated_poisson", exposure="time"),
    "zero_inflated_negative_binomial": Outcome(
        family="zero_inflated_negative_binomial", weights="trials"
    ),
    "hurdle_poisson": Outcome(family="hurdle_poisson", weights="trials"),
    "hurdle_negative_binomial": Outcome(family="hurdle_negative_binomial", offset="shift"),
    "hurdle_lognormal": Outcome(family="hurdle_lognormal", weights="trials"),
    "hurdle_gamma": Outcome(family="hurdle_gamma", offset="shift"),
    "lognormal": Outcome(family="lognormal", weights="trials"),
    "gamma": Outcome(family="gamma", offset="shift"),
    "weibull": Outcome(family="weibull"),
    "exponential": Outcome(family="exponential", weights="trials", offset="shift"),
    "beta": Outcome(family="beta", weights="trials", offset="shift"),
    "beta_binomial": Outcome(family="beta_binomial", trials="trials"),
}
ONE_FACTOR = (
    "y ~ x + (1 | g)",
    "y ~ x + w + (1 + x | g)",
    "y ~ x + (1 + x + w | g)",
    "y ~ w + (0 + x | g)",
    "y ~ 0 + x + w + (1 + x || g)",
)
SEVERAL = (
    "y ~ x + (1 + x | g) + (1 | h)",
    "y ~ x + w + (1 | g/h)",
    "y ~ 1 + (0 + x | g) + (1 + w | h) + (1 | g:h)",
    "y ~ x + (1 + x || g) + (1 + w | h)",
)
SIGMAS = ("estimated", "by_group", "~ (1 | g)", 0.7, "time")


def table(family: str, rows: int, groups: int, others: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.concatenate([np.arange(groups), rng.integers(groups, size=rows)])
    h = np.concatenate([np.arange(others), rng.integers(others, size=rows)])
    size = max(len(g), len(h))
    g, h = np.resize(g, size), np.resize(h, size)
    x, w = rng.normal(0.5, 1, size).round(1), rng.normal(size=size).round(1)
    eta = 0.3 + 0.5 * x + rng.normal(size=groups)[g] / 2 + rng.normal(size=others)[h] / 3
    trials = rng.integers(2, 9, size)
    truth = {"sigma": 0.7, "nu": 5.0, "alpha": 3.0, "phi": 4.0, "zi": 0.2, "hu": 0.3}
    y = families.FAMILIES[family].responses(rng, eta, truth, trials)
    return pd.DataFrame(
        {
            **{"y": y, "x": x, "w": w, "trials": trials},
            **{"g": [f"g{i:03}" for i in g], "h": [f"h{i:03}" for i in h]},
            "time": rng.uniform(0.5, 2, size).round(1),
            "shift": rng.normal(size=size).round(1),
        }
    )


def targets(rows, formula, outcome, variant, written, effects="normal"):
    """The target of a study, and its PyMC model."""
    design = Formula(formula).design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    completed = priors.complete(written, data, effects)
    if data.closed_form:
        target = CollapsedTarget(data, completed, variant)
        return target, lambda: gaussian.model(data, completed, variant)
    target = SampledEffectsTarget(data, completed, variant)
    return target, lambda: glm.model(data, completed, variant, target.working, target.coordinates)


def agree(target, model, seed: int, spread: float = 0.4) -> None:
    compiled, rng = target.compiled(), np.random.default_rng(seed)
    start = compiled.density.start
    position = start + spread * rng.normal(size=start.shape)
    value, gradient = compiled.density(position)
    expected, slope = defined(compiled, model, position)
    # PyMC has log 2 in single precision in the densities of these.
    halves = [CODES["half_student_t"], CODES["half_cauchy"]]
    rounded = np.isin(compiled.density.fields.values["PRIOR_CODES"], halves)
    expected += rounded.sum() * (np.log(2) - float(np.log(np.float32(2))))
    assert value == pytest.approx(expected, rel=TOLERANCE)
    assert np.abs(gradient - slope).max() <= TOLERANCE * np.abs(slope).max()


few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@few
@given(
    formula=st.sampled_from(ONE_FACTOR),
    variant=st.sampled_from(("pooled", "unpooled", "hierarchical")),
    sigma=st.sampled_from(SIGMAS),
    effects=st.sampled_from(("normal", "student_t")),
    groups=st.integers(2, 140),
    rows=st.integers(20, 300),
)
def test_a_collapsed_gaussian_density_is_its_definition(
    formula, variant, sigma, effects, groups, rows
):
    drawn = table("gaussian", rows, groups, 3, seed=groups)
    target, model = targets(drawn, formula, Outcome(sigma=sigma), variant, {}, effects)
    agree(target, model(), seed=rows)


@few
@given(
    family=st.sampled_from(sorted(OUTCOMES)),
    formula=st.sampled_from(SEVERAL),
    variant=st.sampled_from(("pooled", "unpooled", "hierarchical")),
    effects=st.sampled_from(("normal", "student_t")),
    groups=st.integers(2, 40),
    others=st.integers(2, 12),
    rows=st.integers(20, 600),
)
def test_a_density_of_several_factors_is_its_definition(
    family, formula, variant, effects, groups, others, rows
):
    drawn = table(family, rows, groups, others, seed=groups)
    target, model = targets(drawn, formula, OUTCOMES[family], variant, {}, effects)
    agree(target, model(), seed=rows)


@pytest.mark.parametrize("non_centred", [False, True])
@pytest.mark.parametrize("variant", ["unpooled", "hierarchical"])
@pytest.mark.parametrize("family", [name for name in OUTCOMES if name != "gaussian"])
def test_a_density_of_sampled_effects_is_its_definition(family, variant, non_centred):
    """Of every family, also where the working model tells nothing of the effects."""
    drawn = table(family, 200, 17, 5, seed=3)
    target, model = targets(drawn, "y ~ x + w + (1 + x | g)", OUTCOMES[family], variant, {})
    if non_centred:
        blocks = [block.non_centred() for block in target.coordinates.blocks]
        target.coordinates = replace(target.coordinates, blocks=blocks)
    built = model()
    agree(target, built, seed=1)
    if family == "poisson" and variant == "hierarchical":
        compiled = target.compiled()
        positions = compiled.density.start + np.random.default_rng(1).normal(
            size=(2, 3, len(compiled.density.start))
        )
        check_variables(compiled, built, positions)


def check_variables(compiled, model, positions):
    """`constrain` of both."""
    found, definition = compiled.constrain(positions), PymcModel(model, 2)
    places = places_of(compiled, model)
    order = [places[model.values_to_rvs[value].name] for value in model.continuous_value_vars]
    expected = definition.constrain(positions[..., np.concatenate([at.ravel() for at in order])])
    for name, values in found.items():
        assert values.dims == expected[name].dims
        assert np.allclose(values, expected[name], rtol=1e-10, atol=1e-12), name


WRITTEN = {
    "real": {"normal": (1, 2), "student_t": (3, 0, 2), "cauchy": (0.5, 2), "laplace": (0, 1),
             "logistic": (1, 0.5)},
    "positive": {"half_normal": (2,), "half_cauchy": (1,), "half_student_t": (4, 1),
                 "exponential": (2,), "gamma": (2, 0.5), "inverse_gamma": (3, 2),
                 "lognormal": (0.2, 0.7)},
}  # fmt: skip


def test_every_family_of_priors_is_written_here():
    ours = {n: f.support for n, f in FAMILIES.items() if f.support in WRITTEN}
    assert ours == {name: support for support, some in WRITTEN.items() for name in some}


@pytest.mark.parametrize("family", WRITTEN["real"])
def test_priors_of_coefficients(family):
    text = f"{family}({', '.join(map(str, WRITTEN['real'][family]))})"
    drawn = table("poisson", 60, 4, 3, seed=2)
    written = {"x": text, "Intercept": text, "w": "normal(0, 1)"}
    for outcome in (Outcome(), OUTCOMES["poisson"]):
        target, model = targets(drawn, "y ~ x + w + (1 | g)", outcome, "hierarchical", written)
        agree(target, model(), seed=4)


@pytest.mark.parametrize("family", WRITTEN["positive"])
def test_priors_of_positive_parameters(family):
    """Of one sd that is written and one that is not, of sigma by group, and of alpha."""
    text = f"{family}({', '.join(map(str, WRITTEN['positive'][family]))})"
    formula = "y ~ x + (1 + x | g)"
    written = {"sd_g[x]": text, "sigma": text, "cor": "lkj(3)"}
    drawn = table("gaussian", 80, 5, 3, seed=2)
    target, model = targets(drawn, formula, Outcome(sigma="by_group"), "hierarchical", written)
    agree(target, model(), seed=5)
    drawn, written = table("negative_binomial", 80, 5, 3, seed=2), {"sd": text, "alpha": text}
    outcome = Outcome(family="negative_binomial")
    target, model = targets(drawn, formula, outcome, "hierarchical", written)
    agree(target, model(), seed=6)
