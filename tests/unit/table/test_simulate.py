"""Simulated tables: the truth they report is the truth they came from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from scipy.special import expit

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine.posterior import SampledParameters, describe
from partialpool.model import families, priors
from partialpool.model.description import ModelDescription
from partialpool.sampler import convergence
from partialpool.study.config import read
from partialpool.study.study import Outcome
from partialpool.table.simulate import simulate

ROOT = Path(__file__).parents[3]


def one(seed=1, **block):
    return read({"seed": seed, "studies": {"s": block}})["s"]


@pytest.fixture(scope="module")
def textbook():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    studies = read(config)
    return {name: simulate(s) for name, s in studies.items() if s.simulate}


def test_textbook_studies(textbook):
    table, truth = textbook["linear_regression"]
    assert list(table) == ["x", "y"]
    assert len(table) == 100
    assert truth["values"] == {"beta[Intercept]": 0.0, "beta[x]": 2.0, "sigma": 1.0}

    table, truth = textbook["grouped_means"]
    sizes = table.groupby("group").size()
    means = [truth["values"][f"coef_group[g{j}, Intercept]"] for j in range(1, 6)]
    assert sizes.between(10, 19).all()
    assert list(sizes.index) == ["g1", "g2", "g3", "g4", "g5"]
    assert all(0 < mean < 5 for mean in means)
    assert "sigma" not in truth["values"]
    residual = table["y"] - np.repeat(means, sizes)
    assert 0.8 < residual.std() < 1.2

    table, truth = textbook["unequal_variances"]
    assert list(table.groupby("group").size()) == [20, 40, 60]
    assert truth["values"] == {
        "sigma[g1]": 1.0,
        "sigma[g2]": 2.0,
        "sigma[g3]": 3.0,
        "coef_group[g1, Intercept]": 3.0,
        "coef_group[g2, Intercept]": 5.0,
        "coef_group[g3, Intercept]": 7.0,
    }


SLOPES = {
    "simulate": {
        "groups": 1000,
        "rows": 50,
        "predictors": {"x": "normal(1, 2)"},
        "coefficients": {"Intercept": "normal(1, 0.5)", "x": "normal(2, 0.3)"},
        "correlation": 0.6,
        "sigma": 0.7,
    },
    "formula": "y ~ x + (1 + x | g)",
}


def test_varying_slopes_have_the_moments_they_say():
    table, truth = simulate(one(**SLOPES))
    values = truth["values"]
    labels = sorted(table["g"].unique())
    assert labels[0] == "g0001" and len(labels) == 1000
    intercepts, slopes = (
        np.array([values[f"coef_g[{label}, {name}]"] for label in labels])
        for name in ("Intercept", "x")
    )
    assert abs(slopes.mean() - values["beta[x]"]) < 0.05
    assert abs(slopes.std() / values["sd_g[x]"] - 1) < 0.1
    assert abs(np.corrcoef(intercepts, slopes)[0, 1] - values["cor_g[Intercept, x]"]) < 0.1
    residual = table["y"] - np.repeat(intercepts, 50) - np.repeat(slopes, 50) * table["x"]
    assert abs(residual.std() / values["sigma"] - 1) < 0.02


def test_same_seed_same_table():
    first, second, other = (simulate(one(seed, **SLOPES))[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first["y"].equals(other["y"])


def test_known_standard_errors_are_a_column():
    table, truth = simulate(
        one(
            simulate={
                "groups": 2000,
                "rows": 1,
                "predictors": {"se": "uniform(1, 2)"},
                "coefficients": {"Intercept": 3},
            },
            formula="y ~ 1 + (1 | g)",
            sigma="se",
        )
    )
    assert abs(((table["y"] - 3) / table["se"]).std() - 1) < 0.05
    assert truth["values"]["beta[Intercept]"] == 3


MU = np.exp(0.4)
P = expit(0.4)


@pytest.mark.parametrize(
    ("family", "values", "predictors", "mean", "variance"),
    [
        ({"family": "gaussian"}, {"sigma": 2}, {}, 0.4, 4),
        ({"offset": "o"}, {"sigma": 2}, {"o": 3}, 3.4, 4),
        ({"precision_weights": "n"}, {"sigma": 2}, {"n": 16}, 0.4, 0.25),
        ({"family": "student_t"}, {"sigma": 2, "nu": 10}, {}, 0.4, 5),
        ({"family": "bernoulli"}, {}, {}, P, P * (1 - P)),
        ({"family": "binomial", "trials": "n"}, {}, {"n": 20}, 20 * P, 20 * P * (1 - P)),
        ({"family": "poisson", "exposure": "t"}, {}, {"t": 5}, 5 * MU, 5 * MU),
        ({"family": "poisson", "offset": "o"}, {}, {"o": -0.4}, 1, 1),
        ({"family": "negative_binomial"}, {"alpha": 2}, {}, MU, MU + MU**2 / 2),
    ],
)
def test_responses_have_the_moments_of_their_family(family, values, predictors, mean, variance):
    block = {"rows": 40000, "coefficients": {"Intercept": 0.4}, "predictors": predictors, **values}
    table, truth = simulate(one(simulate=block, formula="y ~ 1", **family))
    assert truth["values"] == {"beta[Intercept]": 0.4, **values}
    assert abs(table["y"].mean() - mean) < 4 * (variance / 40000) ** 0.5
    assert abs(table["y"].var() / variance - 1) < 0.05


def test_the_true_sd_of_uniform_coefficients_is_theirs():
    block = {"groups": 4000, "rows": 1, "coefficients": {"Intercept": "uniform(1, 7)"}, "sigma": 1}
    values = simulate(one(simulate=block, formula="y ~ 1 + (1 | g)"))[1]["values"]
    groups = [value for name, value in values.items() if name.startswith("coef_g[")]
    assert (values["beta[Intercept]"], values["sd_g[Intercept]"]) == (4, pytest.approx(3**0.5))
    assert np.std(groups) == pytest.approx(values["sd_g[Intercept]"], rel=0.03)
    assert np.mean(groups) == pytest.approx(4, abs=0.11)


@pytest.mark.parametrize(
    ("written", "mean", "variance"),
    [
        ("poisson(4)", 4, 4),
        ("gamma(3, 2)", 1.5, 0.75),
        ("exponential(4)", 0.25, 0.0625),
        ("bernoulli(0.2)", 0.2, 0.16),
    ],
)
def test_columns_have_the_moments_they_say(written, mean, variance):
    block = {"rows": 40000, "coefficients": {"x": 0}, "predictors": {"x": written}, "sigma": 1}
    x = simulate(one(simulate=block, formula="y ~ 0 + x"))[0]["x"]
    assert abs(x.mean() - mean) < 4 * (variance / 40000) ** 0.5
    assert abs(x.var() / variance - 1) < 0.05


def several(formula, groups, rows, deviations, study=None, **block):
    """A study with deviations, almost without noise."""
    coefficients = {"Intercept": 2, "x": 3} if "x" in formula else {"Intercept": 2}
    written = {"groups": groups, "rows": rows, "sigma": 1e-9, "deviations": deviations}
    if "x" in formula:
        written["predictors"] = {"x": "normal(0, 1)"}
    block = {**written, "coefficients": coefficients, **block}
    return one(formula=formula, simulate=block, **(study or {}))


def test_nested_columns_count_within_their_parent():
    deviations = {"school": {"Intercept": 1}, "school:class": {"Intercept": 0.5}}
    study = several("y ~ 1 + (1 | school/class)", {"school": 3, "class": 12}, 5, deviations)
    table, truth = simulate(study)
    values = truth["values"]
    assert list(table) == ["school", "class", "y"]
    assert (table.groupby(["school", "class"]).size() == 5).all()
    assert sorted(table["class"].unique()) == [f"g{n:02}" for n in range(1, 13)]
    coefficients = [
        values[f"coef_school[{a}, Intercept]"] + values[f"coef_school:class[{a}:{b}, Intercept]"]
        for a, b in zip(table["school"], table["class"], strict=True)
    ]
    np.testing.assert_allclose(table["y"], np.array(coefficients) - 2, atol=1e-7)
    assert len({f"{value:.6f}" for value in coefficients}) == 36


def test_crossed_factors_share_all_rows():
    deviations = {"a": {"Intercept": 1, "x": 0.5}, "b": {"Intercept": 2}}
    study = several("y ~ x + (1 + x | a) + (1 | b)", {"a": 7, "b": 5}, 100, deviations)
    table, truth = simulate(study)
    values = truth["values"]
    assert len(table) == 100
    for name, groups in (("a", 7), ("b", 5)):
        sizes = table.groupby(name).size()
        assert len(sizes) == groups and np.ptp(sizes) <= 1
    assert len(table.groupby(["a", "b"])) > 30
    expected = [
        values[f"coef_a[{a}, Intercept]"]
        + values[f"coef_b[{b}, Intercept]"]
        - 2
        + values[f"coef_a[{a}, x]"] * x
        for a, b, x in zip(table["a"], table["b"], table["x"], strict=True)
    ]
    np.testing.assert_allclose(table["y"], expected, atol=1e-7)


@pytest.mark.parametrize(
    ("terms", "groups", "rows", "cells"),
    [
        ("(1 | a) + (1 | b) + (1 | a:b)", {"a": 4, "b": 3}, 2, {("a", "b"): 12}),
        ("(1 | a/b) + (1 | c)", {"a": 4, "b": 3, "c": 5}, 60, {("a", "b"): 12, ("c",): 5}),
        ("(1 | a/b) + (1 | a:c)", {"a": 4, "b": 3, "c": 2}, 1, {("a", "b", "c"): 24}),
        ("(1 | a/b/c)", {"a": 2, "b": 3, "c": 2}, "uniform(2, 4)", {("a", "b", "c"): 12}),
    ],
)
def test_every_group_has_rows(terms, groups, rows, cells):
    formula = f"y ~ 1 + {terms}"
    deviations = {name: {"Intercept": 1} for name in Formula(formula).factors}
    table, _ = simulate(several(formula, groups, rows, deviations))
    for columns, count in cells.items():
        assert len(table.groupby(list(columns))) == count


def test_deviations_have_the_sds_and_correlations_they_say():
    deviations = {"a": {"Intercept": 1, "x": 0.5}, "b": {"Intercept": 2}}
    formula, groups = "y ~ x + (1 + x | a) + (1 | b)", {"a": 2000, "b": 1500}
    _, truth = simulate(several(formula, groups, 2000, deviations, correlation=-0.6))
    coefficients: dict[str, list] = {}
    for name, value in truth["values"].items():
        if name.startswith("coef_"):
            coefficients.setdefault(f"{name[5]} {name[:-1].split(', ')[1]}", []).append(value)
    moments = {name: (np.mean(v), np.std(v)) for name, v in coefficients.items()}
    for name, mean, sd in (("a Intercept", 2, 1), ("a x", 3, 0.5), ("b Intercept", 2, 2)):
        assert abs(moments[name][0] - mean) < 4 * sd / 1500**0.5
        assert abs(moments[name][1] / sd - 1) < 0.08
    found = np.corrcoef(coefficients["a Intercept"], coefficients["a x"])[0, 1]
    assert abs(found + 0.6) < 0.06
    assert truth["values"]["cor_a[Intercept, x]"] == -0.6


def test_sigmas_are_log_normal_around_their_median():
    block = {"groups": 2000, "rows": 20, "coefficients": {"Intercept": 0}}
    block |= {"sigma": 3, "sd_log_sigma": 0.5}
    table, truth = simulate(one(simulate=block, formula="y ~ 1 + (1 | g)", sigma="~ (1 | g)"))
    values = truth["values"]
    assert (values["sigma_median"], values["sd_log_sigma"]) == (3, 0.5)
    sigma = pd.Series({g: values[f"sigma[{g}]"] for g in sorted(table["g"].unique())})
    assert abs(np.log(sigma).mean() - np.log(3)) < 0.05
    assert abs(np.log(sigma).std() - 0.5) < 0.04
    assert abs((table["y"] / table["g"].map(sigma)).std() - 1) < 0.02


BOTH = {"Intercept": 1, "x": 1}


MEANS = "y ~ 1 + (1 | g)", {"g": 3}, 9, {"g": {"Intercept": 1}}


@pytest.mark.parametrize(
    "study",
    [
        one(**SLOPES | {"simulate": SLOPES["simulate"] | {"groups": 4}}),
        several(
            "y ~ x + (1 + x | a/b) + (1 | c)",
            {"a": 3, "b": 2, "c": 4},
            48,
            {"a": BOTH, "a:b": BOTH, "c": {"Intercept": 1}},
        ),
        several(*MEANS, sd_log_sigma=0.4, study={"sigma": "~ (1 | g)"}),
        several(*MEANS, nu=5, study={"family": "student_t"}),
        one(
            simulate={"rows": 9, "coefficients": {"Intercept": 1}, "alpha": 2},
            formula="y ~ 1",
            family="negative_binomial",
        ),
    ],
    ids=["slopes", "several factors", "sigmas", "heavy tails", "no factor"],
)
def test_truth_has_the_names_of_the_summary(study):
    table, truth = simulate(study)
    names = _names_of_a_fit(study, table)
    assert truth["values"].keys() <= names
    # Deviations are told by the coefficients of groups, half a correlation matrix by the other.
    mirrored = {_mirrored(name) for name in truth["values"] if name.startswith("cor_")}
    assert {n for n in names if not n.startswith("u_")} == truth["values"].keys() | mirrored


def _mirrored(name):
    variable, _, pair = name[:-1].partition("[")
    return f"{variable}[{', '.join(reversed(pair.split(', ')))}]"


def _names_of_a_fit(study, table):
    """Names in `summary.csv`, from draws of no particular distribution."""
    outcome = Outcome.of(vars(study))
    design = Formula(study.formula).design(table)
    data = ModelDescription(
        **build.model_description(design, outcome, families.columns(table, outcome))
    )
    rng, size = np.random.default_rng(1), (4, 50)

    def draws(*shape):
        dims = ("chain", "draw", *(f"dim_{length}" for length in shape))
        return dims, rng.uniform(0.1, 0.9, (*size, *shape))

    free = {"beta": draws(len(data.coefficients))}
    free |= {name: draws() for name in data.family.parameters}
    if outcome.pools_sigma:
        free |= {"sigma": draws(len(data.factors[0].levels))}
        free |= {"sigma_median": draws(), "sd_log_sigma": draws()}
    deviations = {}
    for factor in data.factors:
        count = len(factor.varying)
        free[f"sd_{factor.name}"] = draws(count)
        if count > 1:
            free[f"partial_cor_{factor.name}"] = draws(count * (count - 1) // 2)
        deviations[factor.name] = rng.normal(size=(200, len(factor.levels), count))
    sampled = SampledParameters(xr.Dataset(free), data, priors.complete({}, data), "hierarchical")
    found = describe(sampled, deviations)
    return set(convergence.summarise(found, 0.95)["name"])


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"groups": None}, "the formula needs `groups`"),
        ({"rows": [1, 2]}, "simulate.rows: a list of 2 for 1000 groups"),
        ({"rows": "uniform(1.5, 2)"}, "must have whole numbers"),
        ({"predictors": {"z": "normal(0, 1)"}}, "'z' is not used by the study"),
        ({"predictors": None}, "predictors: 'x' is missing"),
        ({"predictors": {"x": "eval(1)"}}, "predictors.x: 'eval(1)' is none of normal(mean, sd)"),
        ({"coefficients": {"Intercept": 1, "z": 2}}, "'z' is not one of the formula"),
        ({"coefficients": {"Intercept": 1}}, "coefficients: 'x' is missing"),
        ({"coefficients": {"Intercept": 1, "x": "normal(0, -1)"}}, "its sd is negative"),
        ({"coefficients": {"Intercept": 1, "x": 2}}, "correlation: 0.6 needs two"),
        ({"sigma": None}, "no `sigma`"),
    ],
)
def test_a_block_that_does_not_fit_the_formula(changes, telling):
    block = {key: v for key, v in {**SLOPES["simulate"], **changes}.items() if v is not None}
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=block, formula=SLOPES["formula"]))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)


BINOMIAL = {"family": "binomial", "trials": "n"}
CROSSED = {
    "groups": {"a": 4, "b": 3},
    "rows": 24,
    "predictors": {"n": 20, "x": "normal(0, 1)"},
    "coefficients": {"Intercept": 0, "x": 1},
    "deviations": {"a": BOTH, "b": {"Intercept": 1}},
}


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"groups": 4}, "groups: 4 must be a number for each column, as in {a: 4, b: 4}"),
        ({"groups": {"a": 4, "c": 3}}, "groups: 'c' is not a grouping column of the formula"),
        ({"groups": {"a": 4}}, "groups: 'b' is missing"),
        ({"rows": 3}, "rows: 3 are too few for 4 groups of 'a'"),
        ({"rows": "uniform(1, 2)"}, "rows: uniform(1, 2) must be one number, of the whole table"),
        ({"predictors": {"n": "poisson(1)", "x": 1}}, "predictors.n: trials must be whole"),
        ({"predictors": {"n": "poisson(-1)", "x": 1}}, "'poisson(-1)': its rate is not between"),
        ({"predictors": {"x": 1}}, "predictors: 'n' is missing"),
        ({"coefficients": {"Intercept": 0, "x": "normal(0, 1)"}}, "coefficients.x: must be a"),
        ({"deviations": None}, "no `deviations`; with several factors, add sds as in {a: {Inter"),
        (
            {"deviations": {"a": {"x": 1}, "B": {"x": 1}}},
            "'B' is not a factor of the formula; nearest",
        ),
        ({"deviations": {"a": BOTH}}, "deviations: 'b' is missing"),
        ({"deviations": {"a": BOTH, "b": BOTH}}, "deviations.b: 'x' is not a coefficient that va"),
        ({"sigma": 1}, "sigma: the study's model has none; leave it out"),
        ({"alpha": 1}, "alpha: the study's model has none; leave it out"),
    ],
)
def test_a_block_of_several_factors_that_does_not_fit(changes, telling):
    block = {key: v for key, v in {**CROSSED, **changes}.items() if v is not None}
    model = {"formula": "y ~ x + (1 + x | a) + (1 | b)", **BINOMIAL}
    simulate(one(simulate=CROSSED, **model))
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=block, **model))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)


@pytest.mark.parametrize(
    ("study", "block", "telling"),
    [
        ({"family": "student_t"}, {"sigma": 1}, "no `nu`; add a number over 0"),
        ({"exposure": "t", "family": "poisson"}, {"predictors": {"t": 0}}, "exposure must be over"),
        ({"weights": "t"}, {"sigma": 1, "predictors": {"t": -1}}, "weights must be over 0"),
        ({"sigma": "~ (1 | g)"}, {"sigma": 1}, "sigma: give the median and, as `sd_log_sigma`"),
        ({"group_effects": "student_t"}, {"sigma": 1}, "student_t cannot be simulated"),
    ],
)
def test_a_block_that_does_not_fit_the_outcome(study, block, telling):
    written = {"groups": 3, "rows": 5, "coefficients": {"Intercept": 1}, **block}
    with pytest.raises(UserError) as caught:
        simulate(one(simulate=written, formula="y ~ 1 + (1 | g)", **study))
    assert "studies.s.simulate" in str(caught.value)
    assert telling in str(caught.value)


NUMBERS = {"x": "normal(3, 2)", "z": "uniform(-2, 1)"}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "y ~ x + z + (0 + z | g)",
            {"coefficients": {"Intercept": 1, "x": 2, "z": "normal(3, 1)"}},
        ),
        (
            "y ~ z + (1 + x | g)",
            {"coefficients": {"Intercept": [1, 5, 2, 7], "z": -1, "x": "uniform(1, 2)"}},
        ),
        (
            "y ~ x + z + (1 + z + x | g)",
            {"coefficients": {"Intercept": "normal(1, 1)", "x": 4, "z": "normal(0, 2)"}},
        ),
        (
            "y ~ z + x + (1 + x | g) + (0 + z | h)",
            {
                "coefficients": {"Intercept": 1, "x": 2, "z": 3},
                "deviations": {"g": {"Intercept": 1, "x": 2}, "h": {"z": 1}},
            },
        ),
        (
            "y ~ z + (0 + x | g) + (1 | g) + (1 | h)",
            {
                "coefficients": {"Intercept": 1, "z": 3},
                "deviations": {"g": {"Intercept": 1, "x": 2}, "h": {"Intercept": 0.5}},
            },
        ),
    ],
)
def test_a_table_follows_from_its_truth(text, written):
    """Without noise, every response is the sum of what its group's coefficients say."""
    groups, rows = ({"g": 4, "h": 3}, 60) if "| h" in text else (4, [9, 2, 30, 5])
    names = [name for name in NUMBERS if name in text]
    block = {"groups": groups, "rows": rows, "sigma": 1e-9}
    block |= {"predictors": {name: NUMBERS[name] for name in names}, **written}
    table, truth = simulate(one(simulate=block, formula=text))
    values, factors = truth["values"], Formula(text).factors
    for at, row in table.iterrows():
        expected = 0.0
        for name in ("Intercept", *names):
            common = values.get(f"beta[{name}]", 0.0)
            own = [values.get(f"coef_{f}[{row[f]}, {name}]", common) - common for f in factors]
            expected += (common + sum(own)) * (1 if name == "Intercept" else row[name])
        assert row["y"] == pytest.approx(expected, abs=1e-6), at
    if isinstance(groups, int):
        assert table.groupby("g").size().tolist() == rows


def test_coefficients_are_correlated_within_a_group_term_and_not_between():
    text = "y ~ x + z + (1 + z + x | a) + (1 + x | b) + (0 + z | b)"
    sds = {"Intercept": 1, "x": 0.5, "z": 2}
    block = {"groups": {"a": 3000, "b": 3000}, "rows": 3000, "sigma": 1, "correlation": 0.5}
    block |= {"coefficients": {"Intercept": 1, "x": 2, "z": 3}, "deviations": {"a": sds, "b": sds}}
    _, truth = simulate(one(simulate=block | {"predictors": NUMBERS}, formula=text))
    values = truth["values"]
    for factor, together in (("a", {*sds}), ("b", {"Intercept", "x"})):
        labels = [
            name[7:-4] for name in values if name.startswith(f"coef_{factor}[") and "z]" in name
        ]
        drawn = {c: [values[f"coef_{factor}[{label}, {c}]"] for label in labels] for c in sds}
        for first, second in (("Intercept", "x"), ("Intercept", "z"), ("z", "x")):
            expected = 0.5 if {first, second} <= together else 0.0
            found = np.corrcoef(drawn[first], drawn[second])[0, 1]
            assert found == pytest.approx(expected, abs=4 / 3000**0.5)
            pair = [
                f"cor_{factor}[{a}, {b}]" in values for a, b in ((first, second), (second, first))
            ]
            assert any(pair) == (expected > 0)
        for name, sd in sds.items():
            assert np.std(drawn[name]) == pytest.approx(sd, rel=4 / 6000**0.5)
            assert values[f"sd_{factor}[{name}]"] == sd
