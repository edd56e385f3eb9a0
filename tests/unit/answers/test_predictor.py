"""Draws of rows follow the definition of the model, of every family and whoever is asked for."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special, stats

from partialpool.answers import contrasts, predict
from partialpool.answers.predictor import Predictor
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome

SHAPE, ALL = (4, 500), 2000
FORMULA = Formula("y ~ z + x + (1 + x | g) + (0 + z | h)")
FITTED = pd.DataFrame(
    {
        "g": np.arange(40) % 4,
        "h": np.arange(40) % 5,
        "x": np.random.default_rng(1).normal(2, 1, 40),
        "z": np.random.default_rng(2).normal(-1, 1, 40),
        "y": np.arange(40.0),
    }
)
ROWS = pd.DataFrame(
    {
        "g": ["2", "0", "new", "3", "other"],
        "h": ["4", "1", "0", "strange", "strange"],
        "x": [1.5, -0.5, 2.0, 0.0, 1.0],
        "z": [0.25, -1.0, 0.0, 2.0, 0.5],
        "n": [3, 20, 7, 11, 1],
        "e": [2.0, 0.5, 1.0, 6.0, 3.0],
        "o": [0.3, 0.0, -0.7, 1.0, -0.1],
        "s": [0.25, 4.0, 1.5, 1.0, 9.0],
        "w": [1.0, 5.0, 2.0, 3.0, 0.5],
    }
)
KNOWN, SIZE = [0, 1], len(ROWS)
OUTCOMES = [
    Outcome(),
    Outcome(sigma=1.5, offset="o"),
    Outcome(sigma="s", weights="w"),
    Outcome(precision_weights="s", offset="o"),
    Outcome("student_t", weights="w"),
    Outcome("student_t", sigma="s", offset="o"),
    Outcome("student_t", precision_weights="s"),
    Outcome("bernoulli", offset="o"),
    Outcome("binomial", trials="n", weights="w"),
    Outcome("poisson", exposure="e", offset="o"),
    Outcome("negative_binomial", exposure="e"),
]
WHOM = ("group", "new_group", "average_group")


def named(outcome):
    return " ".join([outcome.family, str(outcome.sigma), *outcome.columns])


def posterior(outcome, heavy=False) -> xr.Dataset:
    """Draws in which every quantity differs between draws, and not a little."""
    rng = np.random.default_rng(3)

    def positive(*shape):
        return np.exp(rng.normal(0, 0.4, (*SHAPE, *shape)))

    cor = np.broadcast_to(np.eye(2), (*SHAPE, 2, 2)).copy()
    cor[..., 0, 1] = cor[..., 1, 0] = rng.uniform(-0.9, 0.9, SHAPE)
    found = {
        "beta": (["coefficient"], rng.normal(0, 0.5, (*SHAPE, 3))),
        "sd_g": (["g_coefficient"], positive(2)),
        "cor_g": (["g_coefficient", "g_coefficient_bis"], cor),
        "u_g": (["g", "g_coefficient"], rng.normal(0, 0.5, (*SHAPE, 4, 2))),
        "sd_h": (["h_coefficient"], positive(1)),
        "u_h": (["h", "h_coefficient"], rng.normal(0, 0.5, (*SHAPE, 5, 1))),
    }
    if families.family_of(outcome).estimates_sigma(outcome):
        found["sigma"] = ([], positive())
    elif families.family_of(outcome).has_sigma and not outcome.errors:
        found["sigma"] = ([], np.full(SHAPE, outcome.sigma))
    own = {"student_t": "nu", "negative_binomial": "alpha"}.get(outcome.family)
    found |= {own: ([], 3 * positive())} if own else {}
    if heavy:
        found |= {"nu_g": ([], 3 * positive()), "nu_h": ([], 10 * positive())}
    return xr.Dataset({n: (("chain", "draw", *dims), v) for n, (dims, v) in found.items()})


def flat(posterior, name):
    return posterior[name].values.reshape(ALL, *posterior[name].shape[2:])


def draws_of(posterior, outcome, rows=ROWS, **options) -> Predictor:
    design = FORMULA.design(FITTED).for_rows(rows)
    return Predictor(posterior, design, outcome, families.columns(rows, outcome), **options)


def shared(posterior, outcome, row: int) -> np.ndarray:
    """What all groups have in common of the linear predictor of a row, `(draw,)`."""
    one, beta = ROWS.loc[row], flat(posterior, "beta")
    eta = beta[:, 0] + beta[:, 1] * one["z"] + beta[:, 2] * one["x"]
    if outcome.offset:
        eta = eta + one[outcome.offset]
    return eta + np.log(one[outcome.exposure]) if outcome.exposure else eta


def own(posterior, row: int) -> np.ndarray:
    """What the known groups of a row add to it."""
    one, found = ROWS.loc[row], np.zeros(ALL)
    if one["g"] in "0123":
        u = flat(posterior, "u_g")[:, int(one["g"])]
        found += u[:, 0] + u[:, 1] * one["x"]
    if one["h"] in "01234":
        found += flat(posterior, "u_h")[:, int(one["h"]), 0] * one["z"]
    return found


def scales(posterior, row: int) -> dict[str, np.ndarray]:
    """The sd of what a group of each factor adds to a row, if it is drawn."""
    x, z = ROWS.loc[row, ["x", "z"]].astype(float)
    (first, second), cor = flat(posterior, "sd_g").T, flat(posterior, "cor_g")[:, 0, 1]
    variance = first**2 + (x * second) ** 2 + 2 * x * cor * first * second
    return {"g": np.sqrt(variance), "h": np.abs(z) * flat(posterior, "sd_h")[:, 0]}


def uniform(values) -> bool:
    """Whether values of a distribution function may well be those of its own draws."""
    return stats.kstest(values, stats.uniform.cdf).pvalue > 1e-3


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "Student-t"])
@pytest.mark.parametrize("outcome", [OUTCOMES[0], OUTCOMES[-2]], ids=named)
def test_linear_predictors_are_of_known_groups_of_drawn_ones_and_of_none(outcome, heavy):
    """With two factors, of which a row's group may be known in one and not in the other."""
    drawn, rows = posterior(outcome, heavy), np.arange(SIZE)
    draws = draws_of(drawn, outcome, seed=2)
    by = {
        prediction_target: draws.linear_predictor(rows, prediction_target)
        for prediction_target in WHOM
    }
    for row in rows:
        common = shared(drawn, outcome, row)
        assert by["average_group"][row] == pytest.approx(common)
        if row in KNOWN:
            assert by["group"][row] == pytest.approx(common + own(drawn, row))
        for prediction_target in ("group", "new_group"):
            known = prediction_target == "group"
            left = by[prediction_target][row] - common - (own(drawn, row) if known else 0)
            sizes = {
                factor: size
                for factor, size in scales(drawn, row).items()
                if size.any() and not (known and ROWS.loc[row, factor] in "01234")
            }
            if not sizes:
                assert left == pytest.approx(0, abs=1e-9)
            elif not heavy:
                total = np.sqrt(sum(size**2 for size in sizes.values()))
                assert uniform(stats.norm.cdf(left / total))
            elif len(sizes) == 1:
                [(factor, size)] = sizes.items()
                assert uniform(stats.t(flat(drawn, f"nu_{factor}")).cdf(left / size))


def test_the_deviations_of_a_new_group_are_stretched_together():
    """A multivariate Student-t has one precision for all coefficients of a group."""
    drawn = posterior(Outcome(), heavy=True)
    u = draws_of(drawn, Outcome()).effects[0].of_new("new", 1)
    sd, cor, nu = (flat(drawn, name) for name in ("sd_g", "cor_g", "nu_g"))
    covariance = sd[:, :, None] * cor * sd[:, None, :]
    squares = np.einsum("si,sij,sj->s", u, np.linalg.inv(covariance), u)
    assert uniform(stats.f(2, nu).cdf(squares / 2))
    # Of Cauchy deviations, one far out has the other with it.
    drawn["nu_g"] = xr.ones_like(drawn["nu_g"])
    u = draws_of(drawn, Outcome()).effects[0].of_new("new", 1)
    first, second = np.linalg.solve(np.linalg.cholesky(covariance), u[..., None])[..., 0].T
    assert stats.spearmanr(np.abs(first), np.abs(second)).statistic > 0.3


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_new_responses_have_the_distribution_of_their_family_in_every_draw(outcome):
    """And of their row: its trials, exposure, offset, standard error or precision weight."""
    drawn, rows, rng = posterior(outcome), np.arange(SIZE), np.random.default_rng(5)
    draws = draws_of(drawn, outcome)
    for prediction_target in ("group", "average_group"):
        eta = draws.linear_predictor(rows, prediction_target)
        y = draws.responses(rng, rows, eta, prediction_target)
        for row in KNOWN if prediction_target == "group" else rows:
            centre = shared(drawn, outcome, row)
            centre = centre + own(drawn, row) if prediction_target == "group" else centre
            one, sigma = ROWS.loc[row], 1.0
            if outcome.errors:
                sigma = one["s"]
            elif families.family_of(outcome).has_sigma:
                sigma = flat(drawn, "sigma") / (one["s"] ** 0.5 if outcome.precision_weights else 1)
            below, at = (
                {
                    "gaussian": lambda e, s, n: stats.norm(e, s),
                    "student_t": lambda e, s, n: stats.t(flat(drawn, "nu"), e, s),
                    "bernoulli": lambda e, s, n: stats.bernoulli(special.expit(e)),
                    "binomial": lambda e, s, n: stats.binom(n, special.expit(e)),
                    "poisson": lambda e, s, n: stats.poisson(np.exp(e)),
                    "negative_binomial": lambda e, s, n: stats.nbinom(
                        flat(drawn, "alpha"), 1 / (1 + np.exp(e) / flat(drawn, "alpha"))
                    ),
                }[outcome.family](centre, sigma, one["n"]).cdf,
                y[row],
            )
            if not families.FAMILIES[outcome.family].discrete:
                assert uniform(below(at)), (row, prediction_target)
                continue
            share = rng.uniform(size=ALL)  # of a step of the distribution function
            assert uniform(share * below(at) + (1 - share) * below(at - 1)), (
                row,
                prediction_target,
            )


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_predictions_do_not_depend_on_the_order_of_rows_or_how_many_come_at_once(
    outcome, monkeypatch
):
    """As far as nothing is drawn anew, and in every column that tells of a row."""
    drawn, design = posterior(outcome), FORMULA.design(FITTED)
    options = {
        "variant": "hierarchical",
        "passed": True,
        "interval": 0.8,
        "seed": 3,
        "prediction_target": WHOM,
    }

    def predicted(rows):
        return predict.predict(drawn, rows, design.for_rows(rows), outcome, **options)

    whole, order = predicted(ROWS), [3, 0, 4, 2, 1]
    monkeypatch.setattr(predict, "BATCH", 2 * ALL)
    some = predicted(ROWS.iloc[order].reset_index(drop=True))
    noise = [name for name in whole if name.startswith("outcome_")]
    for start in range(0, len(whole), SIZE):
        expected = whole.iloc[start : start + SIZE].iloc[order].reset_index(drop=True)
        found = some.iloc[start : start + SIZE].reset_index(drop=True)
        pd.testing.assert_frame_equal(found.drop(columns=noise), expected.drop(columns=noise))


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_predictions_and_contrasts_are_of_the_same_draws(outcome):
    """So what one row is expected to have over another is the difference of what they have."""
    drawn, design = posterior(outcome, heavy=True), FORMULA.design(FITTED).for_rows(ROWS)
    options = {
        "variant": "hierarchical",
        "passed": True,
        "interval": 0.8,
        "seed": 3,
        "prediction_target": WHOM,
    }
    rows = predict.predict(drawn, ROWS, design, outcome, **options)
    pairs = [(1, 2), (4, 1), (3, 5), (2, 3)]
    found = contrasts.contrast(drawn, ROWS, design, outcome, pairs, **options)
    mean = "probability" if outcome.family == "binomial" else "mean"
    assert found["predicted_for"].tolist() == [
        prediction_target for prediction_target in WHOM for _ in pairs
    ]
    for one in found.itertuples():
        own_rows = rows[rows["predicted_for"] == one.predicted_for].reset_index(drop=True)
        first, second = own_rows[mean][one.first - 1], own_rows[mean][one.second - 1]
        largest = own_rows[mean].abs().max()
        assert one.mean == pytest.approx(second - first, abs=1e-9 * largest)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_contrasts_of_known_rows_are_by_their_definition_in_every_draw(outcome):
    drawn, design = posterior(outcome), FORMULA.design(FITTED).for_rows(ROWS)
    options = {"variant": "hierarchical", "passed": True, "interval": 0.8, "seed": 3}
    one = contrasts.contrast(drawn, ROWS, design, outcome, [(1, 2)], **options).loc[0]
    family = families.FAMILIES[outcome.family]
    eta = np.stack([shared(drawn, outcome, row) + own(drawn, row) for row in (0, 1)])
    first, second = {"identity": eta, "logit": special.expit(eta), "log": np.exp(eta)}[family.link]
    difference = second - first
    assert one["sd"] == pytest.approx(difference.std())
    ends = one[["lower", "upper"]].astype(float)
    assert ends.to_numpy() == pytest.approx(np.quantile(difference, [0.1, 0.9]))
    assert one["probability_over_zero"] == pytest.approx((second > first).mean())
    if family.link == "identity":
        assert "ratio_mean" not in one
        return
    ratio = {"logit": np.exp(eta[1] - eta[0]), "log": second / first}[family.link]
    if outcome.exposure:
        ratio = ratio * ROWS[outcome.exposure][0] / ROWS[outcome.exposure][1]
    assert one["ratio_mean"] == pytest.approx(ratio.mean())
    ends = one[["ratio_lower", "ratio_upper"]].astype(float)
    assert ends.to_numpy() == pytest.approx(np.quantile(ratio, [0.1, 0.9]))


def test_some_draws_are_every_so_many_th_of_all_quantities():
    drawn = posterior(Outcome(), heavy=True)
    few, whole = (draws_of(drawn, Outcome(), thin=thin) for thin in (7, 1))
    rows = np.arange(SIZE)
    assert few.count == len(range(0, ALL, 7))
    for prediction_target in ("group", "average_group"):
        at = KNOWN if prediction_target == "group" else rows
        every = whole.linear_predictor(np.array(at), prediction_target)
        assert (few.linear_predictor(np.array(at), prediction_target) == every[:, ::7]).all()
    assert (few.parameters(rows)["sigma"] == whole.parameters(rows)["sigma"][:, ::7]).all()
    for one, other in zip(few.effects, whole.effects, strict=True):
        for name in ("u", "scale", "nu"):
            assert (getattr(one, name) == getattr(other, name)[::7]).all()
