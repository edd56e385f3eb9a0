"""Sentences about the response, coefficients and factors that depend on the study."""

from dataclasses import replace

import pytest
from report_models import (
    COUNTS,
    LINKED,
    MODELS,
    POSITIVE,
    SHARES,
    SIGMA,
    STUDIES,
    T,
    group,
    with_coefficients,
)
from reports import factor_of, nested, results, row

from partialpool.report import (
    meaning,
)

OF_RESPONSE = {
    "y is normal around its expected value μ.": SIGMA - T,
    "y is Student-t around μ with ν": T,
    "y is 1 with probability p, else 0.": {"bernoulli"},
    "y counts the successes among n, each": {"binomial"},
    "variance μ(1 − μ)/(1 + φ)": {"beta"},
    "whose probability differs between rows": {"beta_binomial"},
    "which is its variance too": {"poisson", "rates"},
    "variance μ + μ²/α": {
        *("negative_binomial", "rates, overdispersed"),
        *("zero_inflated_negative_binomial", "hurdle_negative_binomial"),
    },
    "y is 0 with probability π": {n for n in STUDIES if n.startswith(("zero_", "hurdle_"))},
    "on the scale of log odds": SHARES,
    "on the scale of the log of μ.": {
        *("poisson", "negative_binomial", "gamma", "exponential", "hurdle_gamma"),
        *(n for n in STUDIES if n.endswith(("_poisson", "_negative_binomial"))),
    },
    "on the scale of the log of m.": {"lognormal", "hurdle_lognormal"},
    "on the scale of the log of λ.": {"weibull"},
    "The logarithm of y is normal around log m": {"lognormal"},
    "y is gamma with expected value μ": {"gamma"},
    "y is Weibull with shape α": {"weibull"},
    "y is exponential with": {"exponential"},
    "log of the rate per unit of weeks.": {"rates", "rates, overdispersed"},
    "Twice the weeks, twice the expected y.": {"rates", "rates, overdispersed"},
    "n is added as it is": {"offset"},
    "A row counts as often as its n says.": {"weights"},
    "The variance of a row is σ² / n": {"precise"},
    "The squared scale of a row is σ² / n": {"precise, student_t"},
    "of y around its expected value, is estimated.": (SIGMA | {"lognormal", "hurdle_lognormal"})
    - {"precise", "precise, student_t", "own sigmas", "pooled sigmas", "errors", "known"},
    "of a y of weight one around its": {"precise", "precise, student_t"},
    "σ, the scale": T,
    "has its own standard deviation σ": {"own sigmas", "pooled sigmas"},
    "σ (median) is their median": {"pooled sigmas"},
    "known: column se.": {"errors"},
    "around the expected value is known: 2.": {"known"},
    "Deviations of groups are Student-t": {"far groups"},
}


@pytest.mark.parametrize("sentence", OF_RESPONSE)
def test_what_is_said_of_the_response(sentence):
    said = {name for name, keys in STUDIES.items() if sentence in of_response(keys)}
    assert said == OF_RESPONSE[sentence]


def of_response(keys) -> str:
    return " ".join(meaning.response(results(**keys)))


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("groups", [True, False])
def test_coefficients_are_ratios_where_there_is_a_link(name, groups):
    found = results(**STUDIES[name] | {"factors": MODELS["intercepts"] if groups else []})
    several = with_coefficients(found, "Intercept", "x")
    if name in SIGMA:
        assert meaning.ratio(found) is meaning.ratio(several) is None
        return
    odds = name in SHARES
    share = "mean" if name == "beta" else "probability"
    what = share if odds else "rate" if "rates" in name else "expected count"
    if name in POSITIVE:
        what = LINKED.get(name, "mean")
    shown = f"The Intercept is shown as the {what}{' in the average group' * groups}"
    assert meaning.ratio(found) == f"{shown}."
    said = meaning.ratio(several)
    assert f"multiplies the {'odds' if odds else what} by." in said
    assert f"{shown}, where all predictors are zero" in said


@pytest.mark.parametrize(
    ("coefficients", "varying", "named"),
    [
        (("Intercept", "far"), [("Intercept",)], ["The Intercept holds"]),
        (("Intercept", "near"), [("Intercept",)], None),
        (("Intercept", "same"), [("Intercept", "same")], None),
        (("far",), [("Intercept",)], None),
        (("far",), [("far",)], None),
        (("Intercept",), [("far",)], ["The Intercept holds"]),
        (("Intercept",), [("Intercept", "far")], ["The Intercept and sd_g0[Intercept] hold"]),
        (("far",), [("Intercept", "far"), ("Intercept",)], ["sd_g0[Intercept] holds"]),
        (
            ("Intercept", "far", "below"),
            [("Intercept", "near"), ("Intercept", "below")],
            ["The Intercept and sd_g1[Intercept] hold", "center(far) and center(below)"],
        ),
        (("Intercept", "far", "below"), [], ["where far and below are 0", "holds at the average"]),
    ],
)
def test_what_holds_far_outside_the_data_is_named(coefficients, varying, named):
    factors = [group(*names, name=f"g{number}") for number, names in enumerate(varying)]
    found = with_coefficients(results(factors=factors), *coefficients)
    ends = {"far": (3, 5), "below": (-9, -7), "near": (2, 4), "same": (7, 7)}
    columns = {name: {"min": low, "max": high} for name, (low, high) in ends.items()}
    said = meaning.far_from_zero(replace(found, data=found.data | {"columns": columns}))
    assert (said is None) == (named is None)
    assert all(part in said for part in named or ())


def test_what_is_said_of_a_factor_is_of_that_factor_and_of_the_fits_that_have_it():
    found = results(factors=MODELS["two factors"])
    pooled, unpooled, learned = found.fits
    part = {"groups": 20_000, "of_them": 500}
    assert meaning.diagnosed(found) == meaning.kept(found) == []
    for factor in ("g", "h"):
        for fits in ((learned,), (unpooled, learned)):
            changed = [
                replace(one, diagnosed={factor: part}, kept={factor: 400 - 10 * number})
                for number, one in enumerate(fits)
            ]
            [said] = meaning.diagnosed(replace(found, fits=[pooled, *changed]))
            assert said.startswith(f"Of the 20,000 groups of {factor}, 500 were diagnosed")
            assert ("in the unpooled and hierarchical fits" in said) == (len(fits) == 2)
            [said] = meaning.kept(replace(found, fits=[pooled, *changed]))
            assert f"deviations of {factor} are stored in {410 - 10 * len(fits)} draws" in said

    def sampled(*forms):
        """Of each fit, the forms of g and h."""
        fits = []
        for one, own in zip(found.fits, forms, strict=True):
            how = {name: {"form": form} for name, form in zip("gh", own, strict=False)}
            last = one.attempts[-1] | {"parameterisation": how}
            before = last | {"parameterisation": {"g": {"form": "of before"}}}
            fits.append(replace(one, attempts=[before, last]))
        return meaning.sampled(replace(found, fits=fits))

    assert sampled((), (), ()) is None
    told = sampled((), ("centred", "mixed"), ("centred", "non-centred"))
    assert told.endswith(": g: centred; h: mixed (unpooled), non-centred (hierarchical).")
    assert sampled((), ("centred",), ("centred",)).endswith(": g: centred.")


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("column", ["Intercept", "x"])
def test_what_is_shown_of_a_group_is_named(name, column):
    quantity = meaning.quantity(results(**STUDIES[name]), column)
    if column == "x":
        scale = ", in log odds" * (name in SHARES) + ", on the log scale" * (
            name in COUNTS | POSITIVE
        )
        assert quantity == f"coefficient of x{scale}"
    else:
        named = {"bernoulli": "probability of y = 1", "binomial": "probability (y of n)"}
        named["beta_binomial"] = named["binomial"]
        rate = " per unit of weeks" * ("rates" in name)
        assert quantity == named.get(name, f"expected y{rate}")


@pytest.mark.parametrize(
    ("sizes", "pairs", "said"),
    [
        ((2, 4), 4, "Nested: each room is in one school."),
        ((4, 2), 4, "Nested: each school is in one room."),
        ((2, 3), 6, "Crossed: all 6 pairs of a school and a room occur."),
        ((2, 3), 5, "Crossed: 5 of 6 pairs of a school and a room occur."),
    ],
)
def test_nested_or_crossed(sizes, pairs, said):
    factors = [
        factor_of(name, (name,), (("Intercept",),), dict.fromkeys(map(str, range(size)), 1))
        for name, size in zip(("school", "room"), sizes, strict=True)
    ]
    found = replace(results(factors=factors), pairs={("school", "room"): pairs})
    assert meaning.relations(found) == [said]


def test_variance_is_shared_out_between_factors_and_rows():
    found = results(factors=nested())
    own = found.fit("hierarchical").summary
    for name, variance in (("sd_school", 20), ("sd_school:room", 30)):
        own[f"{name}[Intercept]"] = row("", variance**0.5) | {"sd": "0"}
    own["sigma"] = row("", 7) | {"sd": "1"}  # 49 and 1 are the mean of sigma squared
    [said] = meaning.spread(found)
    assert said == (
        "Of the variance of y, about 20% is from one school to another, 30% from one room to "
        "another within a school and 50% from row to row within these."
    )
    assert meaning.spread(results(factors=nested(), family="student_t")) == []
    for keys in ({"precision_weights": "n"}, {"group_effects": "student_t"}):
        other = results(factors=nested(), **keys)
        assert meaning.spread(replace(other, fits=found.fits)) == []


@pytest.mark.parametrize(
    ("low", "high", "far"), [(1995, 2014, True), (2, 5, False), (-9, -8, True)]
)
def test_intercepts_far_outside_the_data_are_named(low, high, far):
    found = results(
        factors=[factor_of("firm", ("firm",), (("Intercept", "year"),), {"a": 1, "b": 2})]
    )
    year = {"type": "number", "missing": 0, "min": low, "max": high, "mean": 1, "sd": 1}
    data = found.data | {"columns": found.data["columns"] | {"year": year}}
    said = meaning.far_from_zero(replace(found, data=data))
    assert (said is not None) == far
    if far:
        assert said.startswith("The Intercept and sd_firm[Intercept] hold where year is 0")
        assert "center(year)" in said
