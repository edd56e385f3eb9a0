"""All figures of a study: their files, names and warnings."""

import json
from dataclasses import replace
from types import SimpleNamespace

import markup_study
import pandas as pd
import pytest
from figure_study import (
    LEVELS,
    ROWS,
    VARIANTS,
    predicted,
    study,
)

from partialpool.figures import study_figures
from partialpool.figures.registry import FIGURES
from partialpool.figures.style import plt


def test_each_figure_has_the_name_and_the_verdict_of_what_it_shows(tmp_path, monkeypatch):
    """Those of one fit are marked where this fit failed, those of all where any did."""
    saved = {}

    def save(figure, path, warning):
        saved[path.stem] = figure, warning
        plt.close(figure)

    def of_fit(_, fit):
        figure, axes = plt.subplots()
        axes.set_title(fit.variant)
        return figure

    monkeypatch.setattr(study_figures, "save", save)
    for name in ("chains", "energy"):
        monkeypatch.setitem(FIGURES, name, replace(FIGURES[name], draw=of_fit))
    variants = VARIANTS[::2]
    found = study(variants=variants, failed=["pooled"], levels=LEVELS[:3], rows=ROWS[:3])
    grid = pd.DataFrame({"g": LEVELS, "h": LEVELS})
    study_figures.draw(predicted(replace(found, new_data="new.csv"), grid), tmp_path)
    of_all = {"prior", "population", "comparison", "predictions", "recovery"}
    of_factors = {f"{what}{end}" for what in ("groups", "data") for end in ("", "_2")}
    of_one = {f"{what}_{v}" for what in ("chains", "energy", "density") for v in variants}
    shrinkage = {f"shrinkage_{number}" for number in range(1, 5)}
    assert {*saved} == of_all | of_factors | of_one | shrinkage
    for name, (figure, warning) in saved.items():
        alone = name.startswith("data") or name.endswith("_hierarchical")
        assert ("The pooled fit failed" in warning) == (not alone) == bool(warning), name
        axes = figure.axes[0]
        if name in of_factors:
            assert axes.get_ylabel() == ("h" if name.endswith("_2") else "g")
        if name in shrinkage:
            factor, slope = divmod(int(name[-1]) - 1, 2)
            assert axes.get_ylabel() == "gh"[factor]
            assert axes.get_xlabel().startswith("coefficient of x" if slope else "expected y")
        if name in of_one:
            assert axes.get_title("left").removesuffix(" ✗") == name.partition("_")[2]


def test_every_figure_is_drawn_and_twice_the_same(tmp_path):
    first = study_figures.draw(markup_study.study(), tmp_path / "first")
    second = study_figures.draw(markup_study.study(), tmp_path / "second")
    names = {path.stem for path in first}
    assert {"data", "prior", "population", "shrinkage_1", "groups", "comparison"} <= names
    assert {"predictions", "recovery", "chains_pooled", "energy_pooled", "density_pooled"} <= names
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    described = json.loads((tmp_path / "first" / study_figures.LIST).read_text())
    assert {*described} == names
    assert "Circles: rows." in described["data"]["caption"]
    assert described["chains_pooled"]["section"] == "diagnose"


def test_failed_fit_marks_its_figures(tmp_path, as_text):
    drawn = {
        path.stem: path.read_text() for path in study_figures.draw(markup_study.study(), tmp_path)
    }
    assert "The unpooled fit failed: do not rely on this figure" in drawn["shrinkage_1"]
    assert "The unpooled fit" in drawn["density_unpooled"]
    assert "failed" not in drawn["density_pooled"]
    assert markup_study.RESPONSE in drawn["groups"] and "a$b$" in drawn["groups"]
    assert "L" * 40 not in drawn["groups"]


@pytest.mark.parametrize(
    ("family", "columns", "of_group", "of_expected"),
    [
        ("student_t", {}, f"mean {markup_study.RESPONSE}", f"expected {markup_study.RESPONSE}"),
        (
            "bernoulli",
            {},
            f"share with {markup_study.RESPONSE} = 1",
            f"probability of {markup_study.RESPONSE} = 1",
        ),
        (
            "binomial",
            {"trials": "of"},
            f"{markup_study.RESPONSE} as a share of of",
            "probability (",
        ),
        (
            "poisson",
            {"exposure": "of"},
            f"{markup_study.RESPONSE} per unit of of",
            "per unit of of",
        ),
        (
            "negative_binomial",
            {},
            f"mean {markup_study.RESPONSE}",
            f"expected {markup_study.RESPONSE}",
        ),
    ],
)
def test_figures_of_a_family_with_two_factors(
    tmp_path, as_text, family, columns, of_group, of_expected
):
    found = markup_study.study(family, 2, markup_study.VARIANTS[2:], **columns)
    drawn = {path.stem: path.read_text() for path in study_figures.draw(found, tmp_path)}
    assert {"data", "data_2", "groups", "groups_2", "shrinkage_1", "shrinkage_2"} <= set(drawn)
    assert of_group in drawn["groups"] and of_expected in drawn["predictions"]
    assert "h_{i}" in drawn["groups_2"] and "h_{i}" in drawn["shrinkage_2"]
    assert "its own group" in drawn["predictions"] and "a new group" in drawn["predictions"]


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        ("", ""),
        ("x", ""),
        ("-", "✗ The a fit failed"),
        ("x-", "✗ The b fit failed"),
        ("--", "✗ Both fits failed"),
        ("-x-", "✗ The a and c fits failed"),
        ("---", "✗ All three fits failed"),
    ],
)
def test_a_warning_names_the_failed_fits(passed, words):
    fits = [
        SimpleNamespace(variant=variant, passed=mark == "x")
        for variant, mark in zip("abc", passed, strict=False)
    ]
    found = study_figures.failure(fits)
    assert found.partition(":")[0] == words
    assert not words or found.endswith(": do not rely on this figure")
