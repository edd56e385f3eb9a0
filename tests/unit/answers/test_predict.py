"""Predictions of known, new and average groups, and notes where there are none."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from predictions import FORMULA, SHAPE, TABLE, dataset, predicted
from predictions import posterior as drawn
from scipy import special, stats

from partialpool.answers import predict
from partialpool.answers.predictor import Predictor
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome


@pytest.fixture
def posterior() -> xr.Dataset:
    return drawn()


def test_a_known_group_is_its_own_line(posterior):
    found = predicted(posterior, {"g": ["a", "b"], "x": [2.0, 2.0], "name": ["first", "second"]})
    assert list(found["name"]) == ["first", "second"]
    assert list(found["group_status"]) == ["known", "known"]
    assert found["mean"].to_numpy() == pytest.approx([1 + 3 + 4, 1 + 4 + 2], abs=0.02)
    assert found["sd"].to_numpy() == pytest.approx(0.1 * 5**0.5, rel=0.05)
    spread = (0.1**2 * 5 + 0.7**2) ** 0.5
    width = (found["outcome_upper"] - found["outcome_lower"]).to_numpy()
    assert width == pytest.approx(2 * 1.645 * spread, rel=0.05)


def test_columns_of_the_rows_give_way_to_those_of_the_answer(posterior):
    rows = {"g": ["a", "b"], "x": [2.0, 2.0]}
    usual = predicted(posterior, rows)
    taken = {"mean": ["p", "q"], "outcome_upper": [1, 2], "note": [7, 8], "mine": [3, 4]}
    found = predicted(posterior, {**taken, **rows})
    assert found["mine"].tolist() == [3, 4]
    pd.testing.assert_frame_equal(found[usual.columns], usual)


def test_a_new_observation_has_the_precision_of_its_row(posterior):
    outcome = Outcome(precision_weights="size")
    rows = {"g": ["a", "a"], "x": [0.0, 0.0], "size": [0.25, 100.0]}
    wide, narrow = predicted(posterior, rows, outcome=outcome).itertuples()
    [plain] = predicted(posterior, {"g": ["a"], "x": [0.0]}, outcome=outcome).itertuples()
    for row, sigma in ((wide, 2 * 0.7), (narrow, 0.07), (plain, 0.7)):
        width = row.outcome_upper - row.outcome_lower
        assert width == pytest.approx(2 * 1.645 * (0.1**2 + sigma**2) ** 0.5, rel=0.06)


def test_a_new_group_has_the_between_group_spread_and_one_draw_for_its_rows(posterior):
    found = predicted(posterior, {"g": ["new"] * 2, "x": [0.0, 3.0]})
    assert list(found["group_status"]) == ["new", "new"]
    assert found["mean"].to_numpy() == pytest.approx([1, 7], abs=0.15)
    spread = np.sqrt(np.array([2**2, 2**2 + 2 * 3 * 0.6 * 2 * 0.5 + (3 * 0.5) ** 2]))
    assert found["sd"].to_numpy() == pytest.approx(spread, rel=0.05)
    alone = predicted(posterior, {"g": ["m", "new"], "x": [0.0, 3.0]})
    assert alone.loc[1, "sd"] == found.loc[1, "sd"]
    assert alone.loc[0, "sd"] != found.loc[0, "sd"]


def test_each_row_is_predicted_for_everyone_asked(posterior):
    found = predicted(
        posterior,
        {"g": ["a", "new"], "x": [0.0, 0.0]},
        prediction_target=("group", "new_group", "average_group"),
    )
    assert list(found["predicted_for"]) == [
        name for name in ("group", "new_group", "average_group") for _ in range(2)
    ]
    assert list(found["group_status"]) == ["known", *["new"] * 3, *["average"] * 2]
    assert found["mean"].to_numpy() == pytest.approx([4, 1, 1, 1, 1, 1], abs=0.1)
    assert found["sd"].to_numpy() == pytest.approx([0.1, 2, 2, 2, 0.1, 0.1], rel=0.05)


def test_what_an_unpooled_fit_cannot_say_is_said(posterior):
    rows = {"g": ["new", "a"], "x": [0.0, 0.0]}
    found = predicted(
        posterior, rows, "unpooled", passed=False, prediction_target=("group", "average_group")
    )
    assert found.loc[[0, 2, 3], ["mean", "lower", "outcome_upper"]].isna().all(axis=None)
    assert found.loc[1, "mean"] == pytest.approx(4, abs=0.1)
    assert predict.NO_NEW_GROUP in found["note"][0]
    assert predict.NO_AVERAGE_GROUP in found["note"][3]
    assert predict.FAILED in found["note"][1]
    reasons = [predict.NO_NEW_GROUP, "", *2 * [predict.NO_AVERAGE_GROUP]]
    assert found["missing_reason"].tolist() == reasons
    assert not found["fit_passed"].any()


def test_sigma_of_a_new_group_and_missing_standard_errors_are_not_invented(posterior):
    by_group = posterior.assign(
        sigma=posterior["sigma"].expand_dims(g=["a", "b", "c"]).transpose("chain", "draw", "g")
    )
    rows = {"g": ["new", "b"], "x": [0.0, 0.0]}
    found = predicted(by_group, rows, outcome=Outcome(sigma="by_group"))
    assert np.isnan(found["outcome_lower"][0])
    assert predict.NO_NEW_SIGMA in found["note"][0]
    assert np.isfinite(found["outcome_lower"][1])
    no_sigma = posterior.drop_vars("sigma")
    found = predicted(no_sigma, {"g": ["a"], "x": [0.0]}, outcome=Outcome(sigma="se"))
    assert np.isfinite(found["mean"][0])
    assert predict.NO_ERROR in found["note"][0]
    assert found["missing_reason"].tolist() == [predict.NO_ERROR]


def test_sigma_of_a_new_group_is_drawn_where_it_has_a_distribution(posterior):
    own = posterior.assign(
        sigma=(("chain", "draw", "g"), np.full((*SHAPE, 3), 9.0)),
        sigma_median=posterior["sigma"],
        sd_log_sigma=xr.full_like(posterior["sigma"], 0.5),
    )
    outcome = Outcome(sigma="~ (1 | g)")
    design = FORMULA.design(TABLE).for_rows(
        pd.DataFrame({"g": ["new", "b", "new", "newer"], "x": [0.0, 0, 1, 0]})
    )
    draws = Predictor(own, design, outcome, {}, seed=1)
    at = np.arange(4)
    sigma = draws.parameters(at)["sigma"]
    assert (sigma[0] == sigma[2]).all()
    assert abs(stats.spearmanr(sigma[0], sigma[3]).statistic) < 0.05
    assert (sigma[1] == 9).all()
    drawn = stats.kstest(np.log(sigma[0] / 0.7) / 0.5, stats.norm.cdf)
    assert drawn.pvalue > 1e-3
    assert draws.parameters(at, "average_group")["sigma"] == pytest.approx(0.7)


def test_sigma_of_a_new_group_says_nothing_of_its_deviation():
    own = dataset(
        beta=(["coefficient"], [1]),
        sd_g=(["g_coefficient"], [2]),
        u_g=(["g", "g_coefficient"], np.zeros((3, 1))),
        sigma=(["g"], np.ones(3)),
        sigma_median=([], 0.7),
        sd_log_sigma=([], 0.5),
    )
    design = Formula("y ~ 1 + (1 | g)").design(TABLE).for_rows(pd.DataFrame({"g": ["new"]}))
    draws = Predictor(own, design, Outcome(sigma="~ (1 | g)"), {}, seed=1)
    at = np.arange(1)
    [sigma], [eta] = draws.parameters(at)["sigma"], draws.linear_predictor(at)
    assert stats.pearsonr(np.log(sigma), eta).pvalue > 1e-3


def test_a_new_group_of_student_t_effects_has_their_tails(posterior):
    nu = xr.full_like(posterior["sigma"], 4.0)
    design = FORMULA.design(TABLE).for_rows(pd.DataFrame({"g": ["new"], "x": [0.0]}))
    draws = Predictor(posterior.assign(nu_g=nu), design, Outcome(), {}, seed=1)
    u = draws.effects[0].of_new("new", 1)
    assert stats.kstest(u[:, 0] / 2, stats.t(4).cdf).pvalue > 1e-3
    assert stats.kstest(u[:, 1] / 0.5, stats.t(4).cdf).pvalue > 1e-3


def test_of_two_factors_the_known_part_is_used_and_the_new_part_drawn():
    formula = Formula("y ~ 1 + (1 | g/h)")
    own = dataset(
        beta=(["coefficient"], [10.0]),
        sigma=([], 1.0),
        sd_g=(["g_coefficient"], [2.0]),
        u_g=(["g", "g_coefficient"], [[1.0], [2.0], [3.0]]),
        **{
            "sd_g:h": (["g:h_coefficient"], [0.5]),
            "u_g:h": (["g:h", "g:h_coefficient"], np.full((6, 1), 0.25)),
        },
    )
    rows = {"g": ["b", "b", "z"], "h": ["q", "new", "q"]}
    found = predicted(own, rows, formula=formula)
    assert list(found["group_status"]) == ["known", "new", "new"]
    assert found["mean"].to_numpy() == pytest.approx([12.25, 12, 10], abs=0.06)
    assert found["sd"].to_numpy() == pytest.approx([0, 0.5, (2**2 + 0.5**2) ** 0.5], rel=0.03)
    # The same label means different groups in different factors.
    draws = Predictor(own, formula.design(TABLE).for_rows(pd.DataFrame(rows)), Outcome(), {})
    first, second = (e.of_new("z", 1) / e.scale[:, 0] for e in draws.effects)
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.05


FAMILIES = [
    ("gaussian", {}, {"sigma": 0.7}, lambda eta: stats.norm(eta, 0.7)),
    ("student_t", {}, {"sigma": 0.7, "nu": 4.0}, lambda eta: stats.t(4, eta, 0.7)),
    ("bernoulli", {}, {}, lambda eta: stats.bernoulli(special.expit(eta))),
    ("binomial", {"trials": "n"}, {}, lambda eta: stats.binom(20, special.expit(eta))),
    ("poisson", {"exposure": "e"}, {}, lambda eta: stats.poisson(3 * np.exp(eta))),
    (
        "negative_binomial",
        {"exposure": "e"},
        {"alpha": 2.5},
        lambda eta: stats.nbinom(2.5, 2.5 / (2.5 + 3 * np.exp(eta))),
    ),
    ("lognormal", {}, {"sigma": 0.6}, lambda eta: stats.lognorm(0.6, scale=np.exp(eta))),
    ("gamma", {}, {"alpha": 2.5}, lambda eta: stats.gamma(2.5, scale=np.exp(eta) / 2.5)),
    ("weibull", {}, {"alpha": 1.5}, lambda eta: stats.weibull_min(1.5, scale=np.exp(eta))),
    ("exponential", {}, {}, lambda eta: stats.expon(scale=np.exp(eta))),
    (
        "beta",
        {},
        {"phi": 6.0},
        lambda eta: stats.beta(6 * special.expit(eta), 6 * special.expit(-eta)),
    ),
    (
        "beta_binomial",
        {"trials": "n"},
        {"phi": 6.0},
        lambda eta: stats.betabinom(20, 6 * special.expit(eta), 6 * special.expit(-eta)),
    ),
]


@pytest.mark.parametrize(("family", "columns", "parameters", "exact"), FAMILIES)
def test_every_family_has_its_mean_and_its_new_observations(family, columns, parameters, exact):
    formula = Formula("y ~ x + (1 | g)")
    own = dataset(
        beta=(["coefficient"], [0.3, -0.2]),
        sd_g=(["g_coefficient"], [1.0]),
        u_g=(["g", "g_coefficient"], [[0.0], [0.5], [1.0]]),
        **{name: ([], value) for name, value in parameters.items()},
    )
    rows = {"g": ["b", "b"], "x": [0.0, 1.0], "o": [0.1, 0.1], "n": [20, 20], "e": [3.0, 3.0]}
    outcome = Outcome(family=family, offset="o", **columns)
    found = predicted(own, rows, outcome=outcome, formula=formula)
    truth = exact(np.array([0.3 + 0.5 + 0.1, 0.3 + 0.5 + 0.1 - 0.2]))
    assert found["mean"].to_numpy() == pytest.approx(truth.mean(), rel=1e-12)
    assert found["sd"].to_numpy() == pytest.approx(0, abs=1e-12)
    # Between the exact quantiles two Monte Carlo errors on either side of 5% and 95%.
    for end, level in (("outcome_lower", 0.05), ("outcome_upper", 0.95)):
        error = 4 * (level * (1 - level) / np.prod(SHAPE)) ** 0.5
        assert (found[end] >= truth.ppf(level - error)).all()
        assert (found[end] <= truth.ppf(level + error)).all()
    few = predicted(own.isel(chain=[0], draw=range(7)), rows, outcome=outcome, formula=formula)
    whole = (few[["outcome_lower", "outcome_upper"]] % 1 == 0).all(axis=None)
    assert whole == families.FAMILIES[family].discrete
    assert ("probability" in found) == (family in ("bernoulli", "binomial", "beta_binomial"))
    if "trials" in columns:
        assert found["probability"].to_numpy() == pytest.approx(found["mean"].to_numpy() / 20)


def test_new_observations_have_the_sigma_of_whom_they_are_predicted_for():
    rng = np.random.default_rng(2)
    own = dataset(
        beta=(["coefficient"], [0, 0]),
        sigma=(["g"], [10, 20, 30]),
        sigma_median=([], 2),
        sd_log_sigma=([], 0.5),
        sd_g=(["g_coefficient"], [0, 0]),
        cor_g=(["g_coefficient", "g_coefficient_bis"], np.eye(2)),
        u_g=(["g", "g_coefficient"], np.zeros((3, 2))),
    )
    everyone = ("group", "new_group", "average_group")
    rows = {"g": ["b", "c", "d"], "x": [1.0, 2.0, 3.0]}
    found = predicted(own, rows, outcome=Outcome(sigma="~ (1 | g)"), prediction_target=everyone)
    drawn = rng.standard_normal((2, 10**6))
    new = np.quantile(2 * np.exp(0.5 * drawn[0]) * drawn[1], 0.95)
    one = stats.norm.ppf(0.95)
    upper = [20 * one, 30 * one, new, *[new] * 3, *[2 * one] * 3]
    # Of 10,000 draws: a standard error of 2.1 per cent, and of 2.7 where sigma is drawn.
    assert found["outcome_upper"].to_numpy() == pytest.approx(upper, rel=0.1)
    assert found["outcome_lower"].to_numpy() == pytest.approx(np.negative(upper), rel=0.1)
