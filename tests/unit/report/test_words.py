"""Sentences of a page that depend on the study: said where they hold, and nowhere else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from reports import VARIANTS, fit, results, row

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.model.prior_keys import check_keys
from partialpool.model.priors import complete
from partialpool.report import captions, meaning, priors, words
from partialpool.report.report_data import Factor
from partialpool.study.study import Outcome

STUDIES = {
    "gaussian": {},
    "student_t": {"family": "student_t"},
    "bernoulli": {"family": "bernoulli"},
    "binomial": {"family": "binomial", "trials": "n"},
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
COUNTS = {"poisson", "rates", "negative_binomial", "rates, overdispersed"}
SHARES = {"bernoulli", "binomial"}
SIGMA = STUDIES.keys() - COUNTS - SHARES
OF_RESPONSE = {
    "y is normal around its expected value μ.": SIGMA - T,
    "y is Student-t around μ with ν": T,
    "y is 1 with probability p, else 0.": {"bernoulli"},
    "y counts the successes among n, each": {"binomial"},
    "which is its variance too": {"poisson", "rates"},
    "variance μ + μ²/α": {"negative_binomial", "rates, overdispersed"},
    "on the scale of log odds": SHARES,
    "on the scale of the log of μ.": {"poisson", "negative_binomial"},
    "log of the rate per unit of weeks.": {"rates", "rates, overdispersed"},
    "Twice the weeks, twice the expected y.": {"rates", "rates, overdispersed"},
    "n is added as it is": {"offset"},
    "A row counts as often as its n says.": {"weights"},
    "The variance of a row is σ² / n": {"precise"},
    "The squared scale of a row is σ² / n": {"precise, student_t"},
    "of y around its expected value, is estimated.": SIGMA
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


def group(*varying, name="g", sizes="ab") -> Factor:
    return Factor(name, (name,), (varying or ("Intercept",),), dict.fromkeys(sizes, 3))


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


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("model", MODELS)
def test_how_far_groups_differ_is_said_where_one_number_says_it(name, model):
    keys, factors = STUDIES[name], keys_of(name, model)
    found = results(**keys | {"factors": factors})
    own = found.fit("hierarchical").summary
    for factor in factors:
        names = [f"sd_{factor.name}[{column}]" for column in factor.varying]
        for one in names:
            own[one] = row(one, 1) | {"sd": "0"}
        if "Intercept" not in factor.varying:
            own.pop(f"sd_{factor.name}[Intercept]")
    if found.outcome.sigma_estimated and not found.outcome.sigma_by_group:
        own["sigma"] = row("sigma", 2) | {"sd": "0"}
    alone = [factor for factor in factors if factor.varying == ("Intercept",)]
    said = meaning.spread(found)
    if name in SHARES | COUNTS:
        what = "odds" if name in SHARES else "rate" if "rates" in name else "expected count"
        ends = "2.7 times its {} (1 to 7.4)"  # e to the powers of 1, 0 and 2
        assert len(said) == len(alone)
        for sentence, factor in zip(said, alone, strict=True):
            assert sentence.startswith(f"A {factor.name} one between-group sd above")
            assert ends.format(what) in sentence
    elif name in {"gaussian", "offset", "weights", "known"} and factors and alone == factors:
        # One to four of rows within: a fifth, or with two factors a sixth each.
        share = {1: "20% is from one g to another and 80%", 2: "17% is from one g"}[len(factors)]
        assert len(said) == 1 and f"about {share}" in said[0]
        assert "that the predictors leave" not in said[0]
        [said] = meaning.spread(with_coefficients(found, "Intercept", "x"))
        assert said.startswith("Of the variance of y that the predictors leave, ")
    else:
        assert said == []
    two = [one for one in found.fits if one.variant != "hierarchical"]
    assert meaning.spread(replace(found, fits=two)) == []


def keys_of(name, model):
    return [] if name == "far, without groups" else MODELS[model]


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("groups", [True, False])
def test_coefficients_are_ratios_where_there_is_a_link(name, groups):
    found = results(**STUDIES[name] | {"factors": MODELS["intercepts"] if groups else []})
    several = with_coefficients(found, "Intercept", "x")
    if name in SIGMA:
        assert meaning.ratio(found) is meaning.ratio(several) is None
        return
    odds = name in SHARES
    what = "probability" if odds else "rate" if "rates" in name else "expected count"
    shown = f"The Intercept is shown as the {what}{' in the average group' * groups}"
    assert meaning.ratio(found) == f"{shown}."
    said = meaning.ratio(several)
    assert f"multiplies the {'odds' if odds else what} by." in said
    assert f"{shown}, where all predictors are zero" in said


OF_GROUPS = {
    "at its own average predictors": {"slope too", "predictor", "offset, slope"},
    "n is at its mean over all rows.": {"offset", "offset, slope"},
    "The other grouping factors are at": {"two"},
    "The unpooled fit is left out": {"two"},
    "groups the g's own rows do not determine it": {"undetermined"},
}


@pytest.mark.parametrize("sentence", OF_GROUPS)
def test_what_is_said_of_groups_in_each_model(sentence):
    slope, two = [group("Intercept", "x")], MODELS["two factors"]
    plain = results(factors=MODELS["intercepts"])
    unpooled = plain.fit("unpooled").groups["g", "Intercept"]
    none = {"a": unpooled["a"] | {"mean": ""}, "b": unpooled["b"]}
    fits = [
        replace(one, groups={("g", "Intercept"): none}) if one.variant == "unpooled" else one
        for one in plain.fits
    ]
    found = {
        "plain": plain,
        "slope too": results(factors=slope),
        "predictor": with_coefficients(plain, "Intercept", "x"),
        "offset": results(factors=MODELS["intercepts"], offset="n"),
        "offset, slope": results(factors=slope, offset="n"),
        "two": results(factors=two),
        "undetermined": replace(plain, fits=fits),
        "undetermined, without the fit": replace(plain, fits=[fits[0], fits[2]]),
    }
    said = {k: meaning.of_groups(one, one.factors[0], "Intercept") for k, one in found.items()}
    assert {k for k, text in said.items() if sentence in text} == OF_GROUPS[sentence]
    # Of a slope nothing is said of averages and offsets.
    slopes = meaning.of_groups(found["offset, slope"], slope[0], "x")
    assert slopes == ""


def test_groups_are_pulled_apart_by_predictors_that_differ_between_them():
    found = results(factors=[group("Intercept", "x")])
    factor, [pooled, unpooled, learned] = found.factors[0], found.fits

    def at(one, *population):
        own = {
            level: row(level) | {"population": str(value)}
            for level, value in zip("ab", population, strict=True)
        }
        return replace(one, groups={("g", "Intercept"): own, ("g", "x"): own})

    def apart(*fits):
        one = replace(found, fits=[*fits])
        said = meaning.of_groups(one, factor, "x")
        told = "at each g's own value of the predictors that interact" in said
        assert told == meaning.pulled_apart(one, factor, "x")
        intervals = captions.shrinkage(one, factor, "x", "intervals", "90%")
        assert ("from each g's predictors" in intervals) == told
        assert (", the same for all." in intervals) == (not told and bool(one.fit("pooled")))
        both = one.fit("pooled") and one.fit("hierarchical")
        assert ("They follow" in intervals) == (told and bool(both))
        assert ("Thin line" in intervals) == (one.fit("hierarchical") is not None)
        assert ("Dashed line" in intervals) == (one.fit("pooled") is not None)
        return told

    same, other, rounded = (3.0, 3.0), (3.0, 3.1), (3.0, 3.0 + 1e-12)
    assert not apart(at(pooled, *same), at(unpooled, *other), at(learned, *same))
    assert apart(at(pooled, *same), at(learned, *other))  # the hierarchical fit comes first
    assert not apart(at(pooled, *other), at(learned, *rounded))
    assert apart(at(pooled, -3.1, -3.0), at(unpooled, *same))
    assert not apart(at(unpooled, *other))


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


@pytest.mark.parametrize(
    ("model", "names", "one", "own"),
    [
        ("intercepts", ["Intercept"], "mean", "mean"),
        ("intercepts", ["Intercept", "x"], "set of coefficients", "intercept"),
        ("intercepts", ["x"], "set of coefficients", "intercept"),
        ("lines", ["Intercept"], "set of coefficients", "coefficients"),
        ("slopes", ["Intercept"], "set of coefficients", "coefficients"),
    ],
)
def test_what_variants_have_for_each_group(model, names, one, own):
    found = with_coefficients(results(factors=MODELS[model]), *names)
    said = meaning.pooling(found)
    assert said["pooled"].startswith(f"One {one} of y for every g: ")
    for variant in VARIANTS[1:]:
        assert said[variant].startswith(f"Each g has its own {own}, ")
    assert ["fixed, and wide: 25." in said[variant] for variant in VARIANTS] == [False, True, False]
    alone = replace(found, fits=found.fits[2:])
    assert meaning.pooling(alone).keys() == {"hierarchical"}


def test_what_variants_have_for_each_of_several_factors_and_for_none():
    said = meaning.pooling(results(factors=MODELS["two factors"]))
    assert said["pooled"].startswith("One mean of y for every g and h: ")
    assert said["unpooled"].startswith("Each g and each h deviates by itself")
    assert "wide: g 25; h 25." in said["unpooled"]
    assert "sds have priors" in said["hierarchical"]
    none = results(factors=[])
    none = replace(none, fits=none.fits[:1])
    assert meaning.pooling(none) == {"pooled": "One model of y for all rows."}


@pytest.mark.parametrize("failed", [(), VARIANTS[:1], VARIANTS[:2], VARIANTS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_verdict_counts_the_fits_and_those_that_failed(failed, count):
    found = results(failed=failed)
    found = replace(found, fits=found.fits[:count])
    said = words.verdict(found)
    bad = min(len(failed), count)
    states = ("passed", "Passed") if not bad else ("failed", "Failed")
    assert (said["state"], said["word"]) == (
        states if bad in (0, count) else ("mixed", "Failed in part")
    )
    expected = {
        (1, 0): "This fit can be trusted.",
        (2, 0): "Both fits can be trusted.",
        (3, 0): "All three fits can be trusted.",
        (1, 1): "This fit cannot be trusted.",
        (2, 2): "None of the fits can be trusted.",
        (3, 3): "None of the fits can be trusted.",
        (2, 1): "Do not rely on the pooled fit.",
        (3, 1): "Do not rely on the pooled fit.",
        (3, 2): "Do not rely on the pooled and unpooled fits.",
    }
    assert said["headline"] == expected[count, bad]
    use = " ".join(said["use"])
    assert ("Do not use this fit before" in use) == (count == bad == 1)
    assert ("Do not use any of them before" in use) == (count == bad > 1)
    assert ("nothing to choose" in use) == (count == 1 and not bad)


def test_a_caption_of_priors_says_what_it_shows():
    for family in ("gaussian", "bernoulli"):
        found = replace(results(family=family), replicated=5)
        every = replace(found, replicated=found.data["rows_used"])
        without = replace(found, fits=[found.fits[0], found.fits[2]])
        said = [captions.prior(one) for one in (found, every, without)]
        shares = family == "bernoulli"
        assert [("single observations" in one) for one in said] == [not shares] * 3
        assert [("share with y = 1" in one) for one in said] == [shares] * 3
        assert [("Ticks are of 5 rows" in one) for one in said] == [
            *(not shares, False, not shares)
        ]
        assert [("wide on purpose" in one) for one in said] == [True, True, False]


def parameters(family: str, sigma="estimated"):
    """What a study has read of a table with labels, lines by group and a second factor."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"x": rng.normal(size=60), "k": ["p", "q", "r"] * 20})
    table["g"], table["h"] = np.resize([*"abcde"], 60), np.resize([*"uvwx"], 60)
    table["y"] = rng.poisson(9, 60)
    design = Formula("y ~ x + k + (1 + x | g) + (1 | h)").design(table)
    outcome = Outcome(family=family, sigma=sigma)
    return build.compress(design, outcome, families.columns(table, outcome)), design


# Each key of `priors`, and the parameters that it is of.
GIVEN = {
    "Intercept": {"beta[Intercept]"},
    "x": {"beta[x]"},
    "k": {"beta[k[q]]", "beta[k[r]]"},
    "k[q]": {"beta[k[q]]"},
    "k[r]": {"beta[k[r]]"},
    "sd": {"sd_g[Intercept]", "sd_g[x]", "sd_h[Intercept]"},
    "sd_g": {"sd_g[Intercept]", "sd_g[x]"},
    "sd_h": {"sd_h[Intercept]"},
    "sd_g[Intercept]": {"sd_g[Intercept]"},
    "sd_g[x]": {"sd_g[x]"},
    "sd_h[Intercept]": {"sd_h[Intercept]"},
    "cor": {"cor_g"},
    "cor_g": {"cor_g"},
    "nu_g": {"nu_g"},
    "nu_h": {"nu_h"},
    "sigma": {"sigma"},
    "nu": {"nu"},
    "alpha": {"alpha"},
    "sd_log_sigma": {"sd_log_sigma"},
}
MADE = {
    "student_t": parameters("student_t"),
    "negative_binomial": parameters("negative_binomial"),
    "gaussian": parameters("gaussian", "~ (1 | g)"),
}


@pytest.mark.parametrize("family", MADE)
@pytest.mark.parametrize("key", GIVEN)
def test_a_prior_of_the_config_is_marked_and_shown_beside_its_parameters(family, key):
    data, _ = MADE[family]
    written = "lkj(7)" if key.startswith("cor") else "exponential(7)"
    written = "normal(7, 77)" if key in ("Intercept", "x", "k", "k[q]", "k[r]") else written
    stored = complete({key: written}, data, "student_t").to_dict()
    factors = [group("Intercept", "x"), group(name="h")]
    keys = {"family": family, "group_effects": "student_t"}
    keys |= {"sigma": "~ (1 | g)"} if family == "gaussian" else {}
    found = results(factors=factors, **keys)
    model = {"coefficients": [*data.coefficients], "terms": {**data.terms}}
    fits = [fit(variant, factors, **stored) for variant in VARIANTS]
    found = replace(found, model=found.model | model, fits=fits)
    listed = {one["name"]: one for one in priors.priors(found)}
    own = GIVEN[key] & listed.keys()
    if (family, key) == ("gaussian", "sigma"):
        own = {"sigma_median"}  # of which it is the prior where sigmas are pooled
    assert {name for name, one in listed.items() if one["given"]} == own
    assert {name for name, one in listed.items() if one["prior"] == written} == own
    numbers = {"lkj(7)": "= 7", "exponential(7)": "= 7", "normal(7, 77)": "= 77"}[written]
    assert all(listed[name]["numbers"].endswith(numbers) for name in own)
    # Without a hierarchical fit, nothing between groups has a prior.
    pooled = {one["name"] for one in priors.priors(replace(found, fits=fits[:1]))}
    between = ("sd_", "cor_", "nu_")
    assert pooled == {name for name in listed if not name.startswith(between)}


@pytest.mark.parametrize("family", MADE)
def test_every_key_of_priors_is_held(family):
    data, design = MADE[family]
    with pytest.raises(UserError) as caught:
        check_keys({"none": "real"}, design, data.outcome, "student_t", "priors")
    known = str(caught.value).partition("known: ")[2].split(", ")
    assert len(known) > 10 and {*known} <= GIVEN.keys()


@pytest.mark.parametrize(
    ("name", "limit", "shown"),
    [
        *(("rhat", 1.01, "at most 1.01"), ("ess_bulk", 400, "at least 400")),
        *(("ebfmi", 0.3, "at least 0.3"), ("divergences", 2, "at most 2")),
        *(("divergences", 0, "none"), ("ess_tail", 0, "none")),
    ],
)
def test_the_limit_of_a_check_is_said(name, limit, shown):
    for worst, passed in (("beta[x]", False), (None, True)):
        found = {"name": name, "value": 3, "threshold": limit, "passed": passed, "worst": worst}
        said = words.check(found)
        assert (said["threshold"], said["passed"]) == (shown, passed)
        assert said["worst"] == (worst or "")
        assert float(said["value"]) == 3


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
        scale = ", in log odds" * (name in SHARES) + ", on the log scale" * (name in COUNTS)
        assert quantity == f"coefficient of x{scale}"
    else:
        named = {"bernoulli": "probability of y = 1", "binomial": "probability (y of n)"}
        rate = " per unit of weeks" * ("rates" in name)
        assert quantity == named.get(name, f"expected y{rate}")


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"family": "binomial", "trials": "n"}, "n at each g's own mean, rounded"),
        ({"family": "poisson", "exposure": "n"}, "n at each g's own mean"),
        ({"offset": "n"}, "n at each g's own mean"),
        ({"precision_weights": "n"}, "n at each g's own mean"),
        ({"weights": "n"}, None),
        ({}, None),
    ],
)
def test_columns_of_the_response_are_held_where_rows_to_predict_have_them(keys, said, shown):
    found = results(factors=MODELS["intercepts"], **keys)
    column = {"n": "5"} if shown else {}
    fits = [replace(one, predictions=[one.predictions[0] | column]) for one in found.fits]
    told = captions.predictions(replace(found, fits=fits), {})
    held = f" Held fixed: {said}." if said and shown else ""
    assert told == f"A grid over the data's own range.{held}"
