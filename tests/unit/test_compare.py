"""Comparisons rank variants and say what a reader must know first."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, stats

from partialpool import compare, families, marginal, recover, verdict
from partialpool.compress import compress
from partialpool.errors import UserError
from partialpool.formula import Formula
from partialpool.study import Outcome


def tree(shift: float, noise=0.01, units=40) -> xr.DataTree:
    rng = np.random.default_rng(1)
    base = rng.normal(size=units) - shift
    density = base + noise * rng.normal(size=(4000, units))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "coefficient"), rng.normal(size=(4, 1000, 1)))}
    )
    return compare._tree(density, posterior, 2 * units)


def test_the_better_variant_comes_first():
    trees = {"pooled": tree(1.0), "hierarchical": tree(0.0), "unpooled": tree(0.001)}
    table = compare.compare(trees, dict.fromkeys(trees, True)).set_index("variant")
    assert list(table.index) == ["hierarchical", "unpooled", "pooled"]
    assert table["elpd_diff"].iloc[0] == 0
    assert table.loc["pooled", "elpd_diff"] == pytest.approx(-80, rel=0.01)  # 40 of 80 units
    assert "too close to call" in table.loc["unpooled", "note"]
    assert table.loc["pooled", "note"] == ""
    assert table.loc["pooled", "units_total"] == 80


def test_a_random_subset_estimates_the_sum_over_all_units():
    rng, units = np.random.default_rng(2), 3000
    by_unit = {name: rng.normal(-1, 1, units) for name in ("pooled", "hierarchical")}
    by_unit["hierarchical"] += 0.2 + 0.9 * (by_unit["pooled"] - by_unit["hierarchical"])
    noise = 0.01 * rng.normal(size=(400, units))
    posterior = xr.Dataset({"beta": (("chain", "draw", "c"), rng.normal(size=(4, 100, 1)))})
    chosen = rng.choice(units, 300, replace=False)

    def compared(rows):
        trees = {
            n: compare._tree((v + noise)[:, rows], posterior, units) for n, v in by_unit.items()
        }
        return compare.compare(trees, dict.fromkeys(trees, True)).set_index("variant")

    whole, part = compared(np.arange(units)), compared(chosen)
    assert (whole[["subsampling_se", "subsampling_dse"]] == 0).all(axis=None)
    # Four standard errors of the subset's: a false alarm in 8,000 sets of three.
    for what, error in (("elpd_loo", "subsampling_se"), ("elpd_diff", "subsampling_dse")):
        assert (abs(part[what] - whole[what]) <= 4 * part[error]).all()
    assert part.loc["pooled", "subsampling_dse"] < part.loc["pooled", "subsampling_se"] / 2
    spread = by_unit["pooled"][chosen].std(ddof=1)
    exact = spread * units * np.sqrt((1 - 300 / units) / 300)
    assert part.loc["pooled", "subsampling_se"] == pytest.approx(exact, rel=0.02)


def test_high_pareto_k_and_failed_fits_are_said():
    trees = {"pooled": tree(0.0), "unpooled": tree(0.0, noise=5)}
    table = compare.compare(trees, {"pooled": False, "unpooled": True}).set_index("variant")
    assert "Pareto k too high for" in table.loc["unpooled", "note"]
    assert table.loc["unpooled", "pareto_k_over"] > 0
    assert compare.FAILED in table.loc["pooled", "note"]


def test_one_variant_and_none():
    table = compare.compare({"pooled": tree(0.0)}, {"pooled": True})
    assert table["weight"].tolist() == [1.0]
    assert compare.compare({}, {}).columns.tolist() == list(compare.COLUMNS)


def test_the_run_stops_naming_what_failed():
    checks = [{"name": "rhat", "passed": False}, {"name": "ess_bulk", "passed": True}]
    found = {
        ("radon", "pooled"): {"passed": True, "checks": []},
        ("radon", "unpooled"): {"passed": False, "checks": checks},
    }
    collected = verdict.collect(found)
    with pytest.raises(UserError, match=r"1 of 2 fits failed.*radon/unpooled \(rhat\).*index.html"):
        verdict.enforce(collected, "results/index.html")
    del found["radon", "unpooled"]
    verdict.enforce(verdict.collect(found), "results/index.html")


def test_recovery_has_a_row_for_each_truth_that_is_estimated():
    summary = pd.DataFrame(
        {"name": ["a", "b", "c"], "mean": [0.0, 1, 2], "lower": [-1.0, 0, 1], "upper": [1.0, 2, 3]}
    )
    table = recover.recover({"a": 0.5, "c": 9.0, "d": 1.0}, {"pooled": summary})
    assert table["name"].tolist() == ["a", "c"]
    assert table["covered"].tolist() == [True, False]


RNG = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "g": np.repeat(["a", "b", "c"], [3, 5, 9]),
        "x": RNG.normal(size=17).round(1),
        "n": RNG.integers(2, 9, 17).astype(float),
        "w": RNG.choice([1.0, 2.0, 0.5], 17),
        "o": RNG.normal(size=17).round(1),
        "se": RNG.uniform(0.5, 2, 17),
        "real": RNG.normal(2, 3, 17),
        "whole": RNG.integers(0, 3, 17).astype(float),
    }
)
DRAWS = 3


def posterior(parameters, size=1, nu=None) -> xr.Dataset:
    """A few draws of a model with one factor `g`."""
    rng = np.random.default_rng(8)
    shape = (1, DRAWS)
    sd = np.array([1.3, 1e-3, 0.4])[None, :, None] * np.ones(size)
    drawn = {
        "beta": (["coefficient"], rng.normal([0.4, -0.3], 0.2, (*shape, 2))),
        "sd_g": (["g_coefficient"], sd),
        "u_g": (["g", "g_coefficient"], sd[:, :, None] * rng.normal(size=(*shape, 3, size))),
    }
    if size == 2:
        drawn["cor_g"] = (
            ["g_coefficient", "g_coefficient_bis"],
            np.broadcast_to([[1, -0.4], [-0.4, 1]], (*shape, 2, 2)),
        )
    drawn |= {name: ([], rng.uniform(0.8, 1.2, shape) * v) for name, v in parameters.items()}
    if nu:
        drawn["nu_g"] = ([], rng.uniform(0.8, 1.2, shape) * nu)
    return xr.Dataset({name: (("chain", "draw", *dims), v) for name, (dims, v) in drawn.items()})


def brute_force(draws, design, outcome, values, draw: int, group: int) -> float:
    """Log of the integral over u of the density of the rows times that of u."""
    family = families.FAMILIES[outcome.family]
    at = design.factors[0].index == group
    one = draws.isel(chain=0, draw=draw)
    parameters = {n: float(one[n]) for n in family.parameters if n in one}
    if outcome.errors:
        parameters["sigma"] = values["standard errors"][at]
    fixed = (design.of(design.coefficients) @ one["beta"].values)[at]
    fixed = fixed + families.offset(values, len(at))[at]
    varying = design.of(design.factors[0].varying)[at]
    sd = one["sd_g"].values
    scale = np.diag(sd) @ np.linalg.cholesky(one["cor_g"].values if len(sd) > 1 else np.eye(1))
    # In units of its scale, u is N(0, I) or Student-t.
    side = np.linspace(-40, 40, 20_001) if len(sd) == 1 else np.linspace(-9, 9, 361)
    v = np.stack(np.meshgrid(*[side] * len(sd), indexing="ij"))
    zero = np.zeros(len(sd))
    effects = stats.multivariate_normal(zero)
    if "nu_g" in one:
        effects = stats.multivariate_t(zero, df=float(one["nu_g"]))
    at_node = np.moveaxis(v, 0, -1)
    log_density = effects.logpdf(at_node if len(sd) > 1 else at_node[..., 0])
    for i, y in enumerate(design.y[at]):
        eta = fixed[i] + np.tensordot(varying[i] @ scale, v, 1)
        own = {n: p[i] if np.ndim(p) else p for n, p in parameters.items()}
        weight = values["weights"][at][i] if outcome.weights else 1.0
        trials = values["trials"][at][i] if outcome.trials else None
        log_density = log_density + weight * family.log_density(y, eta, own, trials)
    density = np.exp(log_density + 30)
    for _ in sd:
        density = integrate.trapezoid(density, side)
    return np.log(density) - 30


CASES = [
    ("real", Outcome(weights="w"), {"sigma": 1.5}, 1, None),
    ("real", Outcome(sigma="se"), {}, 2, None),
    ("real", Outcome(), {"sigma": 1.5}, 1, 4.0),
    ("real", Outcome(sigma="se", weights="w", offset="o"), {}, 1, 2.5),
    ("real", Outcome(), {"sigma": 1.5}, 2, 5.0),
    ("real", Outcome(family="student_t"), {"sigma": 1.5, "nu": 4}, 1, None),
    ("real", Outcome(family="student_t", sigma="se", offset="o"), {"nu": 9}, 1, None),
    ("whole", Outcome(family="binomial", trials="n", weights="w"), {}, 1, None),
    ("whole", Outcome(family="binomial", trials="n"), {}, 1, 4.0),
    ("whole", Outcome(family="poisson", exposure="n", offset="o"), {}, 1, None),
    ("whole", Outcome(family="negative_binomial", weights="w"), {"alpha": 2}, 1, None),
    ("whole", Outcome(family="binomial", trials="n"), {}, 2, None),
]


@pytest.mark.parametrize(("response", "outcome", "parameters", "size", "nu"), CASES)
def test_a_whole_group_has_its_density_with_its_deviations_integrated_out(
    response, outcome, parameters, size, nu
):
    term = "1" if size == 1 else "1 + x"
    design = Formula(f"{response} ~ x + ({term} | g)").design(TABLE)
    values = families.columns(TABLE, outcome)
    draws, data = posterior(parameters, size, nu), compress(design, outcome, values)
    found = marginal.group_log_density(draws, data, "hierarchical")
    assert found.shape == (DRAWS, 3)
    # Scipy's range ends where a Student-t still has a tail, and Gauss-Hermite sees it coarsely.
    error = 5e-3 if nu else 2e-4
    for draw, group in [(0, 0), (0, 2), (1, 1), (2, 2)]:
        exact = brute_force(draws, design, outcome, values, draw, group)
        assert found[draw, group] == pytest.approx(exact, abs=error)


@pytest.mark.parametrize("nu", [2.0, 30.0])
def test_a_group_far_out_is_integrated_where_it_is(nu):
    rows = TABLE.assign(real=TABLE["real"] + 30 * (TABLE["g"] == "c"))
    design, draws = Formula("real ~ x + (1 | g)").design(rows), posterior({"sigma": 1.5}, 1, nu)
    draws["u_g"][:, 0, 2] = 30.0
    data = compress(design, Outcome(), {})
    found = marginal.group_log_density(draws, data, "hierarchical")
    assert found[0, 2] == pytest.approx(brute_force(draws, design, Outcome(), {}, 0, 2), abs=1e-3)


def test_rows_have_the_density_of_their_family_as_often_as_they_count():
    outcome = Outcome(family="binomial", trials="n", weights="w", offset="o")
    design = Formula("whole ~ x + (1 | g)").design(TABLE)
    values, draws = families.columns(TABLE, outcome), posterior({})
    # Draws are thinned to few, never to none.
    tree = compare.by_row(draws, design, outcome, values, total=17)
    one = draws.isel(chain=0, draw=2)
    u = one["u_g"].values[design.factors[0].index, 0]
    eta = one["beta"].values @ [np.ones(17), TABLE["x"]] + u + TABLE["o"]
    exact = TABLE["w"] * stats.binom.logpmf(TABLE["whole"], TABLE["n"], 1 / (1 + np.exp(-eta)))
    found = tree["log_likelihood"]["y"].values[0, 2]
    assert found == pytest.approx(exact.to_numpy())


@pytest.mark.parametrize("terms", ["", " + (1 | g) + (1 | n)", " + (1 + x + o | g)"])
def test_groups_that_cannot_be_left_out_are_not_compared(terms):
    outcome = Outcome(family="poisson")
    design = Formula(f"whole ~ x{terms}").design(TABLE)
    data = compress(design, outcome, {})
    assert compare.by_group(posterior({}), data, "hierarchical") is None
