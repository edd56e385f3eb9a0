"""Priors of the config name a parameter of the model, and fit it."""

import pytest
from descriptions import SEVERAL, data

from partialpool.base.errors import UserError
from partialpool.model import prior_keys
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize(
    ("given", "outcome", "expected"),
    [
        ({"C(kk)": "normal(0, 1)"}, Outcome(), "nearest: 'C(k)'"),
        ({"sigma": "half_normal(1)"}, Outcome(sigma=1.0), "sigma is known here"),
        ({"sigma": "half_normal(1)"}, Outcome("student_t", "se"), "sigma is known here"),
        ({"sigma": "half_normal(1)"}, Outcome("poisson"), "no such parameter in the model; "),
        ({"x": "half_normal(1)"}, Outcome(), "a coefficient can be any number"),
        ({"C(k)": "gamma(2, 1)"}, Outcome(), "a coefficient can be any number"),
        ({"sd_g": "normal(0, 1)"}, Outcome(), "this parameter is over 0"),
        ({"sd_g[x]": "normal(0, 1)"}, Outcome(), "this parameter is over 0"),
        ({"sd_g[C(k)[b]]": "half_normal(1)"}, Outcome(), "no such parameter"),
        ({"sd_gg": "half_normal(1)"}, Outcome(), "nearest: 'sd_g'"),
        ({"cor_g": "half_normal(1)"}, Outcome(), "lkj"),
        ({"nu_g": "gamma(2, 1)"}, Outcome("student_t"), "no such parameter"),
        ({"nu": "gamma(2, 1)"}, Outcome(), "no such parameter"),
        ({"nu": "cauchy(2, 1)"}, Outcome("student_t"), "this parameter is over 0"),
        ({"alpha": "gamma(2, 1)"}, Outcome("poisson"), "no such parameter"),
        ({"alpha": "normal(2, 1)"}, Outcome("negative_binomial"), "this parameter is over 0"),
        ({"sd_log_sigma": "gamma(2, 1)"}, Outcome(sigma="by_group"), "no such parameter"),
    ],
)
def test_priors_must_name_a_parameter_and_fit_it(given, outcome, expected):
    with pytest.raises(UserError) as error:
        prior_keys.check_keys(prior_keys.supports(given), data(), outcome, "normal", "priors")
    [key] = given
    assert str(error.value).startswith(f"priors.{key}: ")
    assert expected in str(error.value)


def test_a_factor_with_one_coefficient_has_no_correlation():
    one = data(factors=SEVERAL[:1])
    with pytest.raises(UserError, match="no such parameter"):
        prior_keys.check_keys({"cor": "correlation"}, one, Outcome(), "normal", "priors")


def test_a_column_with_the_name_of_a_parameter():
    names = ("Intercept", "alpha")
    named = data(coefficients=names, terms={name: [name] for name in names})
    given = {"alpha": "normal(0, 1)"}
    prior_keys.check(given, "priors")
    prior_keys.check_keys(prior_keys.supports(given), named, Outcome("poisson"), "normal", "priors")
    with pytest.raises(UserError, match="'alpha' is a coefficient and another parameter of the"):
        prior_keys.check_keys(
            prior_keys.supports(given), named, Outcome("negative_binomial"), "normal", "priors"
        )


def test_fitting_priors_pass():
    given = {
        "C(k)": "cauchy(0, 1)", "C(k)[b]": "normal(0, 1)", "sd": "half_cauchy(1)",
        "sd_g": "exponential(1)", "sd_g[x]": "gamma(1, 1)", "cor": "lkj(2)", "cor_g": "lkj(2)",
        "nu_g": "gamma(2, 1)", "sigma": "half_normal(1)",
    }  # fmt: skip
    for outcome, more in (
        (Outcome(sigma="by_group"), {}),
        (Outcome(sigma="~ (1 | g)"), {"sd_log_sigma": "gamma(2, 1)"}),
        (Outcome("student_t"), {"nu": "lognormal(1, 1)"}),
    ):
        prior_keys.check(given | more, "priors")
        supports = prior_keys.supports(given | more)
        prior_keys.check_keys(supports, data(), outcome, "student_t", "priors")
    several = {"sd_school": "positive", "sd_school:class[x]": "positive", "alpha": "positive"}
    prior_keys.check_keys(
        several, data(factors=SEVERAL), Outcome("negative_binomial"), "normal", "priors"
    )


@pytest.mark.parametrize("name", ["sigma", "sd", "cor"])
def test_a_predictor_with_the_name_of_a_parameter_of_other_models(name):
    """A Bernoulli study without groups has none of these parameters."""
    names = ("Intercept", name)
    named = data(coefficients=names, terms={one: [one] for one in names}, factors=())
    given = {name: "normal(0, 1)"}
    prior_keys.check(given, "priors")
    prior_keys.check_keys(
        prior_keys.supports(given), named, Outcome("bernoulli"), "normal", "priors"
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("normal(0)", "has 1 arguments"), ("lkjj(2)", "nearest: 'lkj'")]
)
def test_what_can_be_said_before_there_is_a_table(text, expected):
    with pytest.raises(UserError, match=rf"priors\.sd: .*{expected}"):
        prior_keys.check({"sd": text}, "priors")
