"""Priors are of a closed vocabulary, its complaints are one line, and defaults follow the data."""

import numpy as np
import pandas as pd
import pytest
from descriptions import SEVERAL, data
from scipy import special, stats

from partialpool.base import moments
from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms
from partialpool.model import families, priors
from partialpool.model.description import GroupingFactor
from partialpool.study.study import Outcome
from partialpool.table import ingest


@pytest.mark.parametrize(
    ("text", "support", "expected"),
    [
        ("norml(0, 1)", "real", "nearest: 'normal'"),
        ("normal(0)", "real", "normal(mu, sigma)"),
        ("normal(0, -1)", "real", "sigma = -1"),
        ("half_normal(0)", "positive", "sigma = 0"),
        ("half_cauchy(5)", "real", "a coefficient can be any number"),
        ("normal(0, 1)", "positive", "this parameter is over 0"),
        ("lkj(2)", "positive", "this parameter is over 0"),
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


def test_defaults_are_scaled_to_the_data():
    completed = priors.complete({}, data())
    assert str(completed.beta["x"]) == "normal(0, 5)"
    # The mean has as many digits as its scale gives a meaning to.
    assert str(completed.beta["Intercept"]) == "normal(123456.79, 10)"
    assert completed.centred
    assert str(completed.sd["g"]["x"]) == "half_normal(5)"
    assert str(completed.sd["g"]["Intercept"]) == "half_normal(10)"
    assert completed.at_averages == ("g",)
    assert texts(completed.response) == {"sigma": "half_student_t(4, 4)"}
    assert texts(completed.cor) == {"g": "lkj(2)"}
    assert completed.nu == {}
    assert completed.wide["g"]["x"] == 50


def texts(found):
    return {name: str(prior) for name, prior in found.items()}


@pytest.mark.parametrize(
    ("outcome", "response"),
    [
        (Outcome("gaussian", "by_group"), {"sigma": "half_student_t(4, 4)"}),
        (Outcome("gaussian", 2.5), {}),
        (Outcome("gaussian", "se"), {}),
        (
            Outcome("gaussian", "~ (1 | g)"),
            {"sigma": "half_student_t(4, 4)", "sd_log_sigma": "half_normal(1)"},
        ),
        (Outcome("student_t"), {"sigma": "half_student_t(4, 4)", "nu": "gamma(2, 0.1)"}),
        (Outcome("student_t", "se"), {"nu": "gamma(2, 0.1)"}),
        (Outcome("bernoulli"), {}),
        (Outcome("binomial", trials="n"), {}),
        (Outcome("poisson"), {}),
        (Outcome("negative_binomial"), {"alpha": "half_cauchy(1)"}),
    ],
    ids=lambda value: value.family if isinstance(value, Outcome) else "",
)
def test_every_family_has_the_parameters_of_its_own(outcome, response):
    assert texts(priors.complete({}, data(outcome)).response) == response


def test_the_default_of_sigma_is_that_of_a_row_of_precision_weight_one():
    """A row of weight 4 has half of that sd, and rows on average have that of the response."""
    weighted = data(Outcome(precision_weights="w"), mean_precision=4.0)
    assert texts(priors.complete({}, weighted).response) == {"sigma": "half_student_t(4, 8)"}


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson", "negative_binomial"])
def test_defaults_on_the_scale_of_a_link(family):
    """That of the data is one; what stands for a group on its own is as wide as any group is."""
    completed = priors.complete({}, data(Outcome(family), response_mean=-0.81234, response_sd=1.0))
    assert str(completed.beta["Intercept"]) == "normal(-0.812, 2.5)"
    assert str(completed.beta["x"]) == "normal(0, 1.25)"
    assert str(completed.sd["g"]["x"]) == "half_normal(1.25)"
    assert str(completed.sd["g"]["Intercept"]) == "half_normal(2.5)"
    assert completed.wide["g"] == {"Intercept": 10, "x": 5}


def test_every_factor_has_priors_of_its_own():
    completed = priors.complete({}, data(factors=SEVERAL), "student_t")
    assert texts(completed.sd["school"]) == {"Intercept": "half_normal(10)"}
    assert texts(completed.sd["school:class"]) == {
        "Intercept": "half_normal(10)",
        "x": "half_normal(5)",
    }
    assert completed.at_averages == ("school:class",)
    assert texts(completed.cor) == {"school:class": "lkj(2)"}
    assert texts(completed.nu) == dict.fromkeys(["school", "school:class"], "gamma(2, 0.1)")
    assert {factor: list(wide) for factor, wide in completed.wide.items()} == {
        "school": ["Intercept"],
        "school:class": ["Intercept", "x"],
    }
    assert priors.Priors.from_dict(completed.to_dict()) == completed


@pytest.mark.parametrize(
    ("blocks", "given", "at_averages", "intercept"),
    [
        ((("Intercept", "x"),), {}, True, 10),
        # What is written holds as written: where x is zero, 1.5 sds from its mean.
        ((("Intercept", "x"),), {"cor": "lkj(1)"}, False, 10 * (1 + 1.5**2) ** 0.5),
        ((("Intercept", "x"),), {"cor_g": "lkj(1)"}, False, 10 * (1 + 1.5**2) ** 0.5),
        ((("Intercept", "x"),), {"sd": "half_normal(3)"}, False, 3),
        ((("Intercept", "x"),), {"sd_g": "half_normal(3)"}, False, 3),
        ((("Intercept", "x"),), {"sd_g[Intercept]": "half_normal(3)"}, False, 3),
        # A slope's sd is the same wherever x is zero; another factor's is another's.
        ((("Intercept", "x"),), {"sd_g[x]": "half_normal(3)"}, True, 10),
        ((("Intercept", "x"),), {"sd_h": "half_normal(3)", "cor_h": "lkj(1)"}, True, 10),
        # Columns that vary apart from the intercept are not correlated with it anywhere but
        # where they are zero, so that is where its deviation is.
        ((("Intercept",), ("x",)), {}, False, 10 * (1 + 1.5**2) ** 0.5),
        ((("Intercept", "C(k)[b]"), ("x",)), {}, True, 10 * (1 + 1.5**2) ** 0.5),
        ((("x", "C(k)[b]"),), {}, False, None),
    ],
)
def test_where_priors_of_a_factor_hold(blocks, given, at_averages, intercept):
    completed = priors.complete(given, data(factors=(GroupingFactor("g", blocks, ("a", "b")),)))
    assert completed.at_averages == (("g",) if at_averages else ())
    if intercept:
        [scale] = completed.sd["g"]["Intercept"].arguments
        assert scale == pytest.approx(intercept, rel=1e-3)
    assert set(completed.cor) == ({"g"} if any(len(block) > 1 for block in blocks) else set())


def test_the_more_a_key_says_the_sooner_it_is_used():
    given = {
        "sd": "half_normal(1)",
        "sd_school:class": "half_normal(2)",
        "sd_school:class[x]": "gamma(2, 3)",
        "cor": "lkj(1)",
        "cor_school:class": "lkj(4)",
        "nu_school": "gamma(5, 1)",
        "nu": "lognormal(1, 1)",
        "sd_log_sigma": "exponential(4)",
        "sigma": "half_cauchy(2)",
    }
    outcome = Outcome("student_t", "~ (1 | school)")
    completed = priors.complete(given, data(outcome, factors=SEVERAL), "student_t")
    assert texts(completed.sd["school"]) == {"Intercept": "half_normal(1)"}
    assert texts(completed.sd["school:class"]) == {
        "Intercept": "half_normal(2)",
        "x": "gamma(2, 3)",
    }
    assert texts(completed.cor) == {"school:class": "lkj(4)"}
    assert texts(completed.nu) == {"school": "gamma(5, 1)", "school:class": "gamma(2, 0.1)"}
    assert texts(completed.response) == {
        "sigma": "half_cauchy(2)",
        "sd_log_sigma": "exponential(4)",
        "nu": "lognormal(1, 1)",
    }
    assert priors.Priors.from_dict(completed.to_dict()) == completed
    found = priors.complete({"alpha": "gamma(2, 1)"}, data(Outcome("negative_binomial")))
    assert texts(found.response) == {"alpha": "gamma(2, 1)"}


def test_what_the_config_gives_goes_first():
    given = {
        "Intercept": "normal(0, 1)", "C(k)": "cauchy(0, 1)", "C(k)[c]": "laplace(0, 3)",
        "sd": "exponential(1)", "sd_g": "gamma(2, 1)", "sigma": "half_cauchy(5)",
    }  # fmt: skip
    completed = priors.complete(given, data())
    assert not completed.centred
    assert str(completed.beta["C(k)[b]"]) == "cauchy(0, 1)"
    assert str(completed.beta["C(k)[c]"]) == "laplace(0, 3)"
    assert set(texts(completed.sd["g"]).values()) == {"gamma(2, 1)"}
    assert texts(completed.response) == {"sigma": "half_cauchy(5)"}
    assert priors.Priors.from_dict(completed.to_dict()) == completed


@pytest.mark.parametrize("family", ["bernoulli", "binomial"])
def test_the_intercept_has_its_default_prior_beside_the_offset(family):
    """At the log odds that give, with each row's offset, the mean of the responses."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"off": rng.normal(6, 1, 80), "n": 1 if family == "bernoulli" else 7})
    table["y"] = rng.binomial(table["n"], special.expit(table["off"] - 5))
    outcome = Outcome(family, offset="off", trials="n" if family == "binomial" else None)
    design = Formula("y ~ 1").design(table)
    found = build.compress(design, outcome, families.columns(table, outcome))
    [location, _] = priors.complete({}, found).beta["Intercept"].arguments
    expected = (table["n"] * special.expit(location + table["off"])).sum()
    # Half a success and half a failure more keep it finite where all responses are the same.
    assert expected == pytest.approx(table["y"].sum(), abs=0.6)
    assert location == pytest.approx(-5, abs=1)


@pytest.mark.parametrize("columns", [{}, {"exposure": "e"}, {"offset": "off"}, {"weights": "w"}])
@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_the_intercept_of_counts_has_its_default_prior_at_the_log_of_their_rate(family, columns):
    """At which as many are expected as there are, of as many rows as weights say."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"off": rng.normal(3, 1, 80), "e": rng.uniform(5, 90, 80)})
    table["w"] = rng.choice([1.0, 4.0], 80)
    table["y"] = rng.poisson(2 * table["e"] * (1 + table["w"]))
    outcome = Outcome(family, **columns)
    design = Formula("y ~ 1").design(table)
    found = build.compress(design, outcome, families.columns(table, outcome))
    [location, _] = priors.complete({}, found).beta["Intercept"].arguments
    exposure = table["e"] if "exposure" in columns else 1
    exposure = exposure * (np.exp(table["off"]) if "offset" in columns else 1)
    weights = table["w"] if "weights" in columns else 1
    rate = (weights * table["y"]).sum() / (weights * exposure * np.ones(80)).sum()
    assert location == pytest.approx(np.log(rate), abs=2e-3)


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ 1 + (1 | g) + (1 | h)"])
def test_defaults_are_on_the_scale_of_the_response_less_its_offset(formula):
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"off": rng.normal(50, 20, 60), "g": list("abc") * 20})
    table["h"], left = list("pqrst") * 12, rng.normal(3, 1, 60)
    table["y"] = table["off"] + left
    design, outcome = Formula(formula).design(table), Outcome(offset="off")
    found = build.compress(design, outcome, families.columns(table, outcome))
    completed = priors.complete({}, found)
    expected = pytest.approx([left.mean(), 2.5 * left.std()], abs=1e-3)
    assert list(completed.beta["Intercept"].arguments) == expected


def test_outliers_do_not_widen_the_defaults_of_the_family_meant_for_them(tmp_path):
    """The response's median and MAD, of as many rows as there are or as their weights say."""
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"y": rng.normal(50, 2, 300), "x": rng.normal(size=300)})
    rows["off"] = rng.normal(size=300)
    rows["w"] = rng.integers(1, 4, 300)
    far = rows.assign(y=rows["y"].where(rows.index > 2, 1e6))
    twice = rows.loc[np.repeat(rows.index, rows["w"])]

    def defaults(table, outcome):
        path = tmp_path / "t.csv"
        table.to_csv(path, index=False)
        to = tmp_path / "t.parquet"
        found = ingest.ingest(path, Formula("y ~ x"), outcome, to=to, source="t.csv")
        learned = FittedTransforms.from_dict(Formula("y ~ x"), found.learned.to_dict())
        return priors.complete({}, build.compress_table(to, learned, outcome))

    outcome = Outcome("student_t", offset="off")
    usual, moved = defaults(rows, outcome), defaults(far, outcome)
    left = rows["y"] - rows["off"]
    middle = np.sort(left)[149]
    assert usual.beta["Intercept"].arguments[0] == pytest.approx(middle, abs=1e-3)
    mad = np.sort(np.abs(left - middle))[149] / stats.norm.ppf(0.75)
    assert usual.response["sigma"].arguments == pytest.approx((4, mad), rel=1e-3)
    assert moved.response["sigma"].arguments[1] == pytest.approx(mad, rel=0.1)
    assert moved.beta["x"].arguments[1] == pytest.approx(usual.beta["x"].arguments[1], rel=0.1)
    # Other families' are scaled by the sd.
    assert defaults(far, Outcome(offset="off")).response["sigma"].arguments[1] > 1e4
    weighted = defaults(rows, Outcome("student_t", weights="w"))
    assert weighted.response == defaults(twice, Outcome("student_t")).response


def test_a_response_that_is_mostly_the_same_has_a_scale():
    location, scale = moments.robust(np.array([3.0, 3, 3, 3, 5]))
    assert (location, scale) == (3, pytest.approx(2 / 5 * np.sqrt(np.pi / 2)))
