"""Comparisons rank variants, and note what makes their numbers unreliable."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from densities import NOBODY, TABLE, posterior
from scipy import optimize, stats

from partialpool.answers import loo
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
    assert table["too_close"].tolist() == [False, True, False]
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


def test_whether_a_row_is_alone_is_known_from_the_whole_table():
    groups = pd.DataFrame({"factor": "g", "group": ["a", "b", "c"], "rows": [3, 1, 9]})
    part = (
        Formula("real ~ 1 + (1 | g)")
        .design(TABLE)
        .for_rows(TABLE.iloc[[0, 4, 5, 9]], response=True)
    )
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
    numbers = [
        c for c in loo.COLUMNS if c not in ("variant", "fit_passed", "missing_reason", "note")
    ]
    assert table.loc[2, numbers].isna().all()
    assert said in table["missing_reason"][2]
    assert table["note"][2].startswith(f"not compared: {table['missing_reason'][2]}; ")
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
