"""Simulated tables follow from their true values, by their names in the summary of a fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from configs import read
from scipy.special import expit
from simulated_studies import BOTH, NUMBERS, SLOPES, one, several

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine.posterior import SampledParameters, describe
from partialpool.model import families, priors
from partialpool.model.description import ModelDescription
from partialpool.sampler import convergence
from partialpool.table.simulate import simulate

ROOT = Path(__file__).parents[3]


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


def test_varying_slopes_have_their_moments():
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
    outcome = study.outcome
    design = Formula(study.formula).design(table)
    data = ModelDescription(
        **build.model_description(design, outcome, families.columns(table, outcome))
    )
    rng, size = np.random.default_rng(1), (4, 50)

    def draws(*shape):
        dims = ("chain", "draw", *(f"dim_{length}" for length in shape))
        return dims, rng.uniform(0.1, 0.9, (*size, *shape))

    free = {"beta": draws(len(data.coefficients))}
    free |= {name: draws() for name in data.family.parameter_names}
    if outcome.has_hierarchical_sigma:
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
