"""Studies of every kind of response, and models of groups, for tests of the report's sentences."""

from dataclasses import replace

from reports import factor_of

STUDIES = {
    "gaussian": {},
    "student_t": {"family": "student_t"},
    "bernoulli": {"family": "bernoulli"},
    "binomial": {"family": "binomial", "trials": "n"},
    "zero_inflated_poisson": {"family": "zero_inflated_poisson"},
    "zero_inflated_negative_binomial": {"family": "zero_inflated_negative_binomial"},
    "hurdle_poisson": {"family": "hurdle_poisson"},
    "hurdle_negative_binomial": {"family": "hurdle_negative_binomial"},
    "hurdle_lognormal": {"family": "hurdle_lognormal"},
    "hurdle_gamma": {"family": "hurdle_gamma"},
    "lognormal": {"family": "lognormal"},
    "gamma": {"family": "gamma"},
    "weibull": {"family": "weibull"},
    "exponential": {"family": "exponential"},
    "beta": {"family": "beta"},
    "beta_binomial": {"family": "beta_binomial", "trials": "n"},
    "poisson": {"family": "poisson"},
    "rates": {"family": "poisson", "exposure": "weeks"},
    "negative_binomial": {"family": "negative_binomial"},
    "rates, overdispersed": {"family": "negative_binomial", "exposure": "weeks"},
    "offset": {"offset": "n"},
    "weights": {"weights": "n"},
    "precise": {"precision_weights": "n"},
    "precise, student_t": {"family": "student_t", "precision_weights": "n"},
    "far groups": {"group_effects": "student_t"},
    "far, without groups": {"group_effects": "student_t", "factors": []},
    "own sigmas": {"sigma": "by_group"},
    "pooled sigmas": {"sigma": "~ (1 | g)"},
    "errors": {"sigma": "se"},
    "known": {"sigma": 2.0},
}
T = {"student_t", "precise, student_t"}
INFLATED = "expected count without extra zeros"
TRUNCATED = "expected count before truncation"
LINKED = {  # what the inverse link is, where it is not the expected response
    "zero_inflated_poisson": INFLATED,
    "zero_inflated_negative_binomial": INFLATED,
    "hurdle_poisson": TRUNCATED,
    "hurdle_negative_binomial": TRUNCATED,
    "hurdle_lognormal": "median of what is over 0",
    "hurdle_gamma": "mean of what is over 0",
    "lognormal": "median",
    "weibull": "scale",
}
POSITIVE = {*LINKED, "gamma", "exponential"}
COUNTS = {"poisson", "rates", "negative_binomial", "rates, overdispersed"}
SHARES = {"bernoulli", "binomial", "beta", "beta_binomial"}
SIGMA = STUDIES.keys() - COUNTS - SHARES - POSITIVE


def group(*varying, name="g", sizes="ab"):
    return factor_of(name, (name,), (varying or ("Intercept",),), dict.fromkeys(sizes, 3))


def with_coefficients(found, *names):
    return replace(found, model=found.model | {"coefficients": [*names]})


MODELS = {
    # what varies by groups
    "intercepts": [group()],
    "lines": [group("Intercept", "x")],
    "slopes": [group("x")],
    "two factors": [group(), group(name="h")],
    "one of each": [group(), group("Intercept", "x", name="h")],
    "none": [],
}
