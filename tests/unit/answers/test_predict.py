"""Predictions and contrasts: known, new and average groups, and what cannot be said."""

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special, stats

from partialpool.answers import contrasts, predict, prediction_grid
from partialpool.answers.predictor import Predictor
from partialpool.answers.response_scale import ResponseScale
from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.table import ingest
from partialpool.table.table_summary import TableSummary, read_groups

TABLE = pd.DataFrame(
    {
        "g": np.repeat(["a", "b", "c"], 4),
        "x": np.tile([0.0, 1.0, 2.0, 4.0], 3),
        "y": np.arange(12.0) ** 1.5,
        "h": np.tile(["p", "q"], 6),
        "n": np.repeat([7.0, 10, 14], 4),
    }
)
FORMULA = Formula("y ~ x + (1 + x | g)")
SHAPE = (4, 2500)
GAUSSIAN = Outcome()


def dataset(coords=None, **variables) -> xr.Dataset:
    """A posterior whose variables are the same in every draw, unless they have draws."""
    found = {}
    for name, (dims, values) in variables.items():
        values = np.asarray(values, dtype=float)
        if values.shape[:2] != SHAPE:
            values = np.broadcast_to(values, (*SHAPE, *values.shape))
        found[name] = (("chain", "draw", *dims), values)
    return xr.Dataset(found, coords=coords)


@pytest.fixture
def posterior() -> xr.Dataset:
    beta = [1, 2] + 0.1 * np.random.default_rng(1).normal(size=(*SHAPE, 2))
    return dataset(
        beta=(["coefficient"], beta),
        sigma=([], 0.7),
        sd_g=(["g_coefficient"], [2.0, 0.5]),
        cor_g=(["g_coefficient", "g_coefficient_bis"], [[1, 0.6], [0.6, 1]]),
        u_g=(["g", "g_coefficient"], [[3.0, 0.0], [0.0, 1.0], [-3.0, -1.0]]),
    )


def predicted(
    posterior, rows, variant="hierarchical", outcome=GAUSSIAN, formula=FORMULA, **options
):
    rows = pd.DataFrame(rows)
    defaults = {"passed": True, "interval": 0.9, "seed": 3}
    design = formula.design(TABLE).at(rows)
    options = defaults | options
    return predict.predict(posterior, rows, design, outcome, variant=variant, **options)


def contrasted(posterior, rows, pairs, outcome=GAUSSIAN, formula=FORMULA, **options):
    rows = pd.DataFrame(rows)
    design = formula.design(TABLE).at(rows)
    defaults = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 3}
    return contrasts.contrast(posterior, rows, design, outcome, pairs, **defaults | options)


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


def test_sigma_of_a_new_group_is_drawn_where_it_has_a_distribution(posterior):
    own = posterior.assign(
        sigma=(("chain", "draw", "g"), np.full((*SHAPE, 3), 9.0)),
        sigma_median=posterior["sigma"],
        sd_log_sigma=xr.full_like(posterior["sigma"], 0.5),
    )
    outcome = Outcome(sigma="~ (1 | g)")
    design = FORMULA.design(TABLE).at(
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
    design = Formula("y ~ 1 + (1 | g)").design(TABLE).at(pd.DataFrame({"g": ["new"]}))
    draws = Predictor(own, design, Outcome(sigma="~ (1 | g)"), {}, seed=1)
    at = np.arange(1)
    [sigma], [eta] = draws.parameters(at)["sigma"], draws.linear_predictor(at)
    assert stats.pearsonr(np.log(sigma), eta).pvalue > 1e-3


def test_a_new_group_of_student_t_effects_has_their_tails(posterior):
    nu = xr.full_like(posterior["sigma"], 4.0)
    design = FORMULA.design(TABLE).at(pd.DataFrame({"g": ["new"], "x": [0.0]}))
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
    draws = Predictor(own, formula.design(TABLE).at(pd.DataFrame(rows)), Outcome(), {})
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
    assert ("probability" in found) == (family in ("bernoulli", "binomial"))
    if family == "binomial":
        assert found["probability"].to_numpy() == pytest.approx(found["mean"].to_numpy() / 20)


Y = TABLE["y"].to_numpy() + 1
LOG_NORMAL = [stats.lognorm(s=0.4 * np.log(b), scale=b**0.6).mean() for b in (np.e, 2, 10)]


@pytest.mark.parametrize(
    ("response", "back", "mean", "rate"),
    [
        ("log(y)", np.exp, LOG_NORMAL[0], 1),
        ("np.log2(y)", np.exp2, LOG_NORMAL[1], np.log(2)),
        ("log10(y)", lambda z: 10**z, LOG_NORMAL[2], np.log(10)),
        ("log1p(y)", np.expm1, LOG_NORMAL[0] - 1, 1),
        ("sqrt(y)", lambda z: max(z, 0) ** 2, 0.6**2 + 0.4**2, None),
        ("exp(y)", lambda z: np.log(z) if z > 0 else -np.inf, None, None),
        ("scale(y)", lambda z: Y.mean() + Y.std() * z, Y.mean() + Y.std() * 0.6, None),
        (
            "center(scale(log(`y`)))",
            lambda z: np.exp(np.log(Y).mean() + np.log(Y).std() * z),
            np.exp(np.log(Y).mean() + np.log(Y).std() * 0.6 + (np.log(Y).std() * 0.4) ** 2 / 2),
            np.log(Y).std(),
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_transformed_response_is_predicted_on_its_own_scale(response, back, mean, rate):
    formula = Formula(f"{response} ~ x + (1 | g)")
    table = TABLE.assign(y=Y)
    learned = FittedTransforms.of(formula, lambda: iter([table[:7], table[7:]]))
    own = dataset(
        beta=(["coefficient"], [0.1, 0.25]),
        sigma=([], 0.4),
        sd_g=(["g_coefficient"], [1.0]),
        u_g=(["g", "g_coefficient"], [[0.5], [0.0], [0.0]]),
    )
    rows = pd.DataFrame({"g": ["a", "a"], "x": [0.0, 1.0]})
    options = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 1}
    found = predict.predict(own, rows, learned.design.at(rows), GAUSSIAN, **options)
    first = found.loc[0]
    assert first["mean"] == pytest.approx(0.6)
    for end in ("", "_lower", "_upper"):
        assert first[f"response_median{end}"] == pytest.approx(back(0.6))
    if mean is not None:
        assert first["response_mean"] == pytest.approx(mean)
    assert ("response_mean" in found) == (mean is not None)
    for end in ("lower", "upper"):
        value = back(first[f"outcome_{end}"])
        assert first[f"response_outcome_{end}"] == pytest.approx(value)
    arguments = own, rows, learned.design.at(rows), GAUSSIAN, [[1, 2]]
    ratio = contrasts.contrast(*arguments, **options)
    assert ("ratio_mean" in ratio) == (rate is not None)
    if rate is not None:
        assert ratio.loc[0, "ratio_mean"] == pytest.approx(np.exp(rate * 0.25))


def test_the_mean_of_a_transformed_response_is_by_the_sigma_of_whom_it_is_of():
    formula = Formula("log(y) ~ 1 + (1 | g)")
    learned = FittedTransforms.of(formula, lambda: iter([TABLE.assign(y=Y)]))
    own = dataset(
        beta=(["coefficient"], [0.1]),
        sigma=(["g"], [0.4, 1, 1]),
        sigma_median=([], 0.2),
        sd_log_sigma=([], 0.5),
        sd_g=(["g_coefficient"], [1]),
        u_g=(["g", "g_coefficient"], [[0.5], [0], [0]]),
    )
    rows, outcome = pd.DataFrame({"g": ["a"]}), Outcome(sigma="~ (1 | g)")
    options = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 1}
    options["prediction_target"] = ("group", "average_group")
    found = predict.predict(own, rows, learned.design.at(rows), outcome, **options)
    exact = [stats.lognorm(s, scale=np.exp(mu)).mean() for mu, s in ((0.6, 0.4), (0.1, 0.2))]
    assert found["response_mean"].to_numpy() == pytest.approx(exact)


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


@pytest.mark.parametrize("response", ["y", "abs(y)", "I(log(y))", "log(y + 1)", "log(y / n)"])
def test_a_response_that_is_no_function_of_one_column_is_left_as_it_is(response):
    formula, table = Formula(f"{response} ~ x"), TABLE.assign(y=Y)
    learned = FittedTransforms.of(formula, lambda: iter([table]))
    assert ResponseScale.of(learned.design) is None


def test_a_contrast_of_two_rows_keeps_what_they_share_out(posterior):
    rows = {"g": ["a", "a", "new", "new"], "x": [1.0, 3.0, 1.0, 3.0]}
    prediction_target = ("group", "average_group")
    found = contrasted(posterior, rows, [[1, 2], [4, 3]], prediction_target=prediction_target)
    assert found[["first", "second"]].to_numpy().tolist() == [[1, 2], [4, 3]] * 2
    assert list(found["predicted_for"]) == ["group"] * 2 + ["average_group"] * 2
    assert found["mean"].to_numpy() == pytest.approx([4, -4, 4, -4], abs=0.05)
    slope = (0.1**2 + 0.5**2) ** 0.5
    assert found["sd"].to_numpy() == pytest.approx([0.2, 2 * slope, 0.2, 0.2], rel=0.05)
    assert found["probability_over_zero"].to_numpy() == pytest.approx([1, 0, 1, 0], abs=1e-3)
    refused = contrasted(posterior, rows, [[1, 3]], variant="unpooled", passed=False)
    assert np.isnan(refused.loc[0, ["mean", "probability_over_zero"]].astype(float)).all()
    assert refused.loc[0, "note"] == f"{predict.NO_NEW_GROUP}; {predict.FAILED}"


@pytest.mark.parametrize(("family", "column"), [("binomial", "trials"), ("poisson", "exposure")])
def test_contrasts_of_probabilities_and_rates(family, column):
    slope = 0.5 + 0.1 * np.random.default_rng(2).normal(size=SHAPE)
    beta = np.stack([np.full(SHAPE, -0.3), slope], axis=-1)
    own = dataset(beta=(["coefficient"], beta))
    outcome = Outcome(family=family, **{column: "n"})
    rows = {"x": [0.0, 2.0], "n": [4, 8]}
    found = contrasted(own, rows, [[1, 2]], outcome=outcome, formula=Formula("y ~ x")).loc[0]
    # Twice a normal slope on the scale of the link: the ratio is log-normal.
    ratio = stats.lognorm(s=0.2, scale=np.exp(1.0))
    assert found["ratio_mean"] == pytest.approx(ratio.mean(), rel=0.01)
    ends = found[["ratio_lower", "ratio_upper"]].astype(float)
    assert ends.to_numpy() == pytest.approx(ratio.ppf([0.05, 0.95]), rel=0.02)
    if family == "binomial":
        exact = special.expit(-0.3 + 2 * slope) - special.expit(-0.3)
    else:
        exact = 8 * np.exp(-0.3 + 2 * slope) - 4 * np.exp(-0.3)
    assert found["mean"] == pytest.approx(exact.mean())


def test_a_contrast_of_rows_that_are_not_there_is_refused():
    ingest.check_contrasts([[1, 2], [3, 1]], 3, "new.csv")
    with pytest.raises(UserError, match=r"new.csv: `contrasts` has \[4, 1\].*no row 4.*1 to 3"):
        ingest.check_contrasts([[1, 2], [4, 1]], 3, "new.csv")


def of_grid(table, design, outcome, most=None):
    """The grid of a table, or of its first rows and what is known of its groups."""
    tally = TableSummary(design, outcome, table)
    for batch in (table[:5], table[5:]):  # of which neither has all labels and groups
        own = design.at(batch, response=True)
        tally.add(batch, own, families.columns(batch, outcome))
    stored = io.StringIO(tally.groups(design).to_csv(index=False))
    return prediction_grid.grid(table[:most], design, outcome, read_groups(stored))


def test_the_grid_is_each_groups_own_range():
    table = TABLE.assign(x=TABLE["x"] + np.repeat([0, 10, 20], 4) + np.arange(12) * 0.01)
    design, own = FORMULA.design(table), table.groupby("g")["x"].agg(["min", "max"])
    for rows in (12, 7):  # of seven rows none is of the last group
        found = of_grid(table, design, Outcome(), rows)
        span = found.groupby("g")["x"].agg(["min", "max"])
        assert span.to_numpy() == pytest.approx(own.to_numpy())
        assert design.at(found).matrix.shape == (len(found), 2)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("y ~ x + (1 | g)", 12), ("y ~ x + (1 | g) + (1 | h)", 12), ("y ~ 1 + (1 | g/h)", 6)],
)
def test_the_grid_of_many_groups_has_few_rows(monkeypatch, text, rows):
    """Two of each group at least; of combinations of groups, some that are among the rows."""
    monkeypatch.setattr(prediction_grid, "ROWS", rows)
    table = TABLE.assign(x=np.arange(12.0) ** 2)
    design = Formula(text).design(table)
    found = of_grid(table, design, Outcome())
    assert 0 < len(found) <= rows
    columns = [column for column in ("g", "h") if column in found]
    kept, every = (set(map(tuple, t[columns].to_numpy())) for t in (found, table))
    assert kept <= every
    ordered = sorted(every)
    assert {ordered[0], ordered[-1]} <= kept
    assert len(kept) == min(len(every), rows // 2 if len(columns) > 1 else rows)
    if "x" in found:
        ends = found.groupby(columns)["x"].agg(["min", "max", "size"])
        own = table.groupby(columns)["x"].agg(["min", "max"]).loc[ends.index]
        assert (ends[["min", "max"]].to_numpy() == own.to_numpy()).all()
        assert (ends["size"] >= 2).all()


@pytest.mark.parametrize("text", ["y ~ x + z + (1 | g)", "y ~ x + z + (1 | g) + (1 | h)"])
def test_the_grid_does_not_depend_on_the_order_of_rows(text):
    table = TABLE.assign(z=np.random.default_rng(1).normal(size=12), n=np.arange(2.0, 14))
    design, outcome = Formula(text).design(table), Outcome("binomial", trials="n")
    shuffled = table.sample(frac=1, random_state=2, ignore_index=True)
    assert not shuffled["g"].is_monotonic_increasing
    expected = of_grid(table, design, outcome)
    pd.testing.assert_frame_equal(of_grid(shuffled, design, outcome), expected)


def test_what_the_grid_holds_fixed_is_each_groups_own():
    table = TABLE.assign(
        soil=["007"] * 4 + ["NA", "NA", "007", "NA"] + ["x, y"] * 4,  # constant in two groups
        uranium=np.repeat([0.25, 1.5, 3], 4) + np.tile([-0.125, 0.125], 6),
        storey=[0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0],  # in the last group both are as frequent
        clay=np.repeat([0.486, 0.1, 0.7], 4),
        period=np.repeat([3, 1, 2], 4),
        firms=np.repeat([1, 4, 2], 4) + np.tile([0, 1, 1, 2], 3),
        x=np.repeat([5.0, 6, 7], 4),
    )
    # As many columns as there are would be collinear in three groups; a grid asks for no fit.
    formula = Formula("y ~ x + soil + uranium + clay + storey + C(period) + log(firms) + (1 | g)")
    design = formula.evaluate(formula.terms(), table)
    assert prediction_grid.held(table, design) == {
        "soil": "most frequent label",
        "uranium": "mean",
        "clay": "mean",
        "storey": "most frequent value",
        "period": "most frequent value",
        "firms": "mean",
    }
    for most in (None, 7):  # of seven rows none is of the last group
        found = of_grid(table, design, GAUSSIAN, most)
        assert found["g"].tolist() == ["a", "b", "c"]
        assert found["x"].tolist() == [5, 6, 7]  # the grid's own predictor, constant in a group
        assert found["soil"].tolist() == ["007", "NA", "x, y"]
        assert found["uranium"].tolist() == [0.25, 1.5, 3]
        assert found["clay"].tolist() == [0.486, 0.1, 0.7]  # as they are, but for no digit
        assert found["storey"].tolist() == [0, 1, 0]
        assert found["period"].tolist() == [3, 1, 2]
        assert found["firms"].tolist() == [2, 5, 3]
        assert design.at(found).matrix.shape == (3, len(design.columns))


def test_the_grid_goes_along_labels_that_a_group_has():
    design = Formula("y ~ soil + (1 | g)").design(
        table := TABLE.assign(soil=np.repeat(list("pqr"), 4))
    )
    for most in (None, 7):
        found = of_grid(table, design, GAUSSIAN, most)
        assert found[["g", "soil"]].to_numpy().tolist() == [["a", "p"], ["b", "q"], ["c", "r"]]


def test_the_grid_goes_along_numbers_that_are_labels():
    table = pd.concat([TABLE] * 2).assign(year=np.repeat(np.arange(2000, 2008), 3))
    years = table.groupby("g")["year"].unique().map(sorted).map(list)
    for text in ("y ~ C(year) + (1 | g)", "y ~ x + (1 | g) + (0 + C(year) | h)", "y ~ C(year)"):
        formula = Formula(text)
        design = formula.evaluate(formula.terms(), table)
        for most in (None, 20):
            found = of_grid(table, design, GAUSSIAN, most)
            assert design.at(found).matrix.shape == (len(found), len(design.columns))
            if text == "y ~ C(year) + (1 | g)" and most is None:
                assert found.groupby("g")["year"].apply(list).to_dict() == years.to_dict()
            if text == "y ~ C(year)":
                assert found["year"].tolist() == [*range(2000, 2007 if most else 2008)]


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("y ~ 1", 1, []),
        ("y ~ 1 + (1 | g)", 3, ["g", "n"]),
        ("y ~ e + x + (1 + x | g)", 12, ["g", "x", "e"]),
        ("y ~ x", 4, ["x", "n"]),
        ("y ~ h + x + (1 | g)", 6, ["g", "h", "x", "n"]),
        ("y ~ n + (1 | h)", 6, ["h", "n"]),
        ("y ~ 1 + (1 | g/h)", 6, ["g", "h"]),
        ("y ~ x + (1 | g) + (1 | h)", 12, ["g", "h", "x", "n"]),
        ("y ~ h + (1 | g/h)", 6, ["g", "h"]),
        ("y ~ h + x + (1 | g/h)", 12, ["g", "h", "x"]),
    ],
)
def test_the_grid_has_what_the_formula_and_the_outcome_need(text, rows, columns):
    table, formula = TABLE.assign(e=np.arange(12) ** 0.5), Formula(text)
    design = formula.design(table)
    outcome = Outcome(family="binomial", trials="n") if "n" in columns else Outcome()
    found = of_grid(table, design, outcome)
    assert list(found.columns) == columns
    assert design.at(found).matrix.shape == (rows, len(design.columns))
    if "n" in columns:
        assert set(found["n"]) == ({10.0} if rows == 4 else {7.0, 10, 14})
        assert (
            not families.FAMILIES["binomial"]
            .outside(found["n"].to_numpy(), found["n"].to_numpy())
            .any()
        )
