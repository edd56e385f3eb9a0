"""Models whose group effects are sampled: their density, its gradient, and exact posteriors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytensor
import pytest
from pytensor.compile.mode import Mode
from scipy import special, stats

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit, glm, pirls, starts
from partialpool.engine.centring import EffectCoordinates
from partialpool.engine.posterior import SampledParameters
from partialpool.model import families, priors
from partialpool.sampler import convergence, sampling
from partialpool.sampler.compiled_density import compiled
from partialpool.study.outcome import Outcome

INTERPRETED = Mode(linker="py", optimizer=None)
ROWS = 60
OUTCOMES = {
    "gaussian": Outcome(offset="shift", precision_weights="trials"),
    "student_t": Outcome(family="student_t", weights="times", precision_weights="trials"),
    "bernoulli": Outcome(family="bernoulli", weights="times"),
    "binomial": Outcome(family="binomial", trials="trials", offset="shift"),
    "poisson": Outcome(family="poisson", exposure="time", weights="times"),
    "negative_binomial": Outcome(family="negative_binomial", exposure="time"),
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
}
PRIORS = {
    "Intercept": "normal(0, 3)",
    "x": "normal(1, 2)",
    "sd": "half_normal(2)",
    "cor": "lkj(2)",
    "sigma": "half_normal(3)",
    "nu": "gamma(2, 0.1)",
    "alpha": "half_normal(5)",
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
        rng, eta.to_numpy(), {"sigma": 0.7, "nu": 5.0, "alpha": 3.0}, rows["trials"].to_numpy()
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


def evaluated(model):
    """`values of the free variables -> (log density, beta, deviations)`, interpreted."""
    inputs = list(model.rvs_to_values.values())
    wanted = [model["beta"], *(d for d in model.deterministics if d.name.startswith("u_"))]
    outputs = [model.logp(jacobian=False), *model.replace_rvs_by_values(wanted)]
    function = pytensor.function(inputs, outputs, mode=INTERPRETED, on_unused_input="ignore")
    transforms = {}
    for variable, value in model.rvs_to_values.items():
        transform = model.rvs_to_transforms[variable]
        if transform is not None:
            raw = variable.type(f"{variable.name}_raw")
            transforms[value.name] = pytensor.function(
                [raw], transform.forward(raw, *variable.owner.inputs), mode=INTERPRETED
            )

    def evaluate(point):
        """`point` has values on the variables' own scale, by name."""
        arguments = [
            transforms.get(value.name, lambda v: v)(np.asarray(point[variable.name], dtype=float))
            for variable, value in model.rvs_to_values.items()
        ]
        density, beta, *u = function(*arguments)
        return float(density), beta, dict(zip([d.name for d in wanted[1:]], u, strict=True))

    return evaluate


def drawn_point(model, rng) -> dict:
    """Random values of every free variable, on its own scale."""
    point = {}
    for variable, value in model.rvs_to_values.items():
        shape = model.initial_point(0)[value.name].shape
        if variable.name.startswith("z"):
            point[variable.name] = rng.normal(size=shape)
        elif variable.name.startswith("partial"):
            point[variable.name] = rng.uniform(0.2, 0.8, shape)
        else:
            point[variable.name] = rng.uniform(0.4, 2, shape)
    return point


def log_joint(design, values, data, completed, variant, point, beta, u) -> float:
    """log p(rows, beta, deviations | variances) + log p(variances), row by row."""
    outcome = data.outcome
    eta = design.of(design.coefficients) @ beta + families.offset(values, ROWS)
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
        columns = design.of(factor.varying)
        if name in completed.at_averages:
            x = design.of(["x"])[:, 0]
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
        for name in (name for name in point if name.startswith("z")):
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
    model = glm.model(data, completed, "hierarchical", found, coordinates)
    density = compiled(model, model.initial_point(0))
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
    first = glm.SampledEffectsTarget(data, completed, "hierarchical")
    model = first.model()
    point = model.initial_point(0)
    size = sum(point[value.name].size for value in model.continuous_value_vars)
    positions = np.random.default_rng(2).normal(size=(1, 50, size)) / 5
    draws = SampledParameters(
        sampling.constrain(model, point, positions), data, completed, "hierarchical"
    )
    second, third = (first.next_attempt(draws, attempt) for attempt in (1, 2))
    for factor, covariance in zip(data.factors, second.working.covariance, strict=True):
        assert np.allclose(covariance, draws.covariance(factor))
    for heard, block in zip(second.coordinates.blocks, third.coordinates.blocks, strict=True):
        assert heard.root.any()
        assert block.root.any() != heard.mostly_prior(second.working)


def integrated(data, completed, sd_prior):
    """Posterior means of beta, sd and each group's coefficient of y ~ 1 + (1 | g), by quadrature.

    Over the intercept and log sd on a grid, and over each group's deviation by Gauss-Hermite.
    """
    prior = stats.norm(*completed.beta["Intercept"].arguments)
    intercept = np.linspace(data.response_mean - 1.5, data.response_mean + 1.5, 301)
    log_sd = np.linspace(np.log(0.02), np.log(4), 241)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.log(weights / np.sqrt(2 * np.pi))
    v = np.exp(log_sd)[:, None] * nodes
    eta = intercept[:, None, None] + v
    log_marginal = np.zeros((len(intercept), len(log_sd)))
    means = []
    for y, trials, offset in zip(data.y, data.trials, data.offset, strict=True):
        kernel = data.family.log_kernel(y, eta + offset, {}, trials) + weights
        log_group = special.logsumexp(kernel, axis=-1)
        log_marginal += log_group
        means.append((np.exp(kernel - log_group[..., None]) * eta).sum(axis=-1))
    log_posterior = (
        log_marginal + prior.logpdf(intercept)[:, None] + sd_prior.logpdf(np.exp(log_sd)) + log_sd
    )
    mass = np.exp(log_posterior - log_posterior.max())
    mass /= mass.sum()
    return {
        "beta[Intercept]": (mass * intercept[:, None]).sum(),
        "sd_g[Intercept]": (mass * np.exp(log_sd)).sum(),
        **{
            f"coef_g[{label}, Intercept]": (mass * mean).sum()
            for label, mean in zip(data.factors[0].levels, means, strict=True)
        },
    }


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_posterior_is_the_integral(family):
    """Within 4 Monte Carlo standard errors: a false alarm in 10,000 for each of 14 numbers."""
    rng = np.random.default_rng(12)
    outcome = OUTCOMES[family]
    rows = pd.DataFrame({"g": list("abcdefghijkl"), "shift": 0.0, "times": 1.0})
    rows["trials"], rows["time"] = rng.integers(5, 40, 12), rng.uniform(1, 9, 12)
    eta = rng.normal(-0.5, 0.8, 12) + (np.log(rows["time"]) if family == "poisson" else 0)
    rows["y"] = families.FAMILIES[family].responses(
        rng, np.asarray(eta), {}, rows["trials"].to_numpy()
    )
    design = Formula("y ~ 1 + (1 | g)").design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    given = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)"}
    exact = integrated(data, priors.complete(given, data), stats.halfnorm(scale=1))
    sampler = {"chains": 4, "draws": 2000, "tune": 1000, "target_accept": 0.9, "attempts": 1}
    tree = fit.fit(data, given, "hierarchical", sampler, seed=7)
    summary = convergence.summarise(tree["posterior"].to_dataset(), 0.95).set_index("name")
    for name, value in exact.items():
        found = summary.loc[name]
        assert abs(found["mean"] - value) < 4 * found["mcse_mean"], name


def curvature(log_density, size: int):
    """Eigenvalues of minus the second derivatives of a quadratic at the origin, and its mode."""
    unit = np.eye(size)
    here, ahead = log_density(np.zeros(size)), [log_density(step) for step in unit]
    behind = np.array([log_density(-step) for step in unit])
    second = np.array(
        [[log_density(a + b) for b in unit] for a in unit]
    ) - np.add.outer(ahead, ahead) + here  # fmt: skip
    return np.linalg.eigvalsh(-second), np.linalg.solve(-second, (ahead - behind) / 2)


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | a) + (1 + x | b)", "y ~ x + (1 + x | a)"])
@pytest.mark.parametrize("sizes", [(8, 8, 8), (60, 11, 1)], ids=["even", "uneven"])
def test_coordinates_follow_the_variances(formula, sizes):
    """Given the variances, what NUTS moves in has curvatures near one, whatever the variances.

    So no parameter is tied to them, also where groups are few and their sizes very different.
    """
    rng = np.random.default_rng(1)
    cells = [
        (a, b) for a, size in zip("pqr", sizes, strict=True) for b in "uvw" for _ in range(size)
    ]
    rows = pd.DataFrame(cells, columns=["a", "b"]).assign(x=rng.normal(size=len(cells)))
    effects = {label: value for label, value in zip("pqruvw", rng.normal(size=6) / 2, strict=True)}
    rows["y"] = rows["x"] / 2 + rows["a"].map(effects) + rows["b"].map(effects)
    rows["y"] += rng.normal(size=len(rows))
    # Of a family that leaves effects in the model, with tails that are as good as normal.
    outcome = Outcome("student_t") if "b)" not in formula else Outcome()
    design = Formula(formula).design(rows)
    data = build.compress(design, outcome, {})
    completed = priors.complete({}, data)
    found = pirls.solve(data, completed, "hierarchical")
    model = glm.model(data, completed, "hierarchical", found, EffectCoordinates.of(data, found))
    evaluate = evaluated(model)
    shapes = {
        variable.name: model.initial_point(0)[value.name].shape
        for variable, value in model.rvs_to_values.items()
    }
    for between in (0.05, 0.5, 5):
        point = {name: np.full(shape, between) for name, shape in shapes.items()}
        point |= {name: np.full(shapes[name], 0.6) for name in shapes if name.startswith("partial")}
        point |= {name: np.float64(value) for name, value in found.response.items()}
        flat = [name for name in shapes if name.startswith("z")]
        ends = np.cumsum([np.prod(shapes[name], dtype=int) for name in flat])

        def log_density(z, point=point, flat=flat, ends=ends):
            parts = np.split(z, ends[:-1])
            own = {n: p.reshape(shapes[n]) for n, p in zip(flat, parts, strict=True)}
            return evaluate(point | own)[0]

        values, mode = curvature(log_density, ends[-1])
        assert values.min() > 0.3 and values.max() < 3, between
        assert np.abs(mode).max() < 0.3, between


@pytest.mark.parametrize("family", ["gaussian", "student_t"])
def test_rough_values_do_not_depend_on_zero_and_unit(family):
    """Of a response far from zero, or in another unit, they are found in as many turns."""
    rng, size = np.random.default_rng(4), 400
    rows = pd.DataFrame({"a": rng.choice([*"pqrst"], size), "b": rng.choice([*"uvwxyz"], size)})
    y = rows["a"].map(dict(zip("pqrst", rng.normal(size=5), strict=True))) + rng.normal(size=size)
    found = []
    for at, unit in ((0, 1.0), (2000, 1.0), (0, 1e-6)):
        design = Formula("y ~ 1 + (1 | a) + (1 | b)").design(rows.assign(y=at + unit * y))
        data = build.compress(design, Outcome(family), {})
        rough = pirls.solve(data, priors.complete({}, data), "hierarchical")
        sds = [np.sqrt(one[0, 0]) for one in rough.covariance]
        found.append(np.array([rough.response["sigma"], *sds]) / unit)
    assert found[1] == pytest.approx(found[0], rel=0.05)
    assert found[2] == pytest.approx(found[0], rel=0.05)


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | g) + (1 | h)", "y ~ x + (1 + x | g)"])
def test_starts_are_on_the_scale_of_the_data(formula):
    """Also of coefficients that vary by group, whatever sds the chains start with."""
    *_, data, completed, found, coordinates = small("student_t", formula, "hierarchical")
    model = glm.model(data, completed, "hierarchical", found, coordinates)
    point = model.initial_point(0)
    move = starts.elsewhere(model, data, completed, "hierarchical")
    begun = move(sampling.dispersed(model, point, 8, 1))
    slopes = sampling.constrain(model, point, begun[None])["beta"].values[0, :, 1]
    reach = 2 * data.response_sd / data.sd["x"]
    rough_slope = abs(model["centre (data)"].get_value()[1])
    assert np.abs(slopes).max() <= reach + rough_slope
    assert np.ptp(slopes) > 1.5 * reach
    assert (slopes > np.median(slopes)).sum() == 4
