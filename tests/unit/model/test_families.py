"""The response families: densities against SciPy, draws against their moments, supports."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import integrate, special, stats

from partialpool.base.errors import UserError
from partialpool.model import families
from partialpool.model.arrays import NUMPY
from partialpool.model.families import FAMILIES
from partialpool.study.outcome import Outcome

MODERATE = np.array([-6.0, -1.0, 0.0, 0.3, 2.5, 8.0])
EXTREME = np.array([-700.0, -300.0, -40.0, 40.0, 300.0, 700.0])
ETA = np.concatenate([EXTREME, MODERATE])


def binomial(y, eta, trials):
    """By the smaller of the two probabilities, which the other would round away."""
    return np.where(
        eta < 0,
        stats.binom.logpmf(y, trials, special.expit(eta)),
        stats.binom.logpmf(trials - y, trials, special.expit(-eta)),
    )


def negative_binomial(y, eta, alpha):
    """scipy's where its probability is neither 0 nor 1; else from the ratio of alpha and mu."""
    mu = np.exp(eta)
    ways = special.gammaln(y + alpha) - special.gammaln(alpha) - special.gammaln(y + 1)
    far = ways - alpha * np.log1p(mu / alpha) - y * np.log1p(alpha / mu)
    near = stats.nbinom.logpmf(y, alpha, alpha / (alpha + mu))
    return np.where(np.abs(eta) < 20, near, far)


# By family: parameters, trials, responses, and the same density by scipy.
CASES = {
    "gaussian": [
        ({"sigma": s}, None, [-3.0, 0.0, 2.5, 1e6], lambda y, e, s=s: stats.norm(e, s).logpdf(y))
        for s in (1e-3, 1.0, 400.0)
    ],
    "student_t": [
        (
            {"sigma": sigma, "nu": nu},
            None,
            [-3.0, 0.0, 2.5, 1e6],
            lambda y, e, s=sigma, nu=nu: stats.t(nu, e, s).logpdf(y),
        )
        for sigma, nu in ((1.0, 0.5), (0.01, 4.0), (3.0, 200.0))
    ],
    "bernoulli": [({}, None, [0.0, 1.0], lambda y, e: binomial(y, e, 1))],
    "binomial": [
        ({}, trials, [0.0, 1.0, trials - 1, trials], lambda y, e, n=trials: binomial(y, e, n))
        for trials in (1.0, 7.0, 10_000.0)
    ],
    "poisson": [
        ({}, None, [0.0, 1.0, 3.0, 5_000.0], lambda y, e: stats.poisson(np.exp(e)).logpmf(y))
    ],
    "negative_binomial": [
        (
            {"alpha": alpha},
            None,
            [0.0, 1.0, 3.0, 5_000.0],
            lambda y, e, a=alpha: negative_binomial(y, e, a),
        )
        for alpha in (0.01, 1.5, 1e4)
    ],
}  # fmt: skip


CONTINUOUS = [name for name, family in FAMILIES.items() if not family.discrete]
COUNTS = [name for name, family in FAMILIES.items() if family.link == "log"]


def test_a_record_is_found_under_its_name():
    assert tuple(FAMILIES) == tuple(CASES)
    assert all(family.name == name for name, family in FAMILIES.items())


def test_a_record_with_an_unknown_link_or_merging_is_refused():
    for wrong in ({"link": "probit"}, {"merging": "sum"}):
        with pytest.raises(ValueError, match="poisson: unknown link"):
            replace(FAMILIES["poisson"], **wrong)


@pytest.mark.parametrize("name", CASES)
def test_log_densities_are_those_of_scipy(name):
    for parameters, trials, responses, expected in CASES[name]:
        y = np.array(responses)[:, None]
        found = FAMILIES[name].log_density(y, ETA, parameters, trials)
        assert found.shape == (len(responses), len(ETA))
        # Sums of terms as large as the linear predictor times the response.
        size = 1 + np.abs(y * ETA)
        assert np.isfinite(found).all()
        assert found / size == pytest.approx(expected(y, ETA) / size, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_kernels_of_symbols_and_of_arrays_agree(name):
    family, mode = FAMILIES[name], Mode(linker="py", optimizer=None)
    for parameters, trials, responses, _ in CASES[name]:
        y = np.array(responses)[:, None]
        count = np.full_like(y, trials or 1)
        symbols = {key: pt.constant(np.float64(value)) for key, value in parameters.items()}
        found = family.kernel(pt.constant(y), pt.constant(ETA), symbols, pt.constant(count), pt)
        numbers = family.kernel(y, ETA, parameters, count, NUMPY)
        assert found.eval(mode=mode) == pytest.approx(numbers, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_densities_integrate_to_one(name):
    for parameters, *_ in CASES[name]:
        far = 0.7 + 9 * parameters["sigma"] * np.array([-np.inf, -1, 0, 1, np.inf])

        def density(y, parameters=parameters):
            return float(np.exp(FAMILIES[name].log_density(y, 0.7, parameters)))

        total = sum(integrate.quad(density, *part)[0] for part in pairwise(far))
        assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "parameters", "trials", "last"),
    [
        ("bernoulli", {}, None, 1),
        ("binomial", {}, 30.0, 30),
        ("poisson", {}, None, 200),
        ("negative_binomial", {"alpha": 0.4}, None, 5_000),
        ("negative_binomial", {"alpha": 50.0}, None, 500),
    ],
)
def test_probabilities_add_up_to_one(name, parameters, trials, last):
    y = np.arange(last + 1.0)[:, None]
    eta = np.array([-2.0, 0.7, 3.0])
    total = np.exp(FAMILIES[name].log_density(y, eta, parameters, trials)).sum(axis=0)
    assert total == pytest.approx(1, abs=1e-9)


# By family: parameters, linear predictor, trials, and the mean and variance of a response.
MOMENTS = {
    "gaussian": ({"sigma": 3.0}, 2.0, None, 2.0, 9.0),
    "student_t": ({"sigma": 3.0, "nu": 12.0}, 2.0, None, 2.0, 9.0 * 12 / 10),
    "bernoulli": ({}, -1.0, None, special.expit(-1), special.expit(-1) * special.expit(1)),
    "binomial": ({}, -1.0, 9.0, 9 * special.expit(-1), 9 * special.expit(-1) * special.expit(1)),
    "poisson": ({}, 1.5, None, np.exp(1.5), np.exp(1.5)),
    "negative_binomial": ({"alpha": 2.5}, 1.5, None, np.exp(1.5), np.exp(1.5) + np.exp(3) / 2.5),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_have_the_moments_of_the_family(name):
    """Within 4 standard errors, by a fixed seed: a false alarm in 16,000 for each number."""
    parameters, eta, trials, mean, variance = MOMENTS[name]
    family, size = FAMILIES[name], 200_000
    drawn = family.responses(np.random.default_rng(8), np.full(size, eta), parameters, trials)
    assert not family.outside(drawn.astype(float), trials).any()
    assert family.inverse_link(eta) * (trials or 1) == pytest.approx(mean)
    squares = (drawn - mean) ** 2
    assert drawn.mean() == pytest.approx(mean, abs=4 * (variance / size) ** 0.5)
    assert squares.mean() == pytest.approx(variance, abs=4 * squares.std() / size**0.5)
    # And the share of zeros that the density says.
    if family.discrete:
        zero = float(np.exp(family.log_density(0.0, eta, parameters, trials)))
        error = (zero * (1 - zero) / size) ** 0.5
        assert (drawn == 0).mean() == pytest.approx(zero, abs=4 * error)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_draw_has_its_own_parameters_and_trials(name):
    """Rows and draws broadcast: `(row, draw)` of eta, `(1, draw)` of what all rows share."""
    eta = np.array([[0.0, 3.0], [-2.0, 1.0], [0.5, 0.5]])
    parameters = {"sigma": np.array([[1e-9, 5.0]]), "nu": np.array([[4.0, 9.0]])}
    parameters["alpha"] = np.array([[1e9, 1e-9]])
    trials = np.array([[1], [50], [1000]])
    drawn = FAMILIES[name].responses(np.random.default_rng(2), eta, parameters, trials)
    assert drawn.shape == eta.shape
    if name in CONTINUOUS:
        assert drawn[:, 0] == pytest.approx(eta[:, 0], abs=1e-6)
        assert (np.abs(drawn[:, 1] - eta[:, 1]) > 1e-3).all()
    if name == "binomial":
        assert (drawn <= trials).all()
        assert drawn[2].min() > 500
    if name == "negative_binomial":
        assert (drawn[:, 1] == 0).all()  # nearly all of it is at 0 where alpha is tiny


def test_draws_at_rates_beyond_what_a_generator_can_hold():
    eta = np.array([-1e3, 100.0, 700.0])
    for name in COUNTS:
        drawn = FAMILIES[name].responses(np.random.default_rng(1), eta, {"alpha": 3.0}, None)
        assert drawn[0] == 0
        assert (drawn[1:] > 1e14).all()


@pytest.mark.parametrize(
    ("family", "refused"),
    [
        ("gaussian", []),
        ("student_t", []),
        ("bernoulli", [-1, 0.5, 2, 7, 8]),
        ("binomial", [-1, 0.5, 8]),
        ("poisson", [-1, 0.5]),
        ("negative_binomial", [-1, 0.5]),
    ],
)
def test_responses_outside_the_support(family, refused):
    y = np.array([-1, 0, 0.5, 1, 2, 7, 8, np.inf, np.nan])
    trials = np.full(len(y), 7.0)
    outside = FAMILIES[family].outside(y, trials)
    assert list(y[:-2][outside[:-2]]) == refused
    assert outside[-2:].all()


def test_columns_and_what_they_add_to_the_linear_predictor():
    table = pd.DataFrame({"o": [1, 2], "e": [1.0, 10.0], "n": [3, 4], "w": [1, 2]})
    outcome = Outcome("poisson", offset="o", exposure="e", weights="w")
    values = families.columns(table, outcome)
    assert list(values) == ["offset", "exposure", "weights"]
    assert all(column.dtype == float for column in values.values())
    assert families.offset(values, 2) == pytest.approx([1, 2 + np.log(10)])
    assert families.offset({"exposure": values["exposure"]}, 2) == pytest.approx([0, np.log(10)])
    assert list(families.offset({}, 2)) == [0, 0]
    absent = families.columns(table, Outcome("gaussian", sigma="se"))
    assert np.isnan(absent["standard errors"]).all()
    assert families.relative_sd(absent) is absent["standard errors"]
    weighted = families.columns(table, Outcome("student_t", precision_weights="n", weights="w"))
    assert families.relative_sd(weighted) == pytest.approx([3**-0.5, 0.5])
    assert families.share_of_mean(weighted, 2) == pytest.approx([3, 8])
    assert families.relative_sd(values) is None
    absent = families.columns(table, Outcome("gaussian", precision_weights="size"))
    assert families.relative_sd(absent) == pytest.approx([1, 1])


@pytest.mark.parametrize("name", FAMILIES)
def test_working_has_the_score_and_the_expected_information_of_the_kernel(name):
    """The score is the derivative of the kernel in eta, the information its expected variance."""
    family, size = FAMILIES[name], 200_000
    parameters, eta, trials, *_ = MOMENTS[name]
    trials = np.full(size, trials or 1.0)
    drawn = family.responses(np.random.default_rng(3), np.full(size, eta), parameters, trials)
    y, at = drawn.astype(float), np.full(size, eta)

    def kernel(eta):
        return family.log_kernel(y, eta, parameters, trials)

    information, score = family.working(y, at, parameters, trials, np.ones(size), NUMPY)
    assert score == pytest.approx((kernel(at + 1e-4) - kernel(at - 1e-4)) / 2e-4, abs=1e-5)
    squares = score**2
    assert information[0] == pytest.approx(squares.mean(), abs=4 * squares.std() / size**0.5)


@pytest.mark.parametrize("name", FAMILIES)
def test_rough_parameters_are_near_those_of_the_response(name):
    parameters, eta, trials, *_ = MOMENTS[name]
    family, size = FAMILIES[name], 20_000
    if family.estimate is None:
        assert not parameters
        return
    linear, count = np.full(size, eta), np.ones(size)
    y = family.responses(np.random.default_rng(5), linear, parameters, trials)
    rough = family.estimate(y + 0.0, linear - 1, 1.0, parameters, count, lambda: size, NUMPY)
    for found in rough:
        assert rough[found] == pytest.approx(parameters[found], rel=0.1)


def test_sigma_is_estimated_where_the_family_has_one_that_is_not_known():
    def estimating(sigma):
        written = Outcome(sigma=sigma)
        return [name for name, family in FAMILIES.items() if family.estimates_sigma(written)]

    for sigma in ("estimated", "by_group", "~ (1 | g)"):
        assert estimating(sigma) == CONTINUOUS
    for known in (1.5, "se"):
        assert estimating(known) == []
    pooled = Outcome(sigma="~ (1 | g)")
    assert [name for name, f in FAMILIES.items() if f.pools_sigma(pooled)] == CONTINUOUS
    assert not FAMILIES["gaussian"].pools_sigma(Outcome())


@pytest.mark.parametrize(
    ("outcome", "telling"),
    [
        (Outcome("binomial"), "c: s: no `trials`; add the column"),
        (Outcome("poisson", trials="n"), "c: s.trials: family poisson has none"),
        (
            Outcome("student_t", exposure="n"),
            "c: s.exposure: family student_t has none, only poisson and negative_binomial have",
        ),
        (Outcome("poisson", sigma=2), "c: s.sigma: family poisson has none; leave it out"),
        (
            Outcome("student_t", sigma="by_group"),
            "c: s.sigma: 'by_group' goes with family gaussian; student_t takes 'estimated', a",
        ),
        (Outcome("poisson", precision_weights="n"), "c: s.precision_weights: family poisson has"),
        (Outcome(sigma="se", precision_weights="n"), "c: s.precision_weights: the standard errors"),
    ],
)
def test_keys_that_do_not_go_with_the_family_are_named(outcome, telling):
    written = {"sigma": outcome.sigma} if outcome.sigma != "estimated" else {}
    with pytest.raises(UserError) as caught:
        families.check(outcome, written, "c: s")
    assert str(caught.value).startswith(telling)


def test_families_are_known_without_scientific_libraries():
    """They are read while the workflow is parsed, on every job of a cluster."""
    code = (
        "import sys; from partialpool.run import launch; from partialpool.model import families; "
        "assert families.FAMILIES; assert not {'numpy', 'scipy', 'pytensor'} & {*sys.modules}"
    )
    package = str(Path(families.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": package})
