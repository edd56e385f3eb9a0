"""Densities of groups and rows, with deviations integrated out, against brute force."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from densities import DRAWS, NOBODY, TABLE, brute_force, posterior
from scipy import integrate, stats

from partialpool.answers import group_density, loo
from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome

CASES = [
    ("real", Outcome(weights="w"), {"sigma": 1.5}, 1, None),
    ("real", Outcome(sigma="se"), {}, 2, None),
    ("real", Outcome(precision_weights="n", weights="w"), {"sigma": 3.0}, 1, None),
    ("real", Outcome("student_t", precision_weights="n"), {"sigma": 3.0, "nu": 4}, 1, None),
    ("real", Outcome(), {"sigma": 1.5}, 1, 4.0),
    ("real", Outcome(sigma="se", weights="w", offset="o"), {}, 1, 2.5),
    ("real", Outcome(), {"sigma": 1.5}, 2, 5.0),
    ("real", Outcome(family="student_t"), {"sigma": 1.5, "nu": 4}, 1, None),
    ("real", Outcome(family="student_t", sigma="se", offset="o"), {"nu": 9}, 1, None),
    ("whole", Outcome(family="binomial", trials="n", weights="w"), {}, 1, None),
    ("whole", Outcome(family="binomial", trials="n"), {}, 1, 4.0),
    ("whole", Outcome(family="poisson", exposure="n", offset="o"), {}, 1, None),
    ("whole", Outcome(family="negative_binomial", weights="w"), {"alpha": 2}, 1, None),
    ("whole", Outcome(family="zero_inflated_poisson", weights="w"), {"zi": 0.2}, 1, None),
    ("whole", Outcome(family="hurdle_negative_binomial"), {"alpha": 2, "hu": 0.3}, 1, None),
    ("half", Outcome(family="hurdle_gamma", offset="o"), {"alpha": 2, "hu": 0.3}, 1, None),
    ("positive", Outcome(family="lognormal", offset="o"), {"sigma": 0.8}, 1, None),
    ("positive", Outcome(family="gamma", weights="w"), {"alpha": 2}, 1, None),
    ("positive", Outcome(family="weibull"), {"alpha": 1.5}, 2, None),
    ("positive", Outcome(family="exponential", offset="o"), {}, 1, 4.0),
    ("share", Outcome(family="beta", offset="o"), {"phi": 6}, 1, None),
    ("whole", Outcome(family="beta_binomial", trials="n"), {"phi": 6}, 1, None),
    ("whole", Outcome(family="binomial", trials="n"), {}, 2, None),
    ("whole", Outcome(family="binomial", trials="n"), {}, 2, 5.0),
]


@pytest.mark.parametrize(("response", "outcome", "parameters", "size", "nu"), CASES)
def test_a_whole_group_has_its_density_with_its_deviations_integrated_out(
    response, outcome, parameters, size, nu
):
    term = "1" if size == 1 else "1 + x"
    design = Formula(f"{response} ~ x + ({term} | g)").design(TABLE)
    values = families.columns(TABLE, outcome)
    draws, data = posterior(parameters, size, nu), compress(design, outcome, values)
    found = group_density.group_log_density(draws, data, "hierarchical")
    assert found.shape == (DRAWS, 3)
    # Brute force ends where a Student-t still has a tail.
    error = 2e-4 if nu is None else 5e-4 if size == 1 else 5e-3
    for draw, group in [(0, 0), (0, 2), (1, 1), (2, 2)]:
        exact = brute_force(draws, design, outcome, values, draw, group)
        assert found[draw, group] == pytest.approx(exact, abs=error)


@pytest.mark.parametrize("nu", [2.0, 30.0])
def test_a_group_far_out_is_integrated_where_it_is(nu):
    rows = TABLE.assign(real=TABLE["real"] + 30 * (TABLE["g"] == "c"))
    design, draws = Formula("real ~ x + (1 | g)").design(rows), posterior({"sigma": 1.5}, 1, nu)
    draws["u_g"][:, 0, 2] = 30.0
    data = compress(design, Outcome(), {})
    found = group_density.group_log_density(draws, data, "hierarchical")
    assert found[0, 2] == pytest.approx(brute_force(draws, design, Outcome(), {}, 0, 2), abs=1e-3)


@pytest.mark.parametrize(("response", "outcome", "parameters", "size", "nu"), CASES)
def test_a_row_alone_in_its_group_is_a_group(response, outcome, parameters, size, nu):
    term = "1" if size == 1 else "1 + x"
    rows = TABLE.groupby("g").first().reset_index()
    design = Formula(f"{response} ~ x + ({term} | g)").design(rows)
    values = families.columns(rows, outcome)
    draws, data = posterior(parameters, size, nu), compress(design, outcome, values)
    alone = np.ones((1, 3), dtype=bool)
    tree = loo.by_row(draws, design, outcome, values, alone, "hierarchical", 3)
    found = tree["log_likelihood"]["y"].values[0]
    # By group a quadrature over two Student-t deviations, by row over one number.
    error = 2e-4 if size == 2 and outcome.family != "gaussian" else 1e-6
    by_group = loo.by_group(draws, data, "hierarchical")["log_likelihood"]["y"].values[0]
    assert found == pytest.approx(by_group, abs=error)
    exact = brute_force(draws, design, outcome, values, 2, 1)
    assert found[2, 1] == pytest.approx(exact, abs=2e-4 if nu is None or size == 1 else 5e-3)
    pooled = loo.by_row(draws, design, outcome, values, alone, "pooled", 3)
    given = loo.by_row(draws, design, outcome, values, ~alone, "hierarchical", 3)
    assert (pooled["log_likelihood"]["y"] == given["log_likelihood"]["y"]).all()


@pytest.mark.parametrize(
    ("outcome", "response", "parameters"),
    [
        (Outcome(precision_weights="n", weights="w"), "real", {"sigma": 1.5}),
        (Outcome(family="poisson"), "whole", {}),
    ],
)
@pytest.mark.parametrize("nu", [None, 6.0])
def test_effects_of_rows_are_integrated_out_beside_those_of_groups(
    outcome, response, parameters, nu
):
    """A row's own effect, and that of its group if it is alone there, given all others."""
    rows = TABLE.assign(obs=[f"{i:02d}" for i in range(17)])
    rows.loc[16, "g"] = "d"  # alone
    design = Formula(f"{response} ~ x + (1 + x | g) + (1 | obs)").design(rows)
    values, draws = families.columns(rows, outcome), posterior(parameters, 2, nu)
    rng, shape = np.random.default_rng(3), (1, DRAWS)
    draws["u_g"] = (("chain", "draw", "h", "c"), rng.normal(size=(*shape, 4, 2)))
    draws["sd_obs"] = (("chain", "draw", "o"), np.full((*shape, 1), 0.7))
    draws["u_obs"] = (("chain", "draw", "obs", "o"), 0.7 * rng.normal(size=(*shape, 17, 1)))
    if nu:
        draws["nu_obs"] = 1.5 * draws["nu_g"]
    sizes = pd.concat(
        pd.DataFrame({"factor": f, "rows": rows.groupby(f).size().to_numpy()}) for f in ("g", "obs")
    )
    alone = loo.only_rows(design, sizes)
    assert alone.sum(axis=1).tolist() == [1, 17]
    tree = loo.by_row(draws, design, outcome, values, alone, "hierarchical", 17)
    family = families.FAMILIES[outcome.family]
    side = np.linspace(-60, 60, 60_001)
    for draw, row in [(0, 0), (1, 5), (2, 16)]:
        one = draws.isel(chain=0, draw=draw)
        z = np.array([1.0, rows["x"][row]])
        scale = one["sd_g"].values[:, None] * np.linalg.cholesky(one["cor_g"].values)
        u, sd = one["u_g"].values[design.factors[0].index[row]], 0.7
        eta = one["beta"].values @ z + z @ u
        effect = stats.norm() if nu is None else stats.t(float(one["nu_obs"]))
        if row == 16:
            own = np.linalg.norm(scale.T @ z)
            # Of Student-t effects, those of the first factor; the other's are those of the draw.
            eta, sd = (eta - z @ u, np.hypot(own, 0.7)) if nu is None else (eta - z @ u, own)
            if nu:
                eta, effect = eta + one["u_obs"].values[row, 0], stats.t(float(one["nu_g"]))
        own = {name: one[name].values for name in parameters}
        weight = 1.0
        if outcome.weights:
            own["sigma"] = own["sigma"] / np.sqrt(rows["n"][row])
            weight = rows["w"][row]
        y = design.y[row]
        density = weight * family.log_density(y, eta + sd * side, own) + effect.logpdf(side)
        exact = np.log(integrate.trapezoid(np.exp(density), side))
        found = tree["log_likelihood"]["y"].values[0, draw, row]
        assert found == pytest.approx(exact, abs=1e-4)


def test_all_draws_of_usual_tables_are_used():
    design = Formula("whole ~ x + (1 + x | g)").design(pd.concat([TABLE] * 120, ignore_index=True))
    rows = design.matrix[:, 1] + np.arange(2040) / 1e6  # so that none are alike
    design.matrix[:, design.columns.index("x")] = rows
    data = compress(design, Outcome(family="poisson"), {})
    assert len(data.y) == 2040
    assert group_density.draws_wanted(posterior({}, 2), data, "hierarchical") >= 4000
    assert group_density.draws_wanted(posterior({}, 2), data, "pooled") >= 100_000
    heavy = compress(Formula("real ~ x + (1 | g)").design(TABLE), Outcome(), {})
    assert group_density.draws_wanted(posterior({"sigma": 1}), heavy, "unpooled") is None
    assert group_density.draws_wanted(posterior({"sigma": 1}, 1, 4), heavy, "hierarchical") >= 4000


STRUCTURES = [
    "real ~ x + (1 | g)",
    "real ~ x + o + (0 + o | g)",  # another place than among the population's
    "real ~ o + (1 + x | g)",
    "real ~ 0 + x + (x || g)",
    "real ~ x + (0 + o + x | g)",
]
SIGMAS = [
    Outcome(),
    Outcome(sigma="by_group", offset="w"),
    Outcome(sigma="~ (1 | g)"),
    Outcome(sigma=1.7),
    Outcome(sigma="se", offset="w"),
    Outcome(precision_weights="n"),
]


@pytest.mark.parametrize("variant", ["pooled", "hierarchical"])
@pytest.mark.parametrize("outcome", SIGMAS, ids=lambda outcome: str(outcome.sigma))
@pytest.mark.parametrize("text", STRUCTURES)
def test_gaussian_groups_and_rows_have_the_normal_density_of_their_definition(
    text, outcome, variant
):
    """Of a whole group, of a row given its group, and of a row alone in its group."""
    design, values = Formula(text).design(TABLE), families.columns(TABLE, outcome)
    [factor] = design.factors
    size, together = len(factor.varying), len(factor.blocks) == 1
    rng, shape = np.random.default_rng(9), (1, DRAWS)
    cor = np.eye(size)
    if size == 2 and together:
        cor[0, 1] = cor[1, 0] = -0.4
    drawn = {
        "beta": (["c"], rng.normal(size=(*shape, len(design.coefficients)))),
        "sd_g": (["v"], rng.uniform(0.3, 2, (*shape, size))),
        "cor_g": (["v", "bis"], np.broadcast_to(cor, (*shape, size, size))),
        "u_g": (["g", "v"], rng.normal(size=(*shape, 3, size)) * (variant != "pooled")),
    }
    if families.family_of(outcome).estimates_sigma(outcome):
        own = (3,) if outcome.sigma_by_group else ()
        drawn["sigma"] = (["g"] * len(own), rng.uniform(0.5, 2, (*shape, *own)))
    elif not outcome.errors:
        drawn["sigma"] = ([], np.full(shape, outcome.sigma))
    if outcome.has_hierarchical_sigma:
        drawn |= {name: ([], np.ones(shape)) for name in ("sigma_median", "sd_log_sigma")}
    if size == 1:
        del drawn["cor_g"]
    posterior = xr.Dataset({n: (("chain", "draw", *d), v) for n, (d, v) in drawn.items()})
    data = compress(design, outcome, values)
    whole = loo.by_group(posterior, data, variant)["log_likelihood"]["y"].values[0]
    given, alone = (
        loo.by_row(posterior, design, outcome, values, who, variant, 17)["log_likelihood"]
        for who in (NOBODY, ~NOBODY)
    )
    z, x = design.select_columns(factor.varying), design.select_columns(design.coefficients)
    for draw in range(DRAWS):
        one = posterior.isel(chain=0, draw=draw)
        sigma = TABLE["se"] if outcome.errors else outcome.sigma
        if families.family_of(outcome).estimates_sigma(outcome):
            sigma = np.broadcast_to(one["sigma"].values, 3)[factor.index]
        sigma = np.broadcast_to(sigma, 17).astype(float)
        if outcome.precision_weights:
            sigma = sigma / np.sqrt(TABLE["n"].to_numpy())
        mean = x @ one["beta"].values + (TABLE["w"].to_numpy() if outcome.offset else 0)
        between = np.outer(one["sd_g"], one["sd_g"]) * cor * (variant != "pooled")
        covariance = z @ between @ z.T + np.diag(sigma**2)
        for group in range(3):
            at = factor.index == group
            exact = stats.multivariate_normal(mean[at], covariance[np.ix_(at, at)])
            assert whole[draw, group] == pytest.approx(exact.logpdf(design.y[at]))
        single = stats.norm(mean, np.sqrt(np.diag(covariance))).logpdf(design.y)
        assert alone["y"].values[0, draw] == pytest.approx(single)
        u = (z * one["u_g"].values[factor.index]).sum(axis=1)
        exact = stats.norm(mean + u, sigma).logpdf(design.y)
        assert given["y"].values[0, draw] == pytest.approx(exact)
