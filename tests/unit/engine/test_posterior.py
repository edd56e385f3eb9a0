"""What is stored of a fit is what its definition says, of every structure of group effects."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.compress import build
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.design.formula import Formula
from partialpool.engine import terms
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.posterior import SampledParameters, describe
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome
from partialpool.study.study import VARIANTS

CHAINS, DRAWS = 2, 2
FORMULAS = [
    "y ~ x + z + (1 | g)",
    "y ~ z + x + (0 + x | g)",  # another place than among the population's
    "y ~ z + (1 + x | g)",  # nothing of x is shared by all groups
    "y ~ 1 + (0 + z | g) + (1 | h)",
    "y ~ x + z + (1 + z + x | g)",
    "y ~ x + z + (z || g)",
    "y ~ x + z + (1 + z | g) + (0 + x | g) + (1 + x | h)",
    "y ~ z + x + (0 + x + z | g)",
    "y ~ 0 + x + (x | g:h)",
]
TABLE = pd.DataFrame(
    {
        "y": np.random.default_rng(1).normal(size=60),
        "x": np.random.default_rng(2).normal(30, 7, 60),
        "z": np.random.default_rng(3).normal(-2, 0.5, 60),
        "g": np.arange(60) % 4,
        "h": np.arange(60) // 20,
    }
)
WRITTEN = {"sd": "half_normal(2)", "cor": "lkj(2)"}


def compressed(formula, outcome=Outcome()):  # noqa: B008 (it is frozen)
    return build.compress(Formula(formula).design(TABLE), outcome, {})


def sampled(data, completed, variant, **more) -> tuple[SampledParameters, dict]:
    """What NUTS might have drawn, and each factor's deviations."""
    rng, shape = np.random.default_rng(4), (CHAINS, DRAWS)
    free = {"beta": (("coefficient",), rng.normal(size=(*shape, len(data.coefficients))))}
    free |= {name: ((), rng.uniform(1, 2, shape)) for name in data.family.parameter_names}
    deviations = {}
    for factor in data.factors if variant != "pooled" else ():
        size = len(factor.varying)
        deviations[factor.name] = rng.normal(size=(CHAINS * DRAWS, len(factor.levels), size))
        if variant == "hierarchical":
            free[f"sd_{factor.name}"] = (("c" * size,), rng.uniform(0.5, 2, (*shape, size)))
            pairs = sum(len(block) * (len(block) - 1) // 2 for block in factor.blocks)
            if pairs:
                drawn = rng.uniform(0.05, 0.95, (*shape, pairs))
                free[f"partial_cor_{factor.name}"] = ((f"pair_{factor.name}",), drawn)
    variables = {n: (("chain", "draw", *dims), v) for n, (dims, v) in free.items()} | more
    found = xr.Dataset(variables, {"draw": np.arange(DRAWS)})
    return SampledParameters(found, data, completed, variant), deviations


def correlations(factor, partial) -> np.ndarray:
    """By the definition of a partial correlation, of blocks of at most three coefficients."""
    found, partial = np.eye(len(factor.varying)), iter(2 * partial - 1)
    begin = 0
    for block in factor.blocks:
        own = {}
        for i in range(1, len(block)):
            for k in range(i):
                own[i, k] = next(partial)
                if (i, k) == (2, 1):  # given the first
                    first, second = own[1, 0], own[2, 0]
                    own[i, k] *= np.sqrt((1 - first**2) * (1 - second**2))
                    own[i, k] += first * second
                found[begin + i, begin + k] = found[begin + k, begin + i] = own[i, k]
        begin += len(block)
    return found


def to_zero(data, factor, at_averages: bool) -> np.ndarray:
    """From a group's line at the averages of what varies with its intercept to its coefficients."""
    found, names = np.eye(len(factor.varying)), factor.varying
    if at_averages:
        [block] = [block for block in factor.blocks if "Intercept" in block]
        for name in set(block) - {"Intercept"}:
            mean = TABLE[name].mean()
            found[names.index("Intercept"), names.index(name)] = -mean
    return found


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("given", [{}, WRITTEN], ids=["at averages", "as written"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_sds_correlations_and_coefficients_are_those_of_the_definition(formula, given, variant):
    data = compressed(formula)
    completed = priors.complete(given, data)
    draws, deviations = sampled(data, completed, variant)
    found = describe(draws, deviations).stack(all=("chain", "draw"))
    for factor in data.factors:
        name, varying = factor.name, f"{factor.name}_coefficient"
        turned = to_zero(data, factor, name in completed.at_averages)
        assert (name in completed.at_averages) == (
            not given and any("Intercept" in block and len(block) > 1 for block in factor.blocks)
        )
        for draw in range(CHAINS * DRAWS):
            one = found.isel(all=draw)
            sd, correlation = np.zeros(len(factor.varying)), np.eye(len(factor.varying))
            if variant == "unpooled":
                sd = np.array([completed.wide[name][column] for column in factor.varying])
            elif variant == "hierarchical":
                sd = draws[f"sd_{name}"][draw]
                if f"partial_cor_{name}" in draws:
                    correlation = correlations(factor, draws[f"partial_cor_{name}"][draw])
            covariance = turned @ (sd[:, None] * correlation * sd) @ turned.T
            for i, column in enumerate(factor.varying):
                assert one[f"sd_{name}"].sel({varying: column}) == pytest.approx(
                    covariance[i, i] ** 0.5
                )
            for (i, first), (k, second) in combinations(enumerate(factor.varying), 2):
                if f"cor_{name}" not in one:
                    assert covariance[i, k] == 0
                    continue
                cor = one[f"cor_{name}"].sel({varying: first, f"{varying}_bis": second})
                sizes = (covariance[i, i] * covariance[k, k]) ** 0.5
                assert float(cor) * sizes == pytest.approx(covariance[i, k], abs=1e-9 * sizes)
            beta = dict(zip(data.coefficients, draws["beta"][draw], strict=True))
            for group, level in enumerate(factor.levels):
                for i, column in enumerate(factor.varying):
                    at = {name: level, varying: column}
                    u = deviations[name][draw, group, i] if deviations else 0.0
                    assert one[f"u_{name}"].sel(at) == u
                    assert one[f"coef_{name}"].sel(at) == pytest.approx(beta.get(column, 0) + u)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_mean_covariance_of_deviations_is_over_draws_and_groups(formula):
    """Of those that the priors are on; each group's may be stretched."""
    data = compressed(formula)
    completed = priors.complete({}, data)
    factor = data.factors[0]
    stretch = np.random.default_rng(5).uniform(0.5, 3, (CHAINS, DRAWS, len(factor.levels)))
    dims = ("chain", "draw", terms.groups(factor.name))
    for more in ({}, {f"scale_{factor.name}": (dims, stretch)}):
        draws, _ = sampled(data, completed, "hierarchical", **more)
        expected = 0.0
        for draw, own in enumerate(stretch.reshape(CHAINS * DRAWS, -1)):
            sd, correlation = draws[f"sd_{factor.name}"][draw], np.eye(len(factor.varying))
            if f"partial_cor_{factor.name}" in draws:
                partial = draws[f"partial_cor_{factor.name}"][draw]
                correlation = correlations(factor, partial)
            times = (own**2).mean() if more else 1.0
            expected += times * sd[:, None] * correlation * sd / (CHAINS * DRAWS)
        assert draws.covariance(factor) == pytest.approx(expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        Outcome(sigma="by_group"),
        Outcome(sigma="~ (1 | g)"),
        Outcome(sigma=1.75),
        Outcome(sigma="z"),
        Outcome("student_t"),
        Outcome("student_t", sigma=1.75),
        Outcome("poisson"),
        Outcome("negative_binomial"),
    ],
    ids=lambda outcome: f"{outcome.family} {outcome.sigma}",
)
def test_parameters_of_the_response_are_told_whether_they_were_drawn_or_fixed(outcome, variant):
    rows = TABLE.assign(y=TABLE["y"].abs().round(), z=TABLE["z"].abs())
    values = {"standard errors": rows["z"].to_numpy()} if outcome.errors else {}
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(rows), outcome, values)
    shape, rng, more = (CHAINS, DRAWS), np.random.default_rng(6), {}
    if outcome.sigma_by_group:
        dims = ("chain", "draw", terms.groups("g"))
        more["sigma"] = dims, rng.uniform(1, 2, (*shape, 4))
    if outcome.has_hierarchical_sigma:
        more["sigma_median"] = ("chain", "draw"), rng.uniform(1, 2, shape)
        if variant == "hierarchical":
            more["sd_log_sigma"] = ("chain", "draw"), rng.uniform(1, 2, shape)
    draws, deviations = sampled(data, priors.complete({}, data), variant, **more)
    if families.family_of(outcome).has_sigma and not families.family_of(outcome).estimates_sigma(
        outcome
    ):
        draws = SampledParameters(draws._sampled.drop_vars("sigma"), data, draws.priors, variant)
    found = describe(draws, deviations)
    fixed = {}
    if outcome.sigma == 1.75:
        fixed["sigma"] = 1.75
    if outcome.has_hierarchical_sigma and variant != "hierarchical":
        fixed["sd_log_sigma"] = {"pooled": 0.0, "unpooled": priors.WIDE_LOG_SIGMA}[variant]
    names = {"sigma", "sigma_median", "sd_log_sigma", "nu", "alpha"}
    drawn = names & set(draws._sampled)
    assert names & set(found) == drawn | set(fixed)
    for name in drawn:
        assert (found[name].values == draws._sampled[name].values).all()
        assert found[name].dims[2:] == (("g",) if name == "sigma" and found[name].ndim > 2 else ())
    for name, value in fixed.items():
        assert (found[name] == value).all()
    if outcome.sigma_by_group:
        assert found["sigma"]["g"].values.tolist() == ["0", "1", "2", "3"]


@pytest.mark.parametrize("given", [{}, WRITTEN], ids=["at averages", "as written"])
@pytest.mark.parametrize(
    ("formula", "outcome"),
    [
        ("y ~ z + x + (0 + x | g)", Outcome()),
        ("y ~ z + (1 + x | g)", Outcome(weights="w", offset="o")),
        ("y ~ x + (x || g)", Outcome(sigma="by_group")),
        ("y ~ x + (1 + x | g)", Outcome(sigma="se", offset="o")),
        ("y ~ 0 + x + (1 + z + x | g)", Outcome(precision_weights="se", weights="w")),
        ("y ~ x + (1 + x | g) + (0 + z | h)", Outcome(offset="o", weights="w")),
        ("y ~ z + (0 + x | h) + (1 + x | g)", Outcome(sigma=1.3)),
        ("y ~ x + (1 | h) + (x || g)", Outcome(sigma="se", offset="o")),
        ("y ~ z + x + (1 + x | h) + (1 | g)", Outcome(precision_weights="se")),
    ],
    ids=str,
)
def test_deviations_that_were_integrated_out_are_drawn_given_all_else(formula, outcome, given):
    """From their exact normal distribution, by rows, of the factor with most groups."""
    rng, size = np.random.default_rng(7), 4000
    rows = TABLE.assign(x=TABLE["x"] / 7, o=rng.normal(size=60), w=rng.choice([1.0, 3.0], 60))
    rows["se"] = rng.uniform(0.5, 2, 60)
    design, values = Formula(formula).design(rows), families.columns(rows, outcome)
    data = build.compress(design, outcome, values)
    completed = priors.complete(given, data)
    kind = CollapsedTarget if isinstance(data, GroupTriangles) else SampledEffectsTarget
    free = {"beta": (("b",), rng.normal(size=len(data.coefficients)))}
    sigma = np.full(60, 1.0 if outcome.errors else outcome.sigma if data.known_sigma else 1.7)
    if outcome.sigma_by_group:
        free["sigma"] = ((terms.groups("g"),), np.array([0.5, 1.0, 2.0, 3.0]))
        sigma = free["sigma"][1][rows["g"]]
    elif families.family_of(outcome).estimates_sigma(outcome):
        free["sigma"] = ((), np.array(1.7))
    mean = design.select_columns(design.coefficients) @ free["beta"][1] + families.offset(
        values, 60
    )
    for factor in data.factors:
        name, many = factor.name, len(factor.varying)
        sd, cor = rng.uniform(0.3, 1, many), np.eye(many)
        free[f"sd_{name}"] = ((f"column of {name}",), sd)
        turned = np.eye(many)
        if name in completed.at_averages:
            turned[0] = [1, *(-np.average(rows[c], weights=values.get("weights"))
                              for c in factor.varying[1:])]  # fmt: skip
        if name in completed.cor:
            partial = rng.uniform(0.2, 0.8, many * (many - 1) // 2)
            free[f"partial_cor_{name}"] = ((f"pair_{name}",), partial)
            cor = correlations(factor, partial)
        if name == "g":
            covariance, back = sd[:, None] * cor * sd, turned
            continue
        u = rng.normal(size=(len(factor.levels), many))
        free[f"u_{name}"] = ((terms.groups(name), terms.varying(name)), u)
        [own] = [f for f in design.factors if f.name == name]
        mean = mean + (design.select_columns(own.varying) * (u @ turned.T)[own.index]).sum(axis=1)
    sampled = xr.Dataset(
        {
            n: (("chain", "draw", *dims), np.broadcast_to(v, (1, size, *v.shape)))
            for n, (dims, v) in free.items()
        },
        {"draw": np.arange(size)},
    )
    draws = SampledParameters(sampled, data, completed, "hierarchical")
    found = kind(data, completed, "hierarchical").deviations(draws, rng)
    [factor] = [f for f in design.factors if f.name == "g"]
    z = design.select_columns(factor.varying)
    precision = values.get("weights", np.ones(60)) / sigma**2
    if outcome.errors:
        precision = precision / rows["se"].to_numpy() ** 2
    if outcome.precision_weights:
        precision = precision * rows["se"].to_numpy()
    for group in range(4):
        at = factor.index == group
        weighted = z[at] * precision[at, None]
        prior = np.linalg.inv(back @ covariance @ back.T)
        exact = np.linalg.inv(prior + weighted.T @ z[at])
        middle = exact @ weighted.T @ (design.y - mean)[at]
        u, sd = found["g"][:, group], np.sqrt(np.diag(exact))
        assert np.abs((u.mean(axis=0) - middle) / sd).max() < 4.5 / size**0.5
        spread = np.cov(u.T).reshape(exact.shape) / np.outer(sd, sd)
        assert spread == pytest.approx(exact / np.outer(sd, sd), abs=0.1)
    for name in {f.name for f in data.factors} - {"g"}:
        assert np.ptp(found[name], axis=0).max() < 1e-9
