"""Figures: hostile names are drawn as they are, and the same content gives the same bytes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.design.formula import Formula
from partialpool.figures import (
    answers,
    convergence,
    data,
    estimates,
    predictive,
    study_figures,
    style,
)
from partialpool.figures.figure_data import Factor, FigureData, Fit
from partialpool.model import families
from partialpool.study.outcome import Outcome

LEVELS = ("a$b$", "<b>", "L" * 300, "naïve_^{2}")
ROWS = 6
VARIANTS = ("pooled", "unpooled", "hierarchical")
RESPONSE = "cost_$^2$"


def fit(variant, passed, factors, draws, rng):
    """A fit whose factors have four groups each, and one varying coefficient."""
    coefs = [name for factor in factors for name in factor.coefficient_names("Intercept")]
    names = ["beta[Intercept]", "sigma", *coefs]
    mean = rng.normal(size=len(names))
    summary = pd.DataFrame(
        {"mean": mean, "sd": 1.0, "lower": mean - 2, "upper": mean + 2, "rhat": 1.0}, index=names
    )
    scalars = {name: rng.normal(size=(2, 50)) for name in names[:2]}
    dims = ("chain", "draw")
    statistics = xr.Dataset(
        {"energy": (dims, rng.normal(size=(2, 50))), "diverging": (dims, np.ones((2, 50), bool))},
        coords={"chain": [0, 1], "draw": range(50)},
    )
    predictions = pd.DataFrame({name: LEVELS for factor in factors for name in [factor.name]})
    predictions["of"], predictions["predicted_for"] = 10, "group"
    values = rng.uniform(0.2, 0.8, len(LEVELS))
    for start in ("", "probability_", "outcome_"):
        predictions[f"{start}lower"], predictions[f"{start}upper"] = values - 0.1, values + 0.1
    predictions["mean"] = predictions["probability"] = values
    predictions["sd"], predictions["group_status"] = 0.1, "known"
    predictions["fit_passed"], predictions["note"] = passed, ""
    new = predictions.assign(predicted_for="new_group", group_status="new")
    return Fit(
        variant=variant,
        passed=passed,
        summary=summary,
        groups=pd.concat(of_groups(factor, rng) for factor in factors),
        scalars=scalars,
        statistics=statistics,
        prior=draws(60),
        replicated=draws(60),
        predictions=pd.concat([predictions, new], ignore_index=True),
    )


def of_groups(factor, rng, apart=False):
    """Group estimates of a factor with an intercept that varies."""
    mean = rng.normal(size=len(factor.levels))
    found = pd.DataFrame({"group": factor.levels, "mean": mean, "lower": mean - 1})
    found["upper"], found["population"] = mean + 1, 0.5 * mean if apart else 0.0
    return found.assign(factor=factor.name, coefficient="")


def study(family="gaussian", factors=1, variants=VARIANTS, **columns):
    rng = np.random.default_rng(1)
    outcome = Outcome(family=family, **columns)
    index = np.repeat(np.arange(len(LEVELS)), ROWS)
    sizes = np.full(len(LEVELS), ROWS)
    names = ["g$", "h_{i}"][:factors]
    means = np.arange(len(LEVELS)) / 10
    factors = [Factor(name, ("Intercept",), LEVELS, np.roll(index, i), sizes, sizes, means)
               for i, name in enumerate(names)]  # fmt: skip

    def draws(count):
        eta = np.zeros((count, len(index)))
        parameters = {"sigma": 1.0, "nu": 4.0, "alpha": 2.0}
        return families.FAMILIES[family].responses(rng, eta, parameters, np.full(len(index), 10))

    fits = [fit(variant, variant != "unpooled", factors, draws, rng) for variant in variants]
    y = draws(1)[0]
    table = pd.DataFrame({RESPONSE: y, "of": 10})
    for factor in factors:
        table[factor.name] = np.array(LEVELS)[factor.index]
    comparison = pd.DataFrame(
        {"variant": variants, "elpd_diff": -1.0, "dse": 1.0, "subsampling_dse": 0.0}
    ).assign(fit_passed=True)
    coefs = factors[0].coefficient_names("Intercept")
    recovery = pd.concat(
        fit.estimates(["sigma", *coefs])
        .rename_axis("name")
        .reset_index()
        .assign(variant=v, truth=1.0)
        for v, fit in zip(variants, fits, strict=True)
    )
    terms = " + ".join(f"(1 | `{name}`)" for name in names)
    return FigureData(
        table=table,
        total=len(table),
        average=0.1,
        formula=Formula(f"`{RESPONSE}` ~ 1 + {terms}"),
        coefficients=("Intercept",),
        outcome=outcome,
        factors=tuple(factors),
        interval=0.95,
        own_rows=False,
        held={},
        y=y,
        per=np.full(len(y), 10.0 if columns else 1.0),
        weights=np.ones(len(y)),
        rows=np.arange(len(y)),
        fits=fits,
        comparison=comparison,
        comparison_groups=comparison,
        recovery=recovery,
    )


@pytest.fixture
def as_text(monkeypatch):
    """Text is kept as text only where the font cannot draw it; here, to be read."""
    monkeypatch.setattr(style, "_in_font", lambda letter: False)


def test_every_picture_is_drawn_and_twice_the_same(tmp_path):
    first = study_figures.draw(study(), tmp_path / "first")
    second = study_figures.draw(study(), tmp_path / "second")
    names = {path.stem for path in first}
    assert {"data", "prior", "population", "shrinkage_1", "groups", "comparison"} <= names
    assert {"predictions", "recovery", "chains_pooled", "energy_pooled", "density_pooled"} <= names
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    forms = json.loads((tmp_path / "first" / study_figures.FORMS).read_text())
    assert set(forms) == {*names, "held"}
    found = {forms[name] for name in ("data", "shrinkage_1", "density_pooled")}
    assert found == {"strips", "arrows", "curves"}


def test_variants_that_were_not_compared_are_not_drawn():
    found = study()
    numbers = ["elpd_diff", "dse", "subsampling_dse"]
    missing = found.comparison.copy()
    missing.loc[0, numbers] = np.nan
    drawn = answers.comparison(replace(found, comparison=missing, comparison_groups=missing))
    for axes in drawn.axes:
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            "unpooled",
            "hierarchical",
        ]
    missing.loc[1:, numbers] = np.nan
    none = replace(found, comparison=missing, comparison_groups=missing)
    assert answers.comparison(none) is None


def test_failed_fit_marks_its_pictures(tmp_path, as_text):
    drawn = {path.stem: path.read_text() for path in study_figures.draw(study(), tmp_path)}
    assert "unpooled failed: do not rely on this" in drawn["shrinkage_1"]
    assert "unpooled failed: do not rely on this" in drawn["density_unpooled"]
    assert "failed" not in drawn["density_pooled"]
    assert RESPONSE in drawn["groups"] and "a$b$" in drawn["groups"]
    assert "L" * 40 not in drawn["groups"]


@pytest.mark.parametrize(
    ("family", "columns", "of_group", "of_expected"),
    [
        ("student_t", {}, f"mean {RESPONSE}", f"expected {RESPONSE}"),
        ("bernoulli", {}, f"share with {RESPONSE} = 1", f"probability of {RESPONSE} = 1"),
        ("binomial", {"trials": "of"}, f"{RESPONSE} as a share of of", "probability ("),
        ("poisson", {"exposure": "of"}, f"{RESPONSE} per unit of of", "per unit of of"),
        ("negative_binomial", {}, f"mean {RESPONSE}", f"expected {RESPONSE}"),
    ],
)
def test_pictures_of_a_family_with_two_factors(
    tmp_path, as_text, family, columns, of_group, of_expected
):
    found = study(family, 2, VARIANTS[2:], **columns)
    drawn = {path.stem: path.read_text() for path in study_figures.draw(found, tmp_path)}
    assert {"data", "data_2", "groups", "groups_2", "shrinkage_1", "shrinkage_2"} <= set(drawn)
    assert of_group in drawn["groups"] and of_expected in drawn["predictions"]
    assert "h_{i}" in drawn["groups_2"] and "h_{i}" in drawn["shrinkage_2"]
    assert "its own group" in drawn["predictions"] and "a new group" in drawn["predictions"]


@pytest.mark.parametrize("count", [4, 60])
@pytest.mark.parametrize("apart", [False, True])
def test_groups_are_pulled_towards_one_value_or_each_towards_its_own(
    tmp_path, as_text, count, apart
):
    """Some of the groups without an unpooled estimate; none in the last case of all."""
    found, rng = study(), np.random.default_rng(2)
    levels = tuple(f"g{group}" for group in range(count))
    sizes = np.arange(count) % 5 + 1
    few = Factor("g$", ("Intercept",), levels, found.factors[0].index, sizes, sizes, sizes / 5)
    fits = []
    for fit in found.fits:
        groups = of_groups(few, rng, apart)
        if fit.variant == "unpooled":
            groups.loc[groups.index % 2 == 0, ["mean", "lower", "upper", "population"]] = np.nan
        fits.append(replace(fit, groups=groups))
    found = replace(found, factors=(few,), fits=fits)
    with style.look():
        figure = estimates.shrinkage(found, few, "Intercept")
        assert figure.get_label() == (
            "arrows" if count == 4 else "distances" if apart else "points"
        )
        style.save(figure, tmp_path / "shrinkage.svg")
    drawn = (tmp_path / "shrinkage.svg").read_text()
    assert ("minus what its predictors say" in drawn) == (apart and count > 4)
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == (2 if count == 4 else 0)
    nothing = [replace(f, groups=f.groups.assign(mean=np.nan)) if f.variant == "unpooled" else f
               for f in fits]  # fmt: skip
    with style.look():
        figure = estimates.shrinkage(replace(found, fits=nothing), few, "Intercept")
        assert figure.get_label() == "intervals"
        style.save(figure, tmp_path / "intervals.svg")


def test_intervals_are_those_of_the_replicates_and_twice_the_standard_error():
    """Replicate i, of 25, has the value i in all rows; or 1 in i of the rows, and 0 in others."""
    found, every = study(variants=VARIANTS[:1]), np.arange(25.0)
    value, ends = np.repeat(every[:, None], 24, axis=1), [0.025 * 24, 0.975 * 24]
    fits = [replace(fit, replicated=value) for fit in found.fits]
    drawn = predictive.groups(replace(found, fits=fits), found.factors[0]).axes[0].collections[0]
    assert np.array(drawn.get_segments())[..., 0] == pytest.approx(np.array([ends] * 4))

    counts = replace(study("poisson"), y=np.tile([0, 1], 12))
    fit = replace(counts.fits[0], replicated=(np.arange(24) < every[:, None]).astype(int))
    drawn = predictive.density(counts, fit).axes[0].collections[0]
    assert np.array(drawn.get_segments())[..., 1] == pytest.approx(np.array([ends] * 2))

    table = found.comparison.assign(dse=3.0, subsampling_dse=4.0)
    table = pd.concat([table, table])  # one variant is not compared
    compared = replace(found, comparison=table, comparison_groups=table)
    for axes in answers.comparison(compared).axes:
        assert np.array(axes.collections[0].get_segments())[0, :, 0].tolist() == [-11, 9]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({}, "n = 6"), ({"sigma": "of"}, "n = 6, se 4.082"), ({"trials": "of"}, "1.2 of 6")],
)
def test_how_much_the_rows_of_a_group_say(columns, expected):
    """Six standard errors of 10 are one of 10 / sqrt(6)."""
    found = study("binomial" if "trials" in columns else "gaussian", **columns)
    assert data.size(found, found.factors[0], 2) == expected


@pytest.mark.parametrize("held", [{}, {"soil": "mean"}])
def test_a_panel_of_a_new_group_says_whose_predictors_are_held(held):
    found = study()
    fits = [
        replace(f, predictions=pd.concat([f.predictions.assign(x=x) for x in (0.0, 1.0)]))
        for f in found.fits
    ]
    *own, (title, asked, key) = answers._panels(replace(found, fits=fits, held=held), "x")
    assert len(own) == len(LEVELS) and asked == "new_group"
    assert title == "a new group" + f"\npredictors of {key[0]}" * bool(held)


def test_shares_and_rates_are_of_all_that_a_group_has():
    found = study("binomial", trials="of")
    found = replace(found, y=np.arange(24.0), per=np.tile([10.0, 30.0], 12))
    assert found.by_group(found.factors[0], found.y)[0] == pytest.approx(sum(range(6)) / 120)
    doubled = replace(found, weights=np.where(np.arange(24) == 5, 2.0, 1.0))
    assert doubled.by_group(found.factors[0], found.y)[0] == pytest.approx(20 / 150)
    rows = np.array([0, 1, 6])
    some = found.by_group(found.factors[0], np.stack([found.y[rows]] * 2), rows)
    assert np.allclose(some[:, :2], [[1 / 40, 6 / 10]] * 2) and np.isnan(some[:, 2:]).all()


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 10, "short"),
        ("a long name of a group", 10, "a long na…"),
        ("北京大学第一医院", 7, "北京大…"),
        ("two\nlines\x00", 20, "two lines"),
    ],
)
def test_short_names(text, columns, shown):
    assert style.short(text, columns) == shown


def test_shortened_names_stay_distinct():
    labels = style.distinct(["x" * 100 + "1", "x" * 100 + "2"])
    assert len(set(labels)) == 2
    assert all(len(label) <= style.LABEL for label in labels)


@pytest.mark.parametrize("case", ["one chain", "constant draws", "constant energy"])
def test_chains_that_have_no_diagnostics_are_drawn(case):
    rng = np.random.default_rng(1)
    dims, shape = ("chain", "draw"), (1 if case == "one chain" else 4, 50)
    draws, energy = rng.normal(size=(2, *shape))
    if case == "constant draws":
        draws = np.ones(shape)
    elif case == "constant energy":
        energy = np.ones(shape)
    fit = SimpleNamespace(
        scalars={"sigma": draws},
        summary=pd.DataFrame({"rhat": {"sigma": np.nan}}),
        statistics=xr.Dataset(
            {"energy": (dims, energy), "diverging": (dims, np.zeros(shape, bool))},
            coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1])},
        ),
    )
    figure = convergence.chains(fit)
    assert len(figure.axes) == (1 if case == "one chain" else 2)
    assert figure.axes[0].get_title() == "sigma, R-hat not a number"
    assert convergence.energy(fit) is not None
