"""Estimates on the page are those of their variant."""

from dataclasses import replace
from xml.etree import ElementTree

import fake_run_files
import numpy as np
import pytest
from fake_run_files import N, R, S, X, Y, written
from read_html import Tables, says
from reports import VARIANTS, factor_of, fit, nested, page, results, row

from partialpool.report import (
    mathematics,
    meaning,
)
from partialpool.report.sections import estimates


def test_estimates_on_a_page_are_those_of_their_variant(run, run_page):
    paths, _, _ = run
    tables = Tables(run_page)
    population, ratios, *_ = tables.below("Estimates", "Population level")
    assert [head.split()[0] for head in population] == [*VARIANTS]
    for number, variant in enumerate(VARIANTS):
        rows = written(paths, "summaries", number).set_index("name")
        [own] = [head for head in population if head.startswith(variant)]
        assert ("✗" in own) == (variant == "unpooled")
        for name in fake_run_files.scalars(variant):
            says(population.loc[name, own], *rows.loc[name, ["mean", "sd", "lower", "upper"]])
        for name in ("Intercept", X):
            numbers = np.exp(rows.loc[f"beta[{name}]", ["mean", "lower", "upper"]].astype(float))
            says(ratios.loc[name, own], *numbers)
    wide = {f"sd_{S}[Intercept]": 31, f"sd_{S}[{X}]": 32, f"sd_{R}[Intercept]": 33}
    for name, sd in wide.items():
        says(population.loc[name].iloc[0], 0)
        says(population.loc[name].iloc[1], sd)


def test_groups_on_a_page_are_those_of_their_variant(run, run_page):
    paths, _, rows = run
    tables = Tables(run_page)
    for factor, heading, column in (
        (S, f"Each {S}: expected {Y} per unit of {N}", ""),
        (S, f"Each {S}: coefficient of {X}, on the log scale", X),
        (R, f"Each {R}: expected {Y} per unit of {N}", ""),
    ):
        [shown] = tables.below("Estimates", heading)
        assert shown.index.name == factor
        means = {}
        for number, variant in enumerate(VARIANTS):
            frame = written(paths, "group_estimates", number).fillna({"coefficient": ""})
            frame = frame[(frame["factor"] == factor) & (frame["coefficient"] == column)]
            [own] = [head for head in shown if head.startswith(variant)]
            for estimate in frame.to_dict("records"):
                says(shown.loc[estimate["group"], own], estimate["mean"], estimate["sd"])
                means[variant, estimate["group"]] = estimate["mean"]
        for group, size in rows[factor].value_counts().items():
            says(shown.loc[group, "rows"], size)
            moved = means["hierarchical", group] - means["unpooled", group]
            says(shown.loc[group, "moved by"], moved)


def test_ratios_are_exponentials_of_the_coefficients():
    found = results(family="bernoulli")
    model = found.model | {"coefficients": ["Intercept", "x"]}
    for one in found.fits:
        one.summary.update({"beta[Intercept]": row("", -1.0), "beta[x]": row("", 1.0)})
    rows = estimates.ratios(replace(found, model=model))["rows"]
    assert rows[0][1:3] == ["probability", {"text": "0.269", "under": "0.5 to 0.881"}]
    assert rows[1][1:3] == ["odds ratio", {"text": "2.72", "under": "1 to 7.39"}]
    assert estimates.ratios(results()) is None
    found.fits[0].summary["beta[Intercept]"] = row("", 1) | {"upper": "1000", "lower": "-1000"}
    assert estimates.ratios(found)["rows"][0][2]["under"] == "0 to 1"


def test_several_factors_are_told_apart(tmp_path):
    found = replace(results(factors=nested()), pairs={("school", "school:room"): 3})
    html = page(found, tmp_path)
    assert html.count("<h3>Each ") == 2 and "Each room within school: expected y" in html
    assert "sd_school:room[Intercept]" in html and "Nested: each room is in one school." in html
    pieces = ["".join(ElementTree.fromstring(p).itertext()) for p in mathematics.lines(found)[1]]
    assert pieces[1:] == ["βIntercept", "+uIntercept,j[i]school", "+uIntercept,k[i]school:room"]


def test_groups_that_an_unpooled_fit_says_nothing_of(tmp_path):
    found = results(factors=[factor_of("g", ("g",), (("Intercept", "x"),), {"a": 1, "b": 2})])
    empty = dict.fromkeys(("mean", "sd", "lower", "upper", "population"), "") | {"note": "why"}
    fits = [
        replace(fit, groups=fit.groups | {("g", "x"): fit.groups["g", "x"] | {"a": empty}})
        if fit.variant == "unpooled"
        else fit
        for fit in found.fits
    ]
    found = replace(found, fits=fits)
    shown = estimates.groups_table(found, found.factors[0], "x")
    assert shown["columns"][2:] == ["pooled", "unpooled", "hierarchical", "moved by"]
    assert shown["rows"][0][3] == "" and shown["rows"][0][-1] == ""
    assert shown["rows"][1][3] and shown["rows"][1][-1]
    assert "In 1 of 2 groups" in meaning.of_groups(found, found.factors[0], "x")
    fits = [
        replace(fit, groups={("g", c): {"a": empty, "b": empty} for c in ("Intercept", "x")})
        if fit.variant == "unpooled"
        else fit
        for fit in found.fits
    ]
    shown = estimates.groups_table(replace(found, fits=fits), found.factors[0], "Intercept")
    assert shown["columns"][2:] == ["pooled", "hierarchical"]


@pytest.mark.parametrize("at_averages", [True, False])
def test_what_an_unpooled_fit_fixes_is_fixed_where_its_priors_hold(at_averages):
    factor = factor_of("g", ("g",), (("Intercept", "x"),), {"a": 3, "b": 3})
    own = {"at_averages": ["g"] * at_averages, "wide": {"g": {"Intercept": 25.0, "x": 5.0}}}
    unpooled, learned = fit("unpooled", [factor], **own), fit("hierarchical", [factor], **own)
    names = ("sd_g[Intercept]", "sd_g[x]", "cor_g[Intercept, x]")
    estimate = {"mean": "0.5", "sd": "0.1", "lower": "0.3", "upper": "0.7"}
    learned = replace(learned, summary=learned.summary | dict.fromkeys(names, estimate))
    found = estimates.population(replace(results(factors=[factor]), fits=[unpooled, learned]))
    said = {row[0]: row[1]["text"] for row in found["rows"]}
    there = " at the average" * at_averages
    expected = (f"fixed at 25{there}", "fixed at 5", f"fixed at 0{there}")
    assert tuple(said[name] for name in names) == expected


def test_of_many_groups_those_moved_furthest_are_shown():
    """Up or down, the furthest first; each with its own numbers."""
    sizes = {f"g{7 * i % 30}": 100 + i for i in range(30)}
    found = results(factors=[factor_of("g", ("g",), (("Intercept",),), sizes)])
    moved = {g: (-1) ** i * (1 + 11 * i % 30) / 10 for i, g in enumerate(sizes)}
    means = {
        "pooled": {g: 50 + i for i, g in enumerate(sizes)},
        "unpooled": {g: 2050 + i for i, g in enumerate(sizes)},
        "hierarchical": {g: 2050 + i + moved[g] for i, g in enumerate(sizes)},
    }
    fits = [
        replace(fit, groups={("g", "Intercept"): {g: row("", x) for g, x in own.items()}})
        for fit, own in zip(found.fits, means.values(), strict=True)
    ]
    shown = estimates.groups_table(replace(found, fits=fits), found.factors[0], "Intercept")
    furthest = sorted(moved, key=lambda g: -abs(moved[g]))[:20]
    assert [cells[0] for cells in shown["rows"]] == furthest
    assert min(moved[g] for g in furthest) < 0 < max(moved[g] for g in furthest)
    for g, size, *cells in shown["rows"]:
        numbers = [cell.partition(" ")[0].replace(",", "").replace("−", "-") for cell in cells]
        assert int(size) == sizes[g]
        expected = [*(own[g] for own in means.values()), moved[g]]
        assert [*map(float, numbers)] == pytest.approx(expected)
    assert shown["note"].startswith("20 of 30 groups, those that partial pooling moves furthest;")
    alone = replace(found, fits=fits[2:])
    shown = estimates.groups_table(alone, found.factors[0], "Intercept")
    assert [cells[0] for cells in shown["rows"]] == [*sizes][:20]
    assert shown["note"].startswith("20 of 30 groups;")
