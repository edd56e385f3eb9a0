"""Comparisons rank variants and say what a reader must know first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, optimize, stats

from partialpool.answers import group_density, loo, recover, verdict
from partialpool.base.errors import UserError
from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome

WELL = dict.fromkeys(["pooled", "unpooled", "hierarchical"], True)


def tree(shift: float, noise=0.01, units=40) -> xr.DataTree:
    rng = np.random.default_rng(1)
    base = rng.normal(size=units) - shift
    density = base + noise * rng.normal(size=(4000, units))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "coefficient"), rng.normal(size=(4, 1000, 1)))}
    )
    return loo._tree(density, posterior, 2 * units)


def test_the_better_variant_comes_first():
    trees = {"pooled": tree(1.0), "hierarchical": tree(0.0), "unpooled": tree(0.001)}
    table = loo.compare(trees, dict.fromkeys(trees, True)).set_index("variant")
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
        trees = {n: loo._tree((v + noise)[:, rows], posterior, units) for n, v in by_unit.items()}
        return loo.compare(trees, dict.fromkeys(trees, True)).set_index("variant")

    whole, part = compared(np.arange(units)), compared(chosen)
    assert (whole[["subsampling_se", "subsampling_dse"]] == 0).all(axis=None)
    # Four standard errors of the subset's: a false alarm in 8,000 sets of three.
    for what, error in (("elpd_loo", "subsampling_se"), ("elpd_diff", "subsampling_dse")):
        assert (abs(part[what] - whole[what]) <= 4 * part[error]).all()
    assert part.loc["pooled", "subsampling_dse"] < part.loc["pooled", "subsampling_se"] / 2
    assert part["p"].to_numpy() == pytest.approx(whole["p"].to_numpy(), rel=0.05)
    spread = by_unit["pooled"][chosen].std(ddof=1)
    exact = spread * units * np.sqrt((1 - 300 / units) / 300)
    assert part.loc["pooled", "subsampling_se"] == pytest.approx(exact, rel=0.02)


def test_what_a_subset_leaves_open_makes_variants_too_close_to_call():
    rng, total = np.random.default_rng(3), 3000
    posterior = xr.Dataset({"beta": (("chain", "draw", "c"), rng.normal(size=(4, 100, 1)))})
    best = rng.normal(size=30) + 0.01 * rng.normal(size=(400, 30))
    worse = best - 0.1 - np.tile([-1.0, 1.0], 15)
    trees = {"pooled": worse, "hierarchical": best}
    trees = {name: loo._tree(one, posterior, total) for name, one in trees.items()}
    row = loo.compare(trees, WELL).set_index("variant").loc["pooled"]
    assert 2 * row["dse"] < -row["elpd_diff"] < 2 * row["subsampling_dse"]
    assert row["note"] == "too close to call"


def test_high_pareto_k_and_failed_fits_are_said():
    trees = {"pooled": tree(0.0), "unpooled": tree(0.0, noise=5)}
    table = loo.compare(trees, {"pooled": False, "unpooled": True}).set_index("variant")
    assert "Pareto k too high for" in table.loc["unpooled", "note"]
    assert table.loc["unpooled", "pareto_k_over"] > 0
    assert loo.FAILED in table.loc["pooled", "note"]


def test_one_variant_and_none():
    table = loo.compare({"pooled": tree(0.0)}, {"pooled": True})
    assert table["weight"].tolist() == [1.0]
    assert loo.compare({}, {}).columns.tolist() == list(loo.COLUMNS)


def test_the_run_stops_naming_what_failed():
    checks = [{"name": "rhat", "passed": False}, {"name": "ess_bulk", "passed": True}]
    passed, failed = {"passed": True, "checks": checks[1:]}, {"passed": False, "checks": checks}
    found = {
        ("radon", "pooled"): failed,
        ("radon", "unpooled"): passed,
        ("schools", "unpooled"): failed,
        ("schools", "hierarchical"): passed,
    }
    collected = verdict.collect(found)
    assert not collected["passed"]
    fits = [(fit["study"], fit["variant"], fit["passed"]) for fit in collected["fits"]]
    assert fits == [(*names, one["passed"]) for names, one in found.items()]
    said = r"^2 of 4 fits .*: radon/pooled \(rhat\); schools/unpooled \(rhat\); .*index.html"
    with pytest.raises(UserError, match=said):
        verdict.enforce(collected, "results/index.html")
    accepted = verdict.collect({names: one for names, one in found.items() if one is passed})
    assert accepted["passed"]
    verdict.enforce(accepted, "results/index.html")


def test_recovery_has_a_row_for_each_truth_that_is_estimated():
    """Held against each variant's own interval, whose ends are in it."""
    summary = pd.DataFrame(
        {"name": ["a", "b", "c"], "mean": [0.0, 1, 2], "lower": [-1.0, 0, 1], "upper": [1.0, 2, 3]}
    )
    other = summary.iloc[:2].assign(lower=[0.5, 0.0])
    truth = {"a": 0.5, "b": -0.1, "c": 9.0, "d": 1.0}
    table = recover.recover(truth, {"pooled": summary, "unpooled": other.assign(sd=1.0)})
    assert table.to_dict("list") == {
        "variant": ["pooled"] * 3 + ["unpooled"] * 2,
        "name": ["a", "b", "c", "a", "b"],
        "truth": [0.5, -0.1, 9.0, 0.5, -0.1],
        "mean": [0.0, 1, 2, 0, 1],
        "lower": [-1.0, 0, 1, 0.5, 0],
        "upper": [1.0, 2, 3, 1, 2],
        "covered": [True, False, False, True, False],
    }


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
NOBODY = np.zeros((1, 17), dtype=bool)  # is alone in a group


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
    parameters = {n: float(one[n]) for n in family.parameter_names if n in one}
    if outcome.errors:
        parameters["sigma"] = values["standard errors"][at]
    if outcome.precision_weights:
        parameters["sigma"] = parameters["sigma"] / np.sqrt(values["precision weights"][at])
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


def test_rows_have_the_density_of_their_family_as_often_as_they_count():
    outcome = Outcome(family="binomial", trials="n", weights="w", offset="o")
    design = Formula("whole ~ x + (1 | g)").design(TABLE)
    values, draws = families.columns(TABLE, outcome), posterior({})
    # Draws are thinned to few, never to none.
    tree = loo.by_row(draws, design, outcome, values, NOBODY, "hierarchical", total=17)
    one = draws.isel(chain=0, draw=2)
    u = one["u_g"].values[design.factors[0].index, 0]
    eta = one["beta"].values @ [np.ones(17), TABLE["x"]] + u + TABLE["o"]
    exact = TABLE["w"] * stats.binom.logpmf(TABLE["whole"], TABLE["n"], 1 / (1 + np.exp(-eta)))
    found = tree["log_likelihood"]["y"].values[0, 2]
    assert found == pytest.approx(exact.to_numpy())


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


def test_whether_a_row_is_alone_is_known_from_the_whole_table():
    groups = pd.DataFrame({"factor": "g", "group": ["a", "b", "c"], "rows": [3, 1, 9]})
    part = Formula("real ~ 1 + (1 | g)").design(TABLE).at(TABLE.iloc[[0, 4, 5, 9]], response=True)
    assert loo.only_rows(part, groups).tolist() == [[False, True, True, False]]


def test_schools_of_one_row_are_left_out_exactly():
    """Of the unpooled eight schools, whose effects rest on their rows alone."""
    rows = pd.read_csv(Path(__file__).parents[3] / "data/eight_schools.csv")
    outcome = Outcome(sigma="standard_error")
    design = Formula("effect ~ 1 + (1 | school)").design(rows)
    values = families.columns(rows, outcome)
    data = compress(design, outcome, values)
    [wide] = priors.complete({}, data).wide["school"].values()
    y, error, among = design.y, values["standard errors"], 5.0
    own = error**2 + wide**2

    def given(others):
        precision = (1 / own[others]).sum() + among**-2
        return (y[others] / own[others]).sum() / precision, 1 / precision

    exact = 0.0
    for left_out in range(8):
        mean, variance = given(np.arange(8) != left_out)
        exact += stats.norm(mean, np.sqrt(variance + own[left_out])).logpdf(y[left_out])
    assert exact == pytest.approx(-51.4, abs=0.05)

    rng, shape = np.random.default_rng(6), (4, 1000)
    mean, variance = given(np.arange(8))
    mu = rng.normal(mean, np.sqrt(variance), shape)
    kept = wide**2 / own
    u = kept * (y - mu[..., None]) + np.sqrt(kept) * error * rng.standard_normal((*shape, 8))
    drawn = {
        "beta": (["coefficient"], mu[..., None]),
        "sd_school": (["c"], np.full((*shape, 1), wide)),
        "u_school": (["school", "c"], u[..., None]),
    }
    draws = xr.Dataset({name: (("chain", "draw", *dims), v) for name, (dims, v) in drawn.items()})
    for tree in (
        loo.by_row(draws, design, outcome, values, np.ones((1, 8), bool), "unpooled", 8),
        loo.by_group(draws, data, "unpooled"),
    ):
        [row] = loo.compare({"unpooled": tree}, {"unpooled": True}).itertuples()
        assert row.elpd_loo == pytest.approx(exact, abs=0.02)
        assert row.pareto_k_over == 0 and row.p < 2


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


def broken(y, chains=4):
    posterior = xr.Dataset({"beta": (("chain", "draw", "c"), np.ones((chains, 1000, 1)))})
    return loo._tree(np.broadcast_to(y, (1000 * chains, len(y[0]))), posterior, len(y[0]))


FINE = tree(0.0).log_likelihood.y.values.reshape(4000, -1)
INFINITE = np.where(np.arange(4000)[:, None] == 7, -np.inf, FINE)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (broken(np.zeros((1, 40))), "the log density of some of the rows is the same in too many"),
        (broken(np.where(np.arange(40) == 3, -700.0, FINE)), "some of the rows is the same in"),
        (broken(np.maximum(FINE, np.median(FINE, axis=0))), "some of the rows is the same in too"),
        (broken(INFINITE), "the log density of 40 of 40 rows is not a finite number in every draw"),
        (broken(np.full((1, 40), np.nan)), "40 of 40 rows is not a finite number in every draw"),
    ],
)
def test_a_variant_that_cannot_be_left_out_has_a_note_and_the_others_are_ranked(bad, said):
    bad.attrs["units_total"] = 80
    trees = {"pooled": bad, "unpooled": tree(1.0), "hierarchical": tree(0.0)}
    table = loo.compare(trees, {"pooled": False, "unpooled": True, "hierarchical": True})
    assert table["variant"].tolist() == ["hierarchical", "unpooled", "pooled"]
    assert table["rank"].tolist()[:2] == [0, 1]
    numbers = [c for c in loo.COLUMNS if c not in ("variant", "fit_passed", "note")]
    assert table.loc[2, numbers].isna().all()
    assert table["note"][2].startswith("not compared: the log density of ")
    assert said in table["note"][2]
    assert table["note"][2].endswith(loo.FAILED)
    assert table["weight"][:2].sum() == pytest.approx(1)
    alone = loo.compare({"pooled": bad}, {"pooled": True})
    assert "not compared" in alone["note"][0] and alone["rank"].isna().all()


def test_few_draws_one_unit_and_far_out_rows():
    few = tree(0.0).isel(draw=slice(0, 5))
    few.attrs["units_total"] = 40
    [row] = loo.compare({"pooled": few}, {"pooled": True}).itertuples()
    assert row.note == "not compared: 20 draws are too few for importance sampling"
    trees = {"pooled": tree(0.0, units=1), "unpooled": tree(2.0, units=1)}
    for one in trees.values():
        one.attrs["units_total"] = 1
    table = loo.compare(trees, WELL)
    assert table["variant"].tolist() == ["pooled", "unpooled"] and table["se"].tolist() == [0, 0]
    # A density that no number can hold leaves the weights of the variants as they are.
    trees = {"pooled": tree(0.5), "unpooled": tree(0.0)}
    weights = loo.compare(trees, WELL).set_index("variant")["weight"]
    for one in trees.values():
        one["log_likelihood"]["y"][..., 3] -= 2000.0
    found = loo.compare(trees, WELL).set_index("variant")
    assert found["weight"].to_dict() == pytest.approx(weights.to_dict(), abs=1e-6)
    assert found["elpd_diff"].to_dict() == pytest.approx({"unpooled": 0, "pooled": -40}, rel=0.02)


@pytest.mark.parametrize(
    ("outcome", "unit", "said"),
    [
        (Outcome(weights="n"), "rows", "rows count for more than one each; if weights are the"),
        (Outcome("binomial", weights="n", trials="t"), "groups", "rows count for more than one"),
        (Outcome(), "rows", "the model does not describe the data"),
    ],
)
def test_more_parameters_than_rows_are_said(outcome, unit, said):
    trees = {"pooled": tree(0.0, noise=2.5)}
    trees["pooled"].attrs["units_total"] = 40
    [row] = loo.compare(trees, {"pooled": True}, outcome, unit).itertuples()
    assert row.p > 40
    assert f"p_loo ({row.p:,.0f}) exceeds the {unit} (40): {said}" in row.note
    assert ("precision_weights" in row.note) == (outcome == Outcome(weights="n"))
    assert "exceeds" not in loo.compare({"pooled": tree(0.0)}, WELL)["note"][0]
    # A pooled fit may well have more by groups, if these differ.
    assert "exceeds" not in loo.compare(trees, WELL, Outcome(), "groups")["note"][0]


def test_a_tail_without_a_pareto_distribution_has_no_k():
    y = np.full((4000, 40), -1.0)
    y[::3], y[:10] = -1.5, -2.0  # most of the tail is the same
    [row] = loo.compare({"pooled": broken(y)}, WELL).itertuples()
    assert np.isnan(row.pareto_k_max) and row.pareto_k_over == 40
    assert "Pareto k too high or not a number for 40 of 40" in row.note
    assert row.elpd_loo == pytest.approx(-40 * np.log(np.exp(-y[:, 0]).mean()))


@pytest.mark.parametrize("terms", ["", " + (1 | g) + (1 | n)", " + (1 + x + o | g)"])
def test_groups_that_cannot_be_left_out_are_not_compared(terms):
    outcome = Outcome(family="poisson")
    design = Formula(f"whole ~ x{terms}").design(TABLE)
    data = compress(design, outcome, {})
    assert loo.by_group(posterior({}), data, "hierarchical") is None


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
    if families.of(outcome).estimates_sigma(outcome):
        own = (3,) if outcome.sigma_by_group else ()
        drawn["sigma"] = (["g"] * len(own), rng.uniform(0.5, 2, (*shape, *own)))
    elif not outcome.errors:
        drawn["sigma"] = ([], np.full(shape, outcome.sigma))
    if outcome.pools_sigma:
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
    z, x = design.of(factor.varying), design.of(design.coefficients)
    for draw in range(DRAWS):
        one = posterior.isel(chain=0, draw=draw)
        sigma = TABLE["se"] if outcome.errors else outcome.sigma
        if families.of(outcome).estimates_sigma(outcome):
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


def test_of_many_draws_some_are_used_in_equal_steps(monkeypatch):
    """The same of the density and of the posterior by which its efficiency is judged."""
    design, rng = Formula("real ~ x + (1 | g)").design(TABLE), np.random.default_rng(4)
    drawn = {"beta": (["c"], (4, 50, 2)), "u_g": (["g", "v"], (4, 50, 3, 1))}
    drawn |= {"sigma": ([], (4, 50)), "sd_g": (["v"], (4, 50, 1))}
    whole = xr.Dataset(
        {n: (("chain", "draw", *d), rng.uniform(1, 2, s)) for n, (d, s) in drawn.items()}
    )
    few = whole.isel(draw=slice(None, None, 10))
    arguments = design, Outcome(), {}, NOBODY, "hierarchical", 17
    expected = loo.by_row(few, *arguments)
    monkeypatch.setattr(loo, "CELLS", 20 * 17)
    found = loo.by_row(whole, *arguments)
    assert found["log_likelihood"]["y"].shape == (4, 5, 17)
    for group, name in (("log_likelihood", "y"), ("posterior", "beta")):
        assert (found[group][name].values == expected[group][name].values).all()


def of_units(by_unit: dict, total: int | None = None):
    """A comparison of variants whose density of each unit is about the same in all draws."""
    rng, trees = np.random.default_rng(7), {}
    posterior = xr.Dataset({"beta": (("chain", "draw", "c"), rng.normal(size=(4, 100, 1)))})
    for name, values in by_unit.items():
        noise = 1e-3 * rng.normal(size=(400, len(values)))
        trees[name] = loo._tree(values + noise, posterior, total or len(values))
    return loo.compare(trees, WELL).set_index("variant")


def test_the_numbers_of_a_comparison_are_those_of_its_units():
    """Sums over units, their standard errors, and the mixture that would have done best."""
    rng, size = np.random.default_rng(5), 60
    units = {"pooled": rng.normal(-2, 1, size), "unpooled": rng.normal(-1.9, 1.5, size)}
    units["hierarchical"] = units["pooled"] + rng.normal(0.5, 0.8, size)
    table = of_units(units)
    order = sorted(units, key=lambda name: -units[name].sum())
    assert list(table.index) == order and table["rank"].tolist() == [0, 1, 2]
    for name, values in units.items():
        row, away = table.loc[name], values - units[order[0]]
        assert row["elpd_loo"] == pytest.approx(values.sum(), abs=0.01)
        assert row["se"] == pytest.approx((size * values.var()) ** 0.5, rel=1e-3)
        assert row["elpd_diff"] == pytest.approx(away.sum(), abs=0.01)
        assert row["dse"] == pytest.approx((size * away.var()) ** 0.5, rel=1e-3)
        assert (row["units"], row["units_total"]) == (size, size)

    def lost(weights):
        return -np.log(np.tensordot(weights, np.exp([*units.values()]), 1)).sum()

    best = optimize.minimize(
        lost, np.full(3, 1 / 3), bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
    ).x  # fmt: skip
    assert max(best) < 0.95  # so that no weight is told by the rank
    assert table["weight"].to_dict() == pytest.approx(dict(zip(units, best, strict=True)), abs=0.01)


@pytest.mark.parametrize(
    ("difference", "spread", "close"),
    [(3.5, 0.1, True), (4.5, 0.1, False), (6, 4, True), (9, 4, False), (30, 20, True)],
)
def test_variants_are_too_close_to_call_within_four_or_two_standard_errors(
    difference, spread, close
):
    size = 50
    best = np.random.default_rng(6).normal(size=size)
    either = np.tile([-1.0, 1.0], size // 2)
    worse = best - difference / size + spread / size**0.5 * either
    table = of_units({"pooled": worse, "hierarchical": best})
    assert table.loc["pooled", "dse"] == pytest.approx(spread, rel=0.02)
    assert ("too close to call" in table.loc["pooled", "note"]) == close
    assert table.loc["hierarchical", "note"] == ""
