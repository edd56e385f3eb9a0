"""Sentences about groups that depend on the model."""

from dataclasses import replace

import pytest
from report_models import (
    COUNTS,
    LINKED,
    MODELS,
    POSITIVE,
    SHARES,
    STUDIES,
    group,
    with_coefficients,
)
from reports import VARIANTS, results, row

from partialpool.report import (
    meaning,
)


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
    if found.family.estimates_sigma(found.outcome) and not found.outcome.sigma_by_group:
        own["sigma"] = row("sigma", 2) | {"sd": "0"}
    alone = [factor for factor in factors if factor.varying == ("Intercept",)]
    said = meaning.spread(found)
    if name in SHARES | COUNTS | POSITIVE:
        what = "odds" if name in SHARES else "rate" if "rates" in name else "expected count"
        if name in POSITIVE:
            what = LINKED.get(name, "mean")
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
        return told

    same, other, rounded = (3.0, 3.0), (3.0, 3.1), (3.0, 3.0 + 1e-12)
    assert not apart(at(pooled, *same), at(unpooled, *other), at(learned, *same))
    assert apart(at(pooled, *same), at(learned, *other))  # the hierarchical fit comes first
    assert not apart(at(pooled, *other), at(learned, *rounded))
    assert apart(at(pooled, -3.1, -3.0), at(unpooled, *same))
    assert not apart(at(unpooled, *other))


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
