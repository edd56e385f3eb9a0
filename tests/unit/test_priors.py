"""The vocabulary is closed, its complaints are one line, and defaults follow the data."""

from types import SimpleNamespace

import pytest

from partialpool import priors
from partialpool.errors import UserError


@pytest.mark.parametrize(
    ("text", "support", "expected"),
    [
        ("norml(0, 1)", "real", "nearest: 'normal'"),
        ("normal(0)", "real", "normal(mu, sigma)"),
        ("normal(0, -1)", "real", "sigma = -1"),
        ("half_normal(0)", "positive", "sigma = 0"),
        ("half_cauchy(5)", "real", "a coefficient can be any number"),
        ("normal(0, 1)", "positive", "a standard deviation is over 0"),
        ("lkj(2)", "positive", "a standard deviation is over 0"),
        ("half_normal(2)", "correlation", "lkj"),
        ("__import__('os')", "real", "family(number, ...)"),
        ("normal(0, 1) or 1", "real", "family(number, ...)"),
        ("gamma(-1, 2)", "positive", "alpha = -1"),
    ],
)
def test_what_is_not_a_prior_is_refused(text, support, expected):
    with pytest.raises(UserError) as error:
        priors.Prior.parse(text, "config.yaml: priors.x", support)
    message = str(error.value)
    assert message.startswith("config.yaml: priors.x: ")
    assert expected in message
    assert "\n" not in message


def data(**changes):
    return SimpleNamespace(
        **{
            "coefficients": ["Intercept", "x", "C(k)[b]", "C(k)[c]"],
            "terms": {"Intercept": ["Intercept"], "x": ["x"], "C(k)": ["C(k)[b]", "C(k)[c]"]},
            "varying": ["Intercept", "x"],
            "factor": "g",
            "mean": {"Intercept": 1, "x": 3.0, "C(k)[b]": 0.5, "C(k)[c]": 0.1},
            "sd": {"Intercept": 0, "x": 2.0, "C(k)[b]": 0.5, "C(k)[c]": 0.3},
            "response_mean": 123456.789,
            "response_sd": 4.0,
            "sigma_estimated": True,
        }
        | changes
    )


def test_defaults_are_scaled_to_the_data():
    completed = priors.complete({}, data())
    assert str(completed.beta["x"]) == "normal(0, 5)"
    # The mean has as many digits as its scale gives a meaning to.
    assert str(completed.beta["Intercept"]) == "normal(123456.79, 10)"
    assert completed.centred
    assert str(completed.sd["x"]) == "half_normal(5)"
    assert completed.sd["Intercept"].arguments[0] == pytest.approx(
        10 * (1 + 1.5**2) ** 0.5, rel=1e-3
    )
    assert str(completed.sigma) == "half_student_t(4, 4)"
    assert str(completed.cor) == "lkj(2)"
    assert completed.wide["x"] == 50


def test_what_the_config_gives_goes_first():
    given = {
        "Intercept": "normal(0, 1)", "C(k)": "cauchy(0, 1)", "C(k)[c]": "laplace(0, 3)",
        "sd": "exponential(1)", "sd_g": "gamma(2, 1)", "sigma": "half_cauchy(5)",
    }  # fmt: skip
    completed = priors.complete(given, data())
    assert not completed.centred
    assert str(completed.beta["C(k)[b]"]) == "cauchy(0, 1)"
    assert str(completed.beta["C(k)[c]"]) == "laplace(0, 3)"
    assert {str(prior) for prior in completed.sd.values()} == {"gamma(2, 1)"}
    assert priors.Priors.from_dict(completed.to_dict()) == completed


@pytest.mark.parametrize(
    ("given", "sigma", "expected"),
    [
        ({"C(kk)": "normal(0, 1)"}, "estimated", "nearest: 'C(k)'"),
        ({"sigma": "half_normal(1)"}, 1.0, "sigma is known here"),
        ({"x": "half_normal(1)"}, "estimated", "a coefficient can be any number"),
        ({"C(k)": "gamma(2, 1)"}, "estimated", "a coefficient can be any number"),
        ({"sd_g": "normal(0, 1)"}, "estimated", "a standard deviation is over 0"),
        ({"cor_g": "half_normal(1)"}, "estimated", "lkj"),
    ],
)
def test_priors_must_name_a_parameter_and_fit_it(given, sigma, expected):
    with pytest.raises(UserError) as error:
        priors.check_keys(priors.supports(given), data(), sigma, "priors")
    [key] = given
    assert str(error.value).startswith(f"priors.{key}: ")
    assert expected in str(error.value)


def test_fitting_priors_pass():
    given = {
        "C(k)": "cauchy(0, 1)", "C(k)[b]": "normal(0, 1)", "sd": "half_cauchy(1)",
        "sd_g": "exponential(1)", "cor_g": "lkj(2)", "sigma": "half_normal(1)",
    }  # fmt: skip
    priors.check_keys(priors.supports(given), data(), "by_group", "priors")
