"""Models whose group effects are sampled: their density, its gradient, and exact posteriors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from family_cases import hurdle, inflated, overdispersed, poisson
from interpreted import drawn_point, evaluated
from scipy import special, stats

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import glm, pirls, rows_model, starts
from partialpool.engine.centring import EffectCoordinates
from partialpool.engine.posterior import SampledParameters
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families, priors
from partialpool.sampler import sampling
from partialpool.study.outcome import Outcome

ROWS = 60
OUTCOMES = {
    "gaussian": Outcome(offset="shift", precision_weights="trials"),
    "student_t": Outcome(family="student_t", weights="times", precision_weights="trials"),
    "bernoulli": Outcome(family="bernoulli", weights="times"),
    "binomial": Outcome(family="binomial", trials="trials", offset="shift"),
    "poisson": Outcome(family="poisson", exposure="time", weights="times"),
    "negative_binomial": Outcome(family="negative_binomial", exposure="time"),
    "zero_inflated_poisson": Outcome(family="zero_inflated_poisson", exposure="time"),
    "zero_inflated_negative_binomial": Outcome(family="zero_inflated_negative_binomial"),
    "hurdle_poisson": Outcome(family="hurdle_poisson", weights="times"),
    "hurdle_negative_binomial": Outcome(family="hurdle_negative_binomial", offset="shift"),
    "hurdle_lognormal": Outcome(family="hurdle_lognormal", weights="times"),
    "hurdle_gamma": Outcome(family="hurdle_gamma"),
    "lognormal": Outcome(family="lognormal", offset="shift"),
    "gamma": Outcome(family="gamma", weights="times"),
    "weibull": Outcome(family="weibull"),
    "exponential": Outcome(family="exponential", weights="times", offset="shift"),
    "beta": Outcome(family="beta", weights="times"),
    "beta_binomial": Outcome(family="beta_binomial", trials="trials", offset="shift"),
}
BY_ROW = {
    "gaussian": lambda y, eta, p, n: stats.norm.logpdf(y, eta, p["sigma"]),
    "student_t": lambda y, eta, p, n: stats.t.logpdf(y, p["nu"], eta, p["sigma"]),
    "bernoulli": lambda y, eta, p, n: stats.bernoulli.logpmf(y, special.expit(eta)),
    "binomial": lambda y, eta, p, n: stats.binom.logpmf(y, n, special.expit(eta)),
    "poisson": lambda y, eta, p, n: stats.poisson.logpmf(y, np.exp(eta)),
    "negative_binomial": lambda y, eta, p, n: stats.nbinom.logpmf(
        y, p["alpha"], p["alpha"] / (p["alpha"] + np.exp(eta))
    ),
    "zero_inflated_poisson": lambda y, eta, p, n: inflated(poisson(y, eta), y, p["zi"]),
    "zero_inflated_negative_binomial": lambda y, eta, p, n: inflated(
        overdispersed(y, eta, p["alpha"]), y, p["zi"]
    ),
    "hurdle_poisson": lambda y, eta, p, n: hurdle(poisson(y, eta), y, p["hu"]),
    "hurdle_negative_binomial": lambda y, eta, p, n: hurdle(
        overdispersed(y, eta, p["alpha"]), y, p["hu"]
    ),
    "hurdle_lognormal": lambda y, eta, p, n: hurdle(
        (stats.lognorm.logpdf(y + (y == 0), p["sigma"], scale=np.exp(eta)), None), y, p["hu"]
    ),
    "hurdle_gamma": lambda y, eta, p, n: hurdle(
        (stats.gamma.logpdf(y + (y == 0), p["alpha"], scale=np.exp(eta) / p["alpha"]), None),
        y,
        p["hu"],
    ),
    "lognormal": lambda y, eta, p, n: stats.lognorm.logpdf(y, p["sigma"], scale=np.exp(eta)),
    "gamma": lambda y, eta, p, n: stats.gamma.logpdf(y, p["alpha"], scale=np.exp(eta) / p["alpha"]),
    "weibull": lambda y, eta, p, n: stats.weibull_min.logpdf(y, p["alpha"], scale=np.exp(eta)),
    "exponential": lambda y, eta, p, n: stats.expon.logpdf(y, scale=np.exp(eta)),
    "beta": lambda y, eta, p, n: stats.beta.logpdf(
        y, p["phi"] * special.expit(eta), p["phi"] * special.expit(-eta)
    ),
    "beta_binomial": lambda y, eta, p, n: stats.betabinom.logpmf(
        y, n, p["phi"] * special.expit(eta), p["phi"] * special.expit(-eta)
    ),
}
PRIORS = {
    "Intercept": "normal(0, 3)",
    "x": "normal(1, 2)",
    "sd": "half_normal(2)",
    "cor": "lkj(2)",
    "sigma": "half_normal(3)",
    "nu": "gamma(2, 0.1)",
    "alpha": "half_normal(5)",
    "phi": "half_normal(20)",
    "zi": "beta(2, 3)",
    "hu": "beta(3, 2)",
}


def table(family: str) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "x": rng.integers(0, 3, ROWS),
            "g": np.arange(ROWS) % 4,
            "h": rng.permutation(np.arange(ROWS) % 7),
            "shift": rng.integers(0, 2, ROWS) / 4,
            "time": rng.uniform(0.5, 2, ROWS).round(1),
            "times": rng.integers(1, 3, ROWS),
            "trials": rng.integers(3, 9, ROWS),
        }
    )
    eta = 0.3 + 0.4 * rows["x"] + rng.normal(size=4)[rows["g"]] + rng.normal(size=7)[rows["h"]] / 2
    drawn = families.FAMILIES[family].responses(
        rng,
        eta.to_numpy(),
        {"sigma": 0.7, "nu": 5.0, "alpha": 3.0, "phi": 4.0, "zi": 0.2, "hu": 0.3},
        rows["trials"].to_numpy(),
    )
    return rows.assign(y=drawn)


def small(family: str, formula: str, variant: str, non_centred=False, effects="normal", without=()):
    """Design, priors, rough values and coordinates of a study of sixty rows."""
    rows, outcome = table(family), OUTCOMES[family]
    design = Formula(formula).design(rows)
    values = families.columns(rows, outcome)
    data = build.compress(design, outcome, values)
    known = [*priors.of_response(outcome), "Intercept", "x", "sd"]
    known += ["cor"] if "1 + x |" in formula else []
    completed = priors.complete({k: PRIORS[k] for k in known if k not in without}, data, effects)
    found = pirls.solve(data, completed, variant)
    coordinates = EffectCoordinates.of(data, found, heavy=completed.nu)
    if non_centred:
        blocks = [block.non_centred() for block in coordinates.blocks]
        coordinates = replace(coordinates, blocks=blocks)
    return design, values, data, completed, found, coordinates


def log_joint(design, values, data, completed, variant, point, beta, u) -> float:
    """log p(rows, beta, deviations | variances) + log p(variances), row by row."""
    outcome = data.outcome
    eta = design.select_columns(design.coefficients) @ beta + families.offset(values, ROWS)
    total = 0.0
    covariance_of_rows = np.zeros((ROWS, ROWS))
    for factor in design.factors if variant != "pooled" else ():
        name, size = factor.name, len(factor.varying)
        sd = np.array(list(completed.wide[name].values()))
        correlation = np.eye(size)
        if variant == "hierarchical":
            sd = np.asarray(point[f"sd_{name}"])
            scales = [prior.arguments[0] for prior in completed.sd[name].values()]
            total += stats.halfnorm(scale=scales).logpdf(sd).sum()
            if f"partial_cor_{name}" in point:
                partial = point[f"partial_cor_{name}"]
                correlation[0, 1] = correlation[1, 0] = 2 * partial[0] - 1
                total += stats.beta(2, 2).logpdf(partial).sum()
        covariance = sd[:, None] * correlation * sd
        columns = design.select_columns(factor.varying)
        if name in completed.at_averages:
            x = design.select_columns(["x"])[:, 0]
            average = np.average(x, weights=values.get("weights"))
            columns = np.column_stack([np.ones(ROWS), x - average])
        if f"u_{name}" in u:
            effects = u[f"u_{name}"]
            if name in completed.nu:
                nu = point[f"nu_{name}"]
                total += stats.gamma(2, scale=10).logpdf(nu)
                total += stats.multivariate_t(np.zeros(size), covariance, nu).logpdf(effects).sum()
            else:
                total += stats.multivariate_normal(None, covariance).logpdf(effects).sum()
            eta = eta + (columns * effects[factor.index]).sum(axis=1)
        else:
            same = factor.index[:, None] == factor.index
            covariance_of_rows += (columns @ covariance @ columns.T) * same
    weights = values.get("weights", np.ones(ROWS))
    of_rows = dict(point)
    if outcome.precision_weights:
        of_rows["sigma"] = point["sigma"] / np.sqrt(values["precision weights"])
    if covariance_of_rows.any():
        rows = covariance_of_rows + np.diag(of_rows["sigma"] ** 2)
        total += stats.multivariate_normal(eta, rows).logpdf(design.y)
    else:
        by_row = BY_ROW[outcome.family](design.y, eta, of_rows, values.get("trials"))
        total += (weights * by_row).sum()
    of_beta = {"Intercept": stats.norm(0, 3), "x": stats.norm(1, 2)}
    total += sum(of_beta[n].logpdf(b) for n, b in zip(design.coefficients, beta, strict=True))
    scipy = {
        "sigma": stats.halfnorm(scale=3),
        "nu": stats.gamma(2, scale=10),
        "alpha": stats.halfnorm(scale=5),
        "phi": stats.halfnorm(scale=20),
        "zi": stats.beta(2, 3),
        "hu": stats.beta(3, 2),
    }
    return total + sum(scipy[name].logpdf(point[name]) for name in data.family.parameter_names)


CASES = [
    *((family, "y ~ x + (1 + x | g) + (1 | h)", "hierarchical", False) for family in OUTCOMES),
    *((family, "y ~ x + (1 | g/h)", "unpooled", False) for family in OUTCOMES),
    *((f, "y ~ x + (1 + x | g)", "hierarchical", True) for f in OUTCOMES if f != "gaussian"),
    *((family, "y ~ x + (1 | g) + (1 | h)", "pooled", False) for family in OUTCOMES),
    ("gaussian", "y ~ x + (1 + x | g) + (1 | h)", "hierarchical", True),
    ("poisson", "y ~ x + (1 | g) + (1 | h) + (0 + x | g:h)", "hierarchical", False),
    # Columns that vary and are not those that all groups share.
    *((f, "y ~ 1 + (1 + x | g) + (0 + x | h)", "hierarchical", False) for f in OUTCOMES),
    ("gaussian", "y ~ 0 + x + (1 | g) + (x || h)", "hierarchical", False),
    ("binomial", "y ~ 0 + x + (x || g)", "unpooled", False),
]


@pytest.mark.parametrize(("family", "formula", "variant", "non_centred"), CASES)
def test_density_is_that_of_the_rows(family, formula, variant, non_centred):
    """Whatever the coordinates are: merged rows, centred effects, effects integrated out."""
    check_density(*small(family, formula, variant, non_centred), variant)


def check_density(design, values, data, completed, found, coordinates, variant):
    """Hold a model's density against that of rows, effects and variances, at two points."""
    model = glm.model(data, completed, variant, found, coordinates)
    evaluate = evaluated(model)
    rng = np.random.default_rng(8)
    differences, references = [], []
    for _ in range(2):
        point = drawn_point(model, rng)
        density, beta, u = evaluate(point)
        origin = np.concatenate([beta, *(one.ravel() for one in u.values())])
        steps = []
        # beta and deviations are linear in the coordinates, so a step of one is a derivative.
        for name in (name for name in point if name in ("z", "z_effects")):
            for i in range(point[name].size):
                step = np.zeros(point[name].size)
                step[i] = 1
                _, b, v = evaluate({**point, name: point[name] + step.reshape(point[name].shape)})
                steps.append(np.concatenate([b, *(one.ravel() for one in v.values())]) - origin)
        reference = log_joint(design, values, data, completed, variant, point, beta, u)
        differences.append(density - np.linalg.slogdet(np.array(steps))[1] - reference)
        references.append(reference)
    # What is left is a constant: determinants of fixed maps, and powers of 2 pi.
    assert np.ptp(differences) <= 1e-8 * np.abs(references).max()


@pytest.mark.parametrize("variant", ["unpooled", "hierarchical"])
@pytest.mark.parametrize("family", OUTCOMES)
def test_density_with_priors_at_the_averages(family, variant):
    """Priors that are not written hold for the deviations at the averages of the predictors."""
    formula = "y ~ x + (1 + x | g) + (1 | h)"
    *found, completed, rough, coordinates = small(family, formula, variant, without=("sd", "cor"))
    assert completed.at_averages == ("g",)
    check_density(*found, completed, rough, coordinates, variant)


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | g)", "y ~ x + (1 + x | g) + (1 | h)"])
def test_density_with_student_t_effects(formula):
    check_density(*small("poisson", formula, "hierarchical", effects="student_t"), "hierarchical")


def test_gradient():
    """Of the compiled density, with gathers and sums over groups, against differences of it."""
    *_, data, completed, found, coordinates = small(
        "poisson", "y ~ x + (1 + x | g) + (1 | h)", "hierarchical"
    )
    density = rows_model.compiled(data, completed, "hierarchical", found, coordinates).density
    start = density.start
    position = start + np.random.default_rng(4).normal(size=start.size) / 3
    gradient = density(position)[1]
    steps = 1e-5 * np.eye(start.size)
    differences = [(density(position + s)[0] - density(position - s)[0]) / 2e-5 for s in steps]
    assert np.abs(gradient - differences).max() < 1e-5 * np.abs(gradient).max()


def test_a_factor_that_is_non_centred_follows_no_other():
    *_, data, completed, found, coordinates = small(
        "poisson", "y ~ x + (1 | g) + (1 | h)", "hierarchical", non_centred=True
    )
    model = glm.model(data, completed, "hierarchical", found, coordinates)
    point = drawn_point(model, np.random.default_rng(6))
    name = coordinates.blocks[0].factor.name
    _, _, u = evaluated(model)(point)
    assert u[f"u_{name}"][:, 0] == pytest.approx(point[f"sd_{name}"][0] * point["z_effects"][0])


def test_another_attempt_learns_from_the_last():
    """It has the variances of its draws; a third is non-centred where rows say little."""
    _, _, data, completed, *_ = small("poisson", "y ~ x + (1 + x | g) + (1 | h)", "hierarchical")
    first = SampledEffectsTarget(data, completed, "hierarchical")
    model = first.compiled()
    size = len(model.density.start)
    positions = np.random.default_rng(2).normal(size=(1, 50, size)) / 5
    draws = SampledParameters(model.constrain(positions), data, completed, "hierarchical")
    second, third = (first.next_attempt(draws, attempt) for attempt in (1, 2))
    for factor, covariance in zip(data.factors, second.working.covariance, strict=True):
        assert np.allclose(covariance, draws.covariance(factor))
    for heard, block in zip(second.coordinates.blocks, third.coordinates.blocks, strict=True):
        assert heard.root.any()
        assert block.root.any() != heard.mostly_prior(second.working)


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | g) + (1 | h)", "y ~ x + (1 + x | g)"])
def test_starts_are_on_the_scale_of_the_data(formula):
    """Also of coefficients that vary by group, whatever sds the chains start with."""
    *_, data, completed, found, coordinates = small("student_t", formula, "hierarchical")
    model = rows_model.compiled(data, completed, "hierarchical", found, coordinates)
    move = starts.overdispersed(model, coordinates.centre, data, completed, "hierarchical")
    begun = move(sampling.dispersed(model, 8, 1))
    slopes = model.constrain(begun[None])["beta"].values[0, :, 1]
    reach = 2 * data.response_sd / data.sd["x"]
    rough_slope = abs(coordinates.centre[1])
    assert np.abs(slopes).max() <= reach + rough_slope
    assert np.ptp(slopes) > 1.5 * reach
    assert (slopes > np.median(slopes)).sum() == 4
