"""Population-level estimates are drawn in the panel of their name."""

from dataclasses import replace

from figure_study import (
    study,
)
from read_figure import beyond, hold, marks, three

from partialpool.figures import (
    estimates,
)


def test_population_level_estimates_are_in_their_own_panel():
    found = study()
    names = ["beta[Intercept]", "beta[x]", "sigma"]
    wide = found.fits[1].summary.copy()
    wide.loc["beta[Intercept]", ["lower", "upper"]] = -9, 11
    fits = [f if f.variant != "unpooled" else replace(f, summary=wide) for f in found.fits]
    figure = estimates.population(replace(found, fits=fits))
    assert [axes.get_title() for axes in figure.axes] == names
    for axes in figure.axes:
        rows = {fit.variant: fit.summary.loc[axes.get_title()] for fit in fits}
        expected = {}
        for variant, row in rows.items():
            expected |= three(variant, "one", row)
        own = rows["unpooled"]
        expected |= beyond(axes, "unpooled", {"one": (own["lower"], own["upper"])})
        assert ("one", "unpooled", "less") in expected or axes.get_title() != "beta[Intercept]"
        hold(marks(axes, ["one"]), expected)
