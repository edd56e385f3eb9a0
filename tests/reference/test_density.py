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

from partialpool import compress, priors
from partialpool.formula import Formula
from partialpool.models import collapse, gaussian, rough

INTERPRETED = Mode(linker="py", optimizer=None)
GROUPS, ROWS = 4, 6
PRIORS = {
    "Intercept": "student_t(4, 1, 20)",
    "x": "normal(1, 3)",
    "sd": "half_cauchy(2)",
    "cor": "lkj(2)",
    "sigma": "gamma(2, 1)",
}
SCIPY = {
    "Intercept": stats.t(4, 1, 20),
    "x": stats.norm(1, 3),
    "sd": stats.halfcauchy(scale=2),
    "sigma": stats.gamma(2),
}


def table(offset: float) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    group = np.repeat(list("abcd"), ROWS)
    x = rng.normal(size=GROUPS * ROWS) + offset
    y = 1 + 2 * (x - offset) + rng.normal(size=GROUPS * ROWS)
    return pd.DataFrame({"g": group, "x": x, "y": y, "se": rng.uniform(0.5, 2, len(x))})


def compressed(formula: str, sigma, offset: float):
    rows = table(offset)
    design = Formula(formula).design(rows)
    errors = rows["se"].to_numpy() if sigma == "se" else None
    return rows, design, compress.compress(design, "y", sigma, errors)


def free_point(data, variant, rng) -> dict:
    """Values of the model's free variables other than z, on their own scale."""
    point = {}
    if data.sigma_estimated:
        size = GROUPS if data.sigma == "by_group" else None
        point["sigma"] = np.asarray(rng.uniform(0.5, 2, size))
    if variant == "hierarchical":
        point["sd_g"] = rng.uniform(0.2, 2, len(data.varying))
        if len(data.varying) > 1:
            point["partial_cor_g"] = rng.uniform(0.2, 0.8, 1)
    return point


def log_posterior_by_rows(rows, design, data, completed, variant, beta, point) -> float:
    """log p(rows | beta, variances) + log p(beta, variances), group by group, row by row."""
    varying = design.matrix[:, : len(design.varying)]
    population = design.matrix[:, [design.columns.index(c) for c in design.coefficients]]
    if variant == "hierarchical":
        sd = point["sd_g"]
    else:
        sd = np.array(list(completed.wide.values())) * (variant == "unpooled")
    correlation = np.eye(len(sd))
    if "partial_cor_g" in point:
        correlation[0, 1] = correlation[1, 0] = 2 * point["partial_cor_g"][0] - 1
    covariance = sd[:, None] * correlation * sd
    total = 0.0
    for index, label in enumerate(design.levels):
        at = design.groups == label
        if data.sigma == "se":
            noise = rows["se"].to_numpy()[at] ** 2
        elif data.sigma_estimated:
            noise = np.full(at.sum(), np.broadcast_to(point["sigma"], GROUPS)[index] ** 2)
        else:
            noise = np.full(at.sum(), data.sigma**2)
        total += exact_normal(design.y[at], population[at], beta, varying[at], covariance, noise)
    total += SCIPY["Intercept"].logpdf(beta[0]) + SCIPY["x"].logpdf(beta[1])
    if "sigma" in point:
        total += SCIPY["sigma"].logpdf(point["sigma"]).sum()
    if "sd_g" in point:
        total += SCIPY["sd"].logpdf(point["sd_g"]).sum()
    if "partial_cor_g" in point:
        total += stats.beta(2, 2).logpdf(point["partial_cor_g"]).sum()
    return total


def exactly(values):
    return np.vectorize(lambda v: Fraction(float(v)), otypes=[object])(values)


def exact_normal(y, population, beta, varying, covariance, noise) -> float:
    """Density of one group's rows, the mean and covariance of the rows formed exactly."""
    z = exactly(varying)
    rows = z @ exactly(covariance) @ z.T if z.shape[1] else exactly(np.zeros((len(y), len(y))))
    rows = rows + np.diag(exactly(noise))
    return log_density(exactly(y), exactly(population) @ exactly(beta), rows)


CASES = list(
    itertools.product(
        ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)", "y ~ x + (0 + x | g)"],
        ["estimated", "by_group", 1.5, "se"],
        ["pooled", "unpooled", "hierarchical"],
        [0.0, 1e6],
    )
)


@pytest.mark.parametrize(("formula", "sigma", "variant", "offset"), CASES)
def test_collapsed_density_is_that_of_the_rows(formula, sigma, variant, offset):
    rng = np.random.default_rng(5)
    rows, design, data = compressed(formula, sigma, offset)
    given = {k: v for k, v in PRIORS.items() if k != "sigma" or data.sigma_estimated}
    completed = priors.complete(given, data)
    completed = replace(completed, wide={name: 30.0 for name in data.varying})
    model = gaussian.model(data, completed, variant)
    evaluate = compiled(model)

    differences, references = [], []
    for _ in range(3):
        point, z = free_point(data, variant, rng), rng.normal(size=2)
        density, beta = evaluate(z, point)
        steps = [evaluate(z + step, point)[1] - evaluate(z - step, point)[1] for step in np.eye(2)]
        # In coordinates in which the intercept is at the average predictor, to keep the digits.
        centred = np.array([[1, offset], [0, 1]]) @ np.column_stack(steps) / 2
        reference = log_posterior_by_rows(rows, design, data, completed, variant, beta, point)
        differences.append(density - np.linalg.slogdet(centred)[1] - reference)
        references.append(reference)
    # The determinant of the fixed part of the map from z to beta is left out of the model.
    triangles = collapse.Triangles.split(data, 0 if variant == "pooled" else len(data.varying))
    fixed = rough.Coordinates.of(data, completed, triangles, variant).inverse
    differences = np.array(differences) + np.linalg.slogdet(fixed)[1]
    assert np.abs(differences).max() <= 1e-8 * np.abs(references).max()


def compiled(model):
    """`(z, values of the other free variables) -> (log density, beta)`, interpreted."""
    inputs, transforms = list(model.rvs_to_values.values()), {}
    for variable in model.rvs_to_values:
        transform = model.rvs_to_transforms[variable]
        if transform is not None:
            raw = variable.type(f"{variable.name}_raw")
            transforms[variable.name] = pytensor.function(
                [raw], transform.forward(raw, *variable.owner.inputs), mode=INTERPRETED
            )
    [beta] = model.replace_rvs_by_values([model["beta"]])
    function = pytensor.function(inputs, [model.logp(jacobian=False), beta], mode=INTERPRETED)

    def evaluate(z, point):
        given = {"z": z, **point}
        arguments = []
        for variable in model.rvs_to_values:
            value = np.asarray(given[variable.name], dtype=float)
            arguments.append(transforms.get(variable.name, lambda v: v)(value))
        density, coefficients = function(*arguments)
        return float(density), coefficients

    return evaluate
