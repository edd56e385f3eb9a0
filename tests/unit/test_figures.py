"""Figures: hostile names are drawn as they are, and the same content gives the same bytes."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool import figures
from partialpool.figures import style
from partialpool.figures.evidence import Evidence, Fit

LEVELS = ["a$b$", "<b>", "L" * 300, "naïve_^{2}"]
ROWS = 6


def fit(variant, passed, rng):
    """A fit of four groups with one varying coefficient."""
    coefs = [f"coef_g$[{level}, Intercept]" for level in LEVELS]
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
    size = len(LEVELS) * ROWS
    predictions = pd.DataFrame({"g$": LEVELS, "mean": mean[2:], "sd": 1.0})
    predictions["lower"], predictions["upper"] = mean[2:] - 1, mean[2:] + 1
    predictions["outcome_lower"] = predictions["outcome_upper"] = np.nan
    predictions[["group_status", "fit_passed", "note"]] = "known", passed, ""
    return Fit(
        variant=variant,
        passed=passed,
        summary=summary,
        scalars=scalars,
        statistics=statistics,
        prior=rng.normal(size=(60, size)),
        replicated=rng.normal(size=(60, size)),
        predictions=predictions,
    )


def study():
    rng = np.random.default_rng(1)
    variants = ("pooled", "unpooled", "hierarchical")
    fits = [fit(variant, variant != "unpooled", rng) for variant in variants]
    groups = np.repeat(LEVELS, ROWS)
    table = pd.DataFrame({"cost_$^2$": rng.normal(size=len(groups)), "g$": groups})
    comparison = pd.DataFrame(
        {"variant": variants, "elpd_diff": [0.0, -1, -9], "dse": 1.0, "fit_passed": True}
    )
    coefs = [f"coef_g$[{level}, Intercept]" for level in LEVELS]
    recovery = pd.concat(
        fit.estimates(["sigma", *coefs])
        .rename_axis("name")
        .reset_index()
        .assign(variant=v, truth=1.0)
        for v, fit in zip(variants, fits, strict=True)
    )
    return Evidence(
        table=table,
        response="cost_$^2$",
        factor="g$",
        varying=["Intercept"],
        levels=LEVELS,
        sizes=np.full(len(LEVELS), ROWS),
        errors=None,
        interval=0.95,
        own_rows=False,
        y=table["cost_$^2$"].to_numpy(),
        groups=groups,
        fits=fits,
        comparison=comparison,
        comparison_groups=comparison,
        recovery=recovery,
    )


def test_every_picture_is_drawn_and_twice_the_same(tmp_path):
    first = figures.draw(study(), tmp_path / "first")
    second = figures.draw(study(), tmp_path / "second")
    names = {path.stem for path in first}
    assert {"data", "prior", "population", "shrinkage_1", "groups", "comparison"} <= names
    assert {"predictions", "recovery", "chains_pooled", "energy_pooled", "density_pooled"} <= names
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_failed_fit_marks_its_pictures(tmp_path, monkeypatch):
    # Text is kept as text only where the font cannot draw it; here, to be read.
    monkeypatch.setattr(style, "_in_font", lambda letter: False)
    drawn = {path.stem: path.read_text() for path in figures.draw(study(), tmp_path)}
    assert "unpooled failed: do not rely on this" in drawn["shrinkage_1"]
    assert "unpooled failed: do not rely on this" in drawn["density_unpooled"]
    assert "failed" not in drawn["density_pooled"]
    assert "cost_$^2$" in drawn["groups"] and "a$b$" in drawn["groups"]
    assert "L" * 40 not in drawn["groups"]


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
