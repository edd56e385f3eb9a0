"""The record of a response family: what it computes from its functions, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
from family_cases import CASES, CONTINUOUS, ETA, MOMENTS
from pytensor.compile.mode import Mode

from partialpool.model.arrays import NUMPY
from partialpool.model.families import FAMILIES
from partialpool.study.outcome import Outcome


def test_a_record_with_an_unknown_link_or_merging_is_refused():
    for wrong in ({"link": "probit"}, {"merging": "sum"}):
        with pytest.raises(ValueError, match="poisson: unknown link"):
            replace(FAMILIES["poisson"], **wrong)


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


@pytest.mark.parametrize("name", FAMILIES)
def test_every_draw_has_its_own_parameters_and_trials(name):
    """Rows and draws broadcast: `(row, draw)` of eta, `(1, draw)` of what all rows share."""
    eta = np.array([[0.0, 3.0], [-2.0, 1.0], [0.5, 0.5]])
    parameters = {"sigma": np.array([[1e-9, 5.0]]), "nu": np.array([[4.0, 9.0]])}
    parameters |= dict.fromkeys(("alpha", "phi"), np.array([[1e9, 1e-9]]))
    parameters |= dict.fromkeys(("zi", "hu"), np.array([[1e-9, 1 - 1e-9]]))
    trials = np.array([[1], [50], [1000]])
    drawn = FAMILIES[name].responses(np.random.default_rng(2), eta, parameters, trials)
    assert drawn.shape == eta.shape
    if name in CONTINUOUS:
        assert drawn[:, 0] == pytest.approx(eta[:, 0], abs=1e-6)
        assert (np.abs(drawn[:, 1] - eta[:, 1]) > 1e-3).all()
    if name in ("binomial", "beta_binomial"):
        assert (drawn <= trials).all()
        assert drawn[2].min() > 500
    if name == "negative_binomial":
        assert (drawn[:, 1] == 0).all()  # nearly all of it is at 0 where alpha is tiny


@pytest.mark.parametrize(
    ("family", "refused"),
    [
        ("gaussian", []),
        ("student_t", []),
        ("bernoulli", [-1, 0.5, 2, 7, 8]),
        ("binomial", [-1, 0.5, 8]),
        ("lognormal", [-1, 0]),
        ("gamma", [-1, 0]),
        ("weibull", [-1, 0]),
        ("exponential", [-1, 0]),
        *(
            (name, [-1, 0.5])
            for name in FAMILIES
            if name.endswith(("poisson", "negative_binomial"))
        ),
        ("hurdle_lognormal", [-1]),
        ("hurdle_gamma", [-1]),
        ("beta", [-1, 0, 1, 2, 7, 8]),
        ("beta_binomial", [-1, 0.5, 8]),
    ],
)
def test_responses_outside_the_support(family, refused):
    y = np.array([-1, 0, 0.5, 1, 2, 7, 8, np.inf, np.nan])
    trials = np.full(len(y), 7.0)
    outside = FAMILIES[family].outside(y, trials)
    assert list(y[:-2][outside[:-2]]) == refused
    assert outside[-2:].all()


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
    rough = family.estimate(
        y + 0.0, linear - 1, 1.0, parameters, trials, count, lambda: size, NUMPY
    )
    for found in rough:
        assert rough[found] == pytest.approx(parameters[found], rel=0.1)


def test_sigma_is_estimated_where_the_family_has_one_that_is_not_known():
    def estimating(sigma):
        written = Outcome(sigma=sigma)
        return [name for name, family in FAMILIES.items() if family.estimates_sigma(written)]

    for sigma in ("estimated", "by_group", "~ (1 | g)"):
        assert estimating(sigma) == [name for name, family in FAMILIES.items() if family.has_sigma]
    for known in (1.5, "se"):
        assert estimating(known) == []
    pooled = Outcome(sigma="~ (1 | g)")
    assert FAMILIES["gaussian"].has_hierarchical_sigma(pooled)
    assert not FAMILIES["poisson"].has_hierarchical_sigma(pooled)
    assert not FAMILIES["gaussian"].has_hierarchical_sigma(Outcome())
