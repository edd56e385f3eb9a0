"""The collapsed model's density is the density of the rows, to rounding."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytensor
import pytest
from exact import log_density
from pytensor.compile.mode import Mode
from scipy import stats

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import gaussian, preconditioner
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome

INTERPRETED = Mode(linker="py", optimizer=None)
GROUPS, ROWS = 4, 6
DRAWN = "~ (1 | g)"  # each group's sigma is drawn from a distribution
WIDE = 30.0
PRIORS = {
    "Intercept": "student_t(4, 1, 20)",
    "x": "normal(1, 3)",
    "v": "normal(-1, 2)",
    "sd": "half_cauchy(2)",
    "cor": "lkj(2)",
    "sigma": "gamma(2, 1)",
    "sd_log_sigma": "half_cauchy(0.5)",
    "nu_g": "gamma(2, 0.2)",
}
MIXED = {"sd_g[x]": "gamma(3, 1)"}  # of another family than that of the intercept
SCIPY = {
    "Intercept": stats.t(4, 1, 20),
    "x": stats.norm(1, 3),
    "v": stats.norm(-1, 2),
    "half_cauchy(2)": stats.halfcauchy(scale=2),
    "sigma": stats.gamma(2),
    "sd_log_sigma": stats.halfcauchy(scale=0.5),
    "gamma(3, 1)": stats.gamma(3),
    "nu_g": stats.gamma(2, scale=5),
}


def table(offset: float) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    group = np.repeat(list("abcd"), ROWS)
    x = rng.normal(size=GROUPS * ROWS) + offset
    y = 1 + 2 * (x - offset) + rng.normal(size=GROUPS * ROWS)
    se, w = rng.uniform(0.5, 2, (2, len(x)))
    v = np.random.default_rng(12).normal(3, 1, len(x))
    return pd.DataFrame({"g": group, "x": x, "y": y, "se": se, "w": 20 * w, "v": v})


def basis(varying, rows, at_averages: bool) -> np.ndarray:
    """From deviations at the means of predictors to those of the coefficients, by definition."""
    found = np.eye(len(varying))
    if at_averages:
        found[0] = [1, *(-rows[name].mean() for name in varying[1:])]
    return found


def compressed(formula: str, sigma, offset: float, weights: str | None = None):
    rows = table(offset)
    outcome = Outcome(sigma=sigma, precision_weights=weights)
    design = Formula(formula).design(rows)
    return rows, design, build.compress(design, outcome, families.columns(rows, outcome))


def free_point(data, completed, variant, rng) -> dict:
    """Values of the model's free variables, those that are not flat on their own scale."""
    point = {"z": rng.normal(size=len(data.coefficients))}
    if data.outcome.has_hierarchical_sigma:
        point["sigma_median"] = rng.uniform(0.5, 2)
        if variant != "pooled":
            point["z_sigma"] = rng.normal(size=GROUPS)
        if variant == "hierarchical":
            point["sd_log_sigma"] = rng.uniform(0.1, 1)
    elif data.family.estimates_sigma(data.outcome):
        point["sigma"] = rng.uniform(0.5, 2, GROUPS if data.outcome.sigma_by_group else None)
    if variant == "hierarchical":
        point["sd_g"] = rng.uniform(0.2, 2, len(data.varying))
        if "g" in completed.cor:
            point["partial_cor_g"] = rng.uniform(0.2, 0.8, 1)
        if completed.nu:
            point["nu_g"] = rng.uniform(2, 20)
            point["stretch_g"] = rng.normal(size=GROUPS)
    return point


def log_posterior_by_rows(rows, design, data, completed, variant, point, found) -> float:
    """log p(rows | parameters) + log p(parameters), group by group, row by row.

    `found` has what follows from the flat variables: beta, each group's sigma where it is drawn,
    and what stretches its deviations. Of the latter two the density is that of the logarithm.
    """
    beta = found["beta"]
    [factor] = design.factors
    varying, population = (
        design.select_columns(factor.varying),
        design.select_columns(design.coefficients),
    )
    sd = point.get("sd_g", np.full(len(factor.varying), WIDE * (variant == "unpooled")))
    correlation = np.eye(len(sd))
    if "partial_cor_g" in point:
        correlation[0, 1] = correlation[1, 0] = 2 * point["partial_cor_g"][0] - 1
    covariance = sd[:, None] * correlation * sd
    turned = basis(factor.varying, rows, bool(completed.at_averages))
    sigma = found.get("sigma", point.get("sigma", data.known_sigma))
    sigma = np.broadcast_to(sigma, GROUPS)
    stretch = found.get("scale_g", np.ones(GROUPS))
    total = 0.0
    for index in range(GROUPS):
        at = factor.index == index
        noise = rows["se"].to_numpy()[at] if data.outcome.errors else sigma[[index] * at.sum()]
        if data.outcome.precision_weights:
            noise = noise / np.sqrt(rows["w"].to_numpy()[at])
        stretched = stretch[index] * varying[at]
        total += exact_normal(
            design.y[at], population[at], beta, stretched, turned, covariance, noise**2
        )
    total += sum(
        SCIPY[name].logpdf(value) for name, value in zip(data.coefficients, beta, strict=True)
    )
    if "sigma" in point:
        total += SCIPY["sigma"].logpdf(point["sigma"]).sum()
    if "sigma_median" in point:
        total += SCIPY["sigma"].logpdf(point["sigma_median"])
    if "z_sigma" in point:
        spread = point.get("sd_log_sigma", priors.WIDE_LOG_SIGMA)
        total += stats.norm(np.log(point["sigma_median"]), spread).logpdf(np.log(sigma)).sum()
    if "sd_log_sigma" in point:
        total += SCIPY["sd_log_sigma"].logpdf(point["sd_log_sigma"])
    if "sd_g" in point:
        chosen = [
            stats.halfnorm(scale=prior.arguments[0])
            if prior.family == "half_normal"
            else SCIPY[str(prior)]
            for prior in completed.sd["g"].values()
        ]
        total += sum(prior.logpdf(value) for prior, value in zip(chosen, sd, strict=True))
    if "partial_cor_g" in point:
        total += stats.beta(2, 2).logpdf(point["partial_cor_g"]).sum()
    if "nu_g" in point:
        nu, precision = point["nu_g"], stretch**-2
        of_precision = stats.gamma(nu / 2, scale=2 / nu).logpdf(precision)
        total += SCIPY["nu_g"].logpdf(nu) + (of_precision + np.log(precision)).sum()
    return total


def exactly(values):
    return np.vectorize(lambda v: Fraction(float(v)), otypes=[object])(values)


def exact_normal(y, population, beta, varying, turned, covariance, noise) -> float:
    """Density of one group's rows, the mean and covariance of the rows formed exactly."""
    z = exactly(varying) @ exactly(turned)
    rows = z @ exactly(covariance) @ z.T if z.shape[1] else exactly(np.zeros((len(y), len(y))))
    rows = rows + np.diag(exactly(noise))
    return log_density(exactly(y), exactly(population) @ exactly(beta), rows)


FORMULAS = ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)", "y ~ x + (0 + x | g)"]
SIGMAS = ["estimated", "by_group", 1.5, "se", DRAWN]
ONE, SLOPE, _ = FORMULAS
CASES = [
    *itertools.product(
        FORMULAS, SIGMAS, ["pooled", "unpooled", "hierarchical"], ["normal"], [0.0, 1e6], [None]
    ),
    *itertools.product(FORMULAS, SIGMAS, ["hierarchical"], ["student_t"], [0.0, 1e6], [None]),
    *itertools.product(
        [ONE], ["estimated", "by_group", 1.5, DRAWN], ["unpooled"], ["normal"], [0.0], ["w"]
    ),
    *itertools.product(
        [SLOPE], ["estimated", DRAWN], ["hierarchical"], ["student_t"], [0.0, 1e6], ["w"]
    ),
]
# Columns that vary, and those that all groups share, in other places or without the others.
OTHERS = [
    "y ~ v + x + (0 + x | g)",
    "y ~ v + (1 + x | g)",
    "y ~ 1 + (0 + x + v | g)",
    "y ~ 0 + x + (x || g)",
    "y ~ x + v + (1 | g)",
]
CASES += [
    (formula, sigma, variant, effects, 0.0, None)
    for formula in OTHERS
    for sigma, variant, effects in (
        ("estimated", "hierarchical", "normal"), ("se", "unpooled", "normal"),
        ("by_group", "hierarchical", "student_t"),
    )
]  # fmt: skip
CASES = [(*case, ()) for case in CASES]
CASES += [
    ("y ~ v + (1 + x | g)", "estimated", variant, "normal", 0.0, None, ("sd", "cor"))
    for variant in ("unpooled", "hierarchical")
]
# Without what holds as written, priors are on the deviations at the averages.
CASES += [
    (FORMULAS[1], sigma, variant, effects, offset, None, ("sd", "cor"))
    for sigma in ("estimated", "se", DRAWN)
    for variant, effects in (
        ("unpooled", "normal"), ("hierarchical", "normal"), ("hierarchical", "student_t"),
    )
    for offset in (5.0, 1e6)
]  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "sigma", "variant", "effects", "offset", "weights", "without"), CASES
)
def test_collapsed_density_is_that_of_the_rows(
    formula, sigma, variant, effects, offset, weights, without
):
    rng = np.random.default_rng(5)
    rows, design, data = compressed(formula, sigma, offset, weights)
    given = PRIORS | (MIXED if effects == "student_t" else {})
    completed = priors.complete({k: v for k, v in given.items() if k not in without}, data, effects)
    assert completed.at_averages == (("g",) if without else ())
    completed = replace(completed, wide={"g": dict.fromkeys(data.varying, WIDE)})
    evaluate = compiled(gaussian.model(data, completed, variant))

    differences, references = [], []
    for _ in range(3):
        point = free_point(data, completed, variant, rng)
        density, found = evaluate(point)
        references.append(
            log_posterior_by_rows(rows, design, data, completed, variant, point, found)
        )
        volume = log_volume(lambda point: evaluate(point)[1], point, offset)
        differences.append(density - volume - references[-1])
    # The model leaves out the determinant of the fixed part of the map from z to beta, and the
    # constant of the normal density of log sigma.
    left_out = -np.linalg.slogdet(fixed_part(data, completed, variant))[1]
    if "z_sigma" in point:
        left_out += GROUPS * gaussian.LOG_SQRT_2PI
    assert np.abs(np.array(differences) - left_out).max() <= 1e-8 * np.abs(references).max()


def fixed_part(data, completed, variant):
    """What is the same at all points of the map from z to beta."""
    return preconditioner.CollapsedModel.of(data, completed, variant).coordinates.inverse


def log_volume(follows, point, offset) -> float:
    """log |d (beta, log sigma, log precision) / d (z, z_sigma, stretch)|.

    What follows from a flat variable is a straight line in it, so differences are derivatives.
    Those of beta move nothing else, so the determinant is the product of the three.
    """
    # With the intercept at the average predictor, to keep the digits.
    level = np.array([[1, offset], [0, 1]]) if offset else np.eye(len(point["z"]))
    maps = {
        "z": lambda found: level @ found["beta"],
        "z_sigma": lambda found: np.log(found["sigma"]),
        "stretch_g": lambda found: -2 * np.log(found["scale_g"]),
    }
    total = 0.0
    for name in maps.keys() & point.keys():
        columns = []
        for step in np.eye(len(point[name])):
            ahead, behind = (follows(point | {name: point[name] + s * step}) for s in (1, -1))
            columns.append((maps[name](ahead) - maps[name](behind)) / 2)
        total += np.linalg.slogdet(columns)[1]
    return total


def compiled(model):
    """From values of the free variables to the log density and what follows, interpreted."""
    inputs, transforms = list(model.rvs_to_values.values()), {}
    for variable in model.rvs_to_values:
        transform = model.rvs_to_transforms[variable]
        if transform is not None:
            raw = variable.type(f"{variable.name}_raw")
            transforms[variable.name] = pytensor.function(
                [raw], transform.forward(raw, *variable.owner.inputs), mode=INTERPRETED
            )
    names = [variable.name for variable in model.deterministics]
    outputs = [model.logp(jacobian=False), *model.replace_rvs_by_values(model.deterministics)]
    function = pytensor.function(inputs, outputs, mode=INTERPRETED)

    def evaluate(point):
        assert set(point) == {variable.name for variable in model.rvs_to_values}
        arguments = []
        for variable in model.rvs_to_values:
            value = np.asarray(point[variable.name], dtype=float)
            arguments.append(transforms.get(variable.name, lambda v: v)(value))
        density, *follows = function(*arguments)
        return float(density), dict(zip(names, follows, strict=True))

    return evaluate
