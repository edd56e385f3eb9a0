"""Predictive checks: replicates of every family, and priors that are nowhere near the data."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from partialpool.answers import predictive_check
from partialpool.compress.build import compress
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.priors import complete, of_response
from partialpool.study.outcome import Outcome

SHAPE = (2, 250)
TRUTH = {"sigma": 1.5, "nu": 5.0, "alpha": 3.0}


def table(family: str, seed: int) -> pd.DataFrame:
    """Thirty rows in six groups, and two more columns that cross them."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "g": np.repeat(list("abcdef"), 5),
            "h": np.tile(list("pqrst"), 6),
            "x": rng.normal(50, 20, 30),
            "n": rng.integers(1, 30, 30).astype(float),
            "w": rng.choice([1.0, 2.0], 30),
        }
    )
    u = np.repeat(rng.normal(0, 0.5, 6), 5) + np.tile(rng.normal(0, 0.3, 5), 6)
    eta = 0.3 + 0.02 * (found["x"].to_numpy() - 50) + u
    trials = found["n"].to_numpy().astype(int) if family == "binomial" else None
    found["y"] = families.FAMILIES[family].responses(rng, eta, TRUTH, trials).astype(float)
    return found


def checked(rows, outcome, given=None, text="y ~ x + (1 + x | g)", variant="hierarchical", **more):
    """The check of a hand-made fit: its posterior is the truth."""
    design = Formula(text).design(rows)
    values = families.columns(rows, outcome)
    data = compress(design, outcome, values)
    drawn = {"beta": (["c"], [-0.7, 0.02][: len(design.coefficients)])}
    for factor in design.factors:
        name, size = factor.name, len(factor.varying)
        drawn |= {
            f"sd_{name}": ([f"{name}_c"], np.full(size, 0.5)),
            f"cor_{name}": ([f"{name}_c", f"{name}_bis"], np.eye(size)),
            f"u_{name}": ([name, f"{name}_c"], np.zeros((len(factor.levels), size))),
        }
    own = families.of(outcome).parameter_names
    drawn |= {name: ([], TRUTH[name]) for name in own}
    posterior = xr.Dataset(
        {
            name: (("chain", "draw", *dims), np.broadcast_to(v, (*SHAPE, *np.shape(v))))
            for name, (dims, v) in drawn.items()
        }
    )
    priors = complete(given or {}, data, more.pop("group_effects", "normal"))
    numbers = rows.index.to_numpy()
    return predictive_check.check(posterior, design, numbers, data, values, priors, variant, seed=1)


def warnings(*arguments, **options) -> list[str]:
    return json.loads(checked(*arguments, **options).attrs["warnings"])


OUTCOMES = [
    Outcome(),
    Outcome(sigma="by_group"),
    Outcome(sigma="~ (1 | g)"),
    Outcome(sigma="w"),
    Outcome(sigma="by_group", precision_weights="w"),
    Outcome(family="student_t", weights="w"),
    Outcome(family="bernoulli"),
    Outcome(family="binomial", trials="n"),
    Outcome(family="poisson", exposure="n"),
    Outcome(family="negative_binomial", offset="w"),
]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_every_model_is_replicated_in_the_units_of_its_response(outcome, variant):
    rows = table(outcome.family, 1)
    if outcome.sigma_by_group:
        rows["y"] += 0.1
    tree = checked(rows, outcome, variant=variant, group_effects="student_t")
    for name in ("prior_predictive", "posterior_predictive"):
        y = tree[name]["y"].values[0]
        assert y.shape == (500, 30)
        wrong = families.of(outcome).outside(y, rows["n"].to_numpy())
        assert not wrong.any()
    assert (tree["observed_data"]["y"].values == rows["y"]).all()


def test_the_prior_predictive_has_the_moments_of_the_prior():
    rows = table("gaussian", 2)
    given = {
        "Intercept": "normal(10, 3)",
        "x": "normal(0, 0.1)",
        "sd_g[Intercept]": "half_normal(2)",
        "sd_g[x]": "half_normal(0.05)",
        "sd_h": "half_normal(1)",
        "sigma": "half_normal(4)",
    }
    text = "y ~ x + (1 + x | g) + (1 | h)"
    rows = pd.concat([rows] * 4, ignore_index=True)
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    x = rows["x"].to_numpy()
    variance = 3**2 + (0.1 * x) ** 2 + 2**2 + (0.05 * x) ** 2 + 1 + 4**2
    assert y.mean() == pytest.approx(10, abs=1)
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)
    # A default prior of the Intercept is on the response at the average predictors.
    del given["Intercept"]
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    assert y.mean() == pytest.approx(rows["y"].mean(), abs=1)
    variance += (2.5 * rows["y"].std()) ** 2 - 3**2 + (0.1 * (x - x.mean())) ** 2 - (0.1 * x) ** 2
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)
    # And so is that of the sd of the groups' intercepts on their deviations there.
    del given["sd_g[Intercept]"]
    y = checked(rows, Outcome(), given, text)["prior_predictive"]["y"].values[0]
    variance += (2.5 * rows["y"].std()) ** 2 - 2**2 + (0.05 * (x - x.mean())) ** 2 - (0.05 * x) ** 2
    assert (y.var(axis=0) / variance).mean() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_replicates_and_what_was_observed_are_of_the_same_rows(outcome, monkeypatch):
    """Also where not all rows are replicated, which may be those of a subset themselves."""
    monkeypatch.setattr(predictive_check, "ROWS", 20)
    rows = pd.concat([table(outcome.family, seed) for seed in (1, 2)], ignore_index=True)
    rows.index = np.sort(np.random.default_rng(3).choice(5000, len(rows), replace=False))
    place = np.linspace(0, 1, len(rows))
    rows["x"], rows["w"], rows["n"] = 200 * place, 1 + place, 1 + np.arange(len(rows)) % 30
    if not outcome.offset:
        rows["w"] = 10 ** np.random.default_rng(4).permutation(place)
    given = {"x": "normal(0.02, 0.0001)", "Intercept": "normal(-0.7, 0.001)"}
    small = {"sigma": "half_normal(0.2)", "sd_log_sigma": "half_normal(0.1)"}
    given |= {name: small[name] for name in of_response(outcome) if name in small}
    tree = checked(rows, outcome, given, variant="pooled")
    assert (tree.attrs["rows"], tree.attrs["rows_replicated"]) == (60, 20)
    numbers = tree["observed_data"]["row"].values
    assert len(set(numbers)) == 20 and set(numbers) <= set(rows.index)
    own = rows.loc[numbers]
    assert (tree["observed_data"]["y"].values == own["y"]).all()
    eta = -0.7 + 0.02 * own["x"] + (own["w"] if outcome.offset else 0)
    expected = families.FAMILIES[outcome.family].inverse_link(eta)
    expected = expected * own["n"] if outcome.trials or outcome.exposure else expected
    for name in ("prior_predictive", "posterior_predictive"):
        assert (tree[name]["row"].values == numbers).all()
        y = tree[name]["y"].values[0]
        assert stats.spearmanr(y.mean(axis=0), expected).statistic > 0.8, name
        if outcome.errors or outcome.precision_weights:
            relative = own["w"] ** (1 if outcome.errors else -0.5)
            assert stats.spearmanr(y.std(axis=0), relative).statistic > 0.9, name


def test_few_replicates_are_kept_of_many_draws(monkeypatch):
    monkeypatch.setattr(predictive_check, "REPLICATES", 50)
    tree = checked(table("gaussian", 1), Outcome())
    for name in ("prior_predictive", "posterior_predictive"):
        assert dict(tree[name].sizes) == {"chain": 1, "draw": 50, "row": 30}


def by_definition(rows, at, outcome, variant, heavy, size=20_000):
    """Responses of one row under the priors of the next test, as the docs of the model say."""
    rng, row = np.random.default_rng(8), rows.loc[at]
    u = np.zeros(size)
    if variant == "hierarchical":
        u = 0.8 * (rng.standard_t(3, size) if heavy else rng.normal(size=size))
    eta = 0.5 + u + (row["w"] if outcome.offset else 0)
    sigma = np.full(size, 2.0)
    if outcome.pools_sigma and variant != "pooled":
        sigma = sigma * np.exp(0.5 * rng.normal(size=size))
    if outcome.errors:
        sigma = row["w"]
    elif outcome.precision_weights:
        sigma = sigma / row["w"] ** 0.5
    mean = np.exp(np.minimum(eta, 30)) * (row["n"] if outcome.exposure else 1)
    chance = 1 / (1 + np.exp(-eta))
    return {
        "gaussian": lambda: eta + sigma * rng.normal(size=size),
        "student_t": lambda: eta + sigma * rng.standard_t(4, size),
        "bernoulli": lambda: rng.binomial(1, chance),
        "binomial": lambda: rng.binomial(int(row["n"]), chance),
        "poisson": lambda: rng.poisson(mean),
        "negative_binomial": lambda: rng.poisson(mean * rng.gamma(3, 1 / 3, size)),
    }[outcome.family]()


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "Student-t"])
@pytest.mark.parametrize("variant", ["pooled", "hierarchical"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_prior_predictive_is_the_model_by_its_definition(outcome, variant, heavy):
    """Of priors that leave no more open than the responses of a row."""
    sure = ", 0.0001)"
    given = {"Intercept": f"normal(0.5{sure}", "sd": f"lognormal({np.log(0.8)}{sure}"}
    own = {"sigma": 2, "sd_log_sigma": 0.5, "nu": 4, "alpha": 3, "nu_g": 3}
    known = [*of_response(outcome), "nu_g"]
    given |= {name: f"lognormal({np.log(own[name])}{sure}" for name in known}
    effects = "student_t" if heavy else "normal"
    rows = table(outcome.family, 1).assign(w=np.repeat([0.25, 1, 9], 10))
    tree = checked(rows, outcome, given, "y ~ 1 + (1 | g)", variant, group_effects=effects)
    found = tree["prior_predictive"]["y"].values[0]
    for at in (0, 13, 29):
        expected = by_definition(rows, at, outcome, variant, heavy)
        if families.FAMILIES[outcome.family].discrete:  # no ties
            rng = np.random.default_rng(4)
            drawn, expected = (v + rng.uniform(size=len(v)) for v in (found[:, at], expected))
        else:
            drawn = found[:, at]
        assert stats.ks_2samp(drawn, expected).pvalue > 1e-3, at


def test_written_priors_of_intercepts_far_outside_the_data_are_pointed_out():
    rows = table("gaussian", 2)
    given = {"sd_g[Intercept]": "half_normal(2)"}
    [told] = warnings(rows, Outcome(), given, "y ~ x + (1 + x | g)")
    assert "'sd_g[Intercept]' holds, for 'g', where 'x' is zero, 2.4 sds from its mean" in told
    assert "center(x)" in told
    # That is what is said of it, rather than that the default sd, there, is wide.
    given = {"cor": "lkj(2)"}
    far = rows.assign(x=rows["x"] + 200 * rows["x"].std())
    [told] = warnings(far, Outcome(), given, "y ~ x + (1 + x | g)")
    assert "'cor' holds, for 'g', where 'x' is zero" in told
    mirrored = rows.assign(x=-rows["x"])
    [told] = warnings(mirrored, Outcome(), {"sd": "half_normal(2)"}, "y ~ x + (1 + x | g)")
    assert "2.4 sds from its mean" in told
    # Rows of the reference label are where the intercept is, however few they are.
    rows["kind"] = np.where(rows["x"] < rows["x"].quantile(0.1), "a", "b")
    assert warnings(rows, Outcome(), given, "y ~ kind + (1 + kind | g)") == []
    rows["x"] -= 40
    assert warnings(rows, Outcome(), given, "y ~ x + (1 + x | g)") == []


def test_the_prior_predictive_has_the_correlations_of_the_prior():
    groups = 400
    rows = pd.DataFrame(
        {
            "g": np.repeat(np.char.add("g", np.arange(groups).astype(str)), 3),
            "x": np.tile([0.0, 1, 0], groups),
            "z": np.tile([0.0, 0, 1], groups),
            "y": np.random.default_rng(5).normal(size=3 * groups),
        }
    )
    given = {"sd": "half_normal(2)", "cor": "lkj(1)"}
    tree = checked(rows, Outcome(sigma=1e-6), given, "y ~ 1 + (1 + x + z | g)")
    y = tree["prior_predictive"]["y"].values[0].reshape(-1, groups, 3)
    # Deviations of the intercept and of both slopes, from the expectation that groups share.
    u = np.stack([y[:, :, 0], y[:, :, 1] - y[:, :, 0], y[:, :, 2] - y[:, :, 0]])
    u -= u.mean(axis=2, keepdims=True)
    of_lkj = stats.beta(1.5, 1.5, loc=-1, scale=2)  # of each of three correlations
    for first, second in ((0, 1), (0, 2), (1, 2)):
        products = (u[first] * u[second]).sum(axis=1)
        correlation = products / np.sqrt((u[first] ** 2).sum(axis=1) * (u[second] ** 2).sum(axis=1))
        assert stats.kstest(correlation, of_lkj.cdf).pvalue > 1e-3


@pytest.mark.parametrize("group", ["prior_predictive", "posterior_predictive"])
def test_a_replicate_has_the_precision_of_its_row(group):
    rows = pd.concat([table("gaussian", 2)] * 4, ignore_index=True).assign(w=1.0)
    rows.loc[::2, "w"] = 25.0
    given = {"Intercept": "normal(0, 0.01)", "sigma": "half_normal(4)"}
    outcome = Outcome(precision_weights="w")
    y = checked(rows, outcome, given, "y ~ 1", "pooled")[group]["y"].values[0]
    assert y[:, 1::2].std() / y[:, ::2].std() == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_sane_priors_are_not_warned_of(outcome):
    # Textbook priors, as wide as many write them; with none given, none is to blame.
    given = {"Intercept": "normal(0, 10)", "x": "normal(0, 0.3)", "sd": "half_cauchy(2.5)"}
    given["sigma"] = "half_normal(10)"
    for seed in range(8):
        for variant in ("pooled", "unpooled", "hierarchical"):
            rows = table(outcome.family, seed)
            assert warnings(rows, outcome, variant=variant) == []
            assert warnings(rows, outcome, given, "y ~ x + (1 | g)", variant) == []


@pytest.mark.parametrize(
    ("family", "columns", "given", "said"),
    [
        ("gaussian", {}, {"x": "normal(0, 1000)"}, ["95% of", "x: normal(0, 1000) (default"]),
        ("gaussian", {}, {"sigma": "half_normal(5000)"}, ["95% of", "sigma: half_normal(5000)"]),
        (
            "poisson",
            {},
            {"sd": "half_normal(300)"},
            ["95% of expected", "sd_g[Intercept]: half_normal"],
        ),
        ("bernoulli", {}, {"Intercept": "normal(0, 500)"}, ["% of simulated rows", "0.999"]),
        ("binomial", {"trials": "n"}, {"x": "normal(0, 50)"}, ["0.999", "x: normal(0, 50)"]),
        ("gaussian", {}, {"Intercept": "normal(900, 1)"}, ["the mean of y", "Intercept"]),
        ("poisson", {}, {"Intercept": "normal(9, 0.1)"}, ["the mean of y", "in the data it is"]),
        (
            "gaussian",
            {},
            {"sigma": "half_normal(0.001)", "x": "normal(0, 0.0001)", "sd": "half_normal(0.001)"},
            ["the standard deviation of y", "sigma: half_normal(0.001)"],
        ),
    ],
)
def test_priors_nowhere_near_the_data_are_named(family, columns, given, said):
    outcome = Outcome(family=family, **columns)
    rows = table(family, 3)
    found = warnings(rows, outcome, given, "y ~ x + (1 | g)")
    assert found
    if "0.999" in said:
        rate = rows["y"].sum() / (rows["n"].sum() if outcome.trials else len(rows))
        assert f"the data's mean is {rate:.3g}" in found[0]
    for part in said:
        assert part in found[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_prior_is_too_wild_to_be_simulated(outcome):
    given = {"Intercept": "cauchy(0, 1000000)", "sd": "half_cauchy(1000)"}
    given |= dict.fromkeys(["nu", "alpha", "nu_g"], "gamma(0.001, 0.001)")
    given |= {"sigma": "inverse_gamma(0.01, 0.01)", "sd_log_sigma": "half_cauchy(10)"}
    rows = table(outcome.family, 1)
    tree = checked(rows, outcome, given, "y ~ x + (1 | g)", group_effects="student_t")
    assert np.isfinite(tree["prior_predictive"]["y"].values).all()


def test_a_prior_is_not_blamed_for_what_the_model_leaves_out():
    rows = table("gaussian", 4)
    rows["y"] += 30 * np.repeat(np.arange(6), 5)
    given = {"Intercept": "normal(75, 200)"}
    assert warnings(rows, Outcome(sigma=1), given, "y ~ 1 + (1 | g)", "pooled") == []
