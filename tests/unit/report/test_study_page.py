"""Report: nothing of the data is markup, the verdict comes first, and a page stays readable."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import yaml
from reports import (
    ANSWER,
    HOSTILE,
    SCRIPTS,
    TEMPLATES,
    VARIANTS,
    compared,
    fit,
    nested,
    page,
    results,
    row,
)

from partialpool.design.formula import Formula
from partialpool.report import (
    answers,
    captions,
    mathematics,
    meaning,
    priors,
    study_page,
    tables,
    text,
    words,
)
from partialpool.report.report_data import Factor, _factors
from partialpool.study import config
from partialpool.study.outcome import Outcome
from partialpool.table.ingest import ingest

ENDS = ("", "_lower", "_upper")


def test_data_and_config_are_never_markup(tmp_path):
    html = page(results(failed=["hierarchical"]), tmp_path)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_verdict_comes_first_in_words(tmp_path):
    html = page(results(failed=["hierarchical"]), tmp_path)
    body = html[html.index("<main>") :]
    assert body.index('id="verdict"') < body.index('id="ingest"')
    assert body.index("Do not rely on the hierarchical fit.") < body.index("Draw longer.")
    assert "failed: R-hat, E-BFMI" in body
    assert 'hierarchical <span class="failed-mark">✗ failed</span></th>' in body  # its numbers
    assert "All three fits can be trusted." in page(results(), tmp_path)
    assert "None of the fits can be trusted." in page(results(failed=VARIANTS), tmp_path)


def test_page_needs_nothing_and_stands_without_pictures(tmp_path):
    assert "<img" not in page(results(), tmp_path)
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="360pt" style="clip: url(#p)">é\n</svg>'
    (tmp_path / "data.svg").write_text(svg, encoding="utf-8")
    html = page(results(), tmp_path)
    [source] = re.findall('<img src="data:image/svg[+]xml,([^"]*)"', html)
    assert unquote(source) == svg
    for reference in ("http://", "https://", "<link", "url(", "@import"):
        assert reference not in html


def test_thousands_of_groups_stay_a_page(tmp_path):
    html = page(results(levels=[f"g{i}" for i in range(3000)]), tmp_path)
    assert html.count("<tr>") < 120
    assert "20 of 3,000 groups that partial pooling moves furthest" in html


def test_a_page_says_which_groups_were_diagnosed_and_which_draws_stored(tmp_path):
    found = results()
    assert "were diagnosed" not in page(found, tmp_path)
    judged = {HOSTILE: {"groups": 20_000, "of_them": 500}}
    fits = [
        replace(fit, kept={HOSTILE: 400}, diagnosed={} if fit.variant == "pooled" else judged)
        for fit in found.fits
    ]
    html = page(replace(found, fits=fits), tmp_path)
    assert "500 were diagnosed in the unpooled and hierarchical fits: the smallest" in html
    assert "are stored in 400 draws, evenly spaced" in html
    assert HOSTILE not in html


@pytest.mark.parametrize(
    ("failed", "ranking", "best"),
    [
        ((), ("hierarchical", "unpooled", "pooled"), "hierarchical"),
        ((), ("pooled", "hierarchical", "unpooled"), "pooled"),
        (("pooled",), ("pooled", "hierarchical", "unpooled"), "hierarchical"),
        (("hierarchical",), ("hierarchical", "unpooled", "pooled"), "unpooled"),
        (VARIANTS, VARIANTS, None),
    ],
)
def test_which_fit_to_use(failed, ranking, best):
    assert words.recommended(results(failed=failed, ranking=ranking)) == best


@pytest.mark.parametrize(
    ("failed", "left", "best", "said", "not_said"),
    [
        ((), VARIANTS, "hierarchical", [], "predict"),  # clearly better, had it a low k
        ((), VARIANTS[:2], "pooled", ["It comes out best in predict", "optimistic"], "better"),
        (("hierarchical",), VARIANTS, "pooled", ["the pooled fit comes out best"], "rows best"),
    ],
)
def test_the_best_by_a_high_pareto_k_is_not_said_to_be_the_best(failed, left, best, said, not_said):
    found = results(failed=failed, ranking=[v for v in VARIANTS if v in left])
    over = found.comparison[0] | {"pareto_k_over": "3"}
    fits = [fit for fit in found.fits if fit.variant in left]
    found = replace(found, fits=fits, comparison=[over, *found.comparison[1:]])
    assert words.recommended(found) == best
    use = " ".join(words.use(found))
    assert not_said not in use and all(part in use for part in said)
    compared_ = " ".join(words.compared(found.comparison, "rows"))
    assert "The pooled fit comes out best, but its own numbers are optimistic." in compared_
    assert "Pareto k is over 0.7 for pooled (3 of 8 rows)" in compared_
    assert "clearly" not in compared_
    # The same with a low k, of which it may be said.
    found = replace(found, comparison=[over | {"pareto_k_over": "0"}, *found.comparison[1:]])
    assert words.recommended(found) == "pooled"
    assert not_said in " ".join(words.use(found))


def test_groups_of_one_row_are_said_where_rows_are_left_out(tmp_path):
    said = "leaving it out leaves out the group"
    assert said not in page(results(), tmp_path)
    factor = Factor("site", ("site",), (("Intercept",),), {"a": 3, "b": 1})
    assert said in page(results(factors=[factor]), tmp_path)


def test_who_is_close_is_not_clearly_worse():
    found = results(ranking=("pooled", "unpooled", "hierarchical"))
    close = compared("unpooled", 1, "too close to call")
    found = replace(found, comparison=[found.comparison[0], close, found.comparison[2]])
    assert words.use(found)[1:] == [
        "It predicts left-out rows clearly better than the hierarchical.",
        "In predicting rows left out it is too close to call with the unpooled fit.",
    ]


def test_the_numbers_of_a_comparison():
    """Errors are those of the rows, and of which rows these are, together."""
    numbers = {"elpd_loo": "-120", "se": "6", "subsampling_se": "8", "elpd_diff": "-20", "p": "5"}
    numbers |= {"dse": "3", "subsampling_dse": "4", "weight": "0.25", "pareto_k_over": "2"}
    one = compared("pooled", 1, "why") | numbers
    [shown, failed] = tables.comparison([one, one | {"fit_passed": "False"}])["rows"]
    assert shown[:7] == ["pooled", "−120.0", "10.0", "−20.0", "5.0", "5.0", "0.25"]
    assert shown[7] == {"text": "2 of 8", "mark": "failed"}
    assert shown[8] == {"text": "why", "mark": ""} and failed[8]["mark"] == "failed"


def test_true_values_outside_of_their_intervals_come_first():
    inside = {"variant": "hierarchical", "truth": "1", "covered": "True"}
    rows = [row(f"beta[{at}]") | inside for at in range(30)]
    rows[29] |= {"truth": "9", "covered": "False"}
    rows += [rows[29] | {"variant": "pooled"}] * 2
    shares, shown = tables.recovery(replace(results(), recovery=rows))
    assert shares[2] == {"variant": "hierarchical", "covered": 29, "count": 30}
    assert shares[0] == {"variant": "pooled", "covered": 0, "count": 2}
    assert shown["rows"][0] == [
        *("beta[29]", "9.00", "1.00", "0.00 to 2.00"),
        {"text": "outside", "mark": "failed"},
    ]
    assert shown["rows"][1][-1] == {"text": "inside", "mark": ""}
    assert shown["note"] == "20 of 30, those outside first."


def test_variants_that_were_not_compared(tmp_path):
    empty = dict.fromkeys(compared("unpooled", 0), "") | {"fit_passed": "True"}
    empty |= {"note": "not compared: the log density is infinite"}
    without = [{**empty, "variant": variant} for variant in ("unpooled", "pooled")]
    found = results()
    some = replace(found, comparison=[*found.comparison[:2], without[1]])
    assert words.recommended(some) == "hierarchical"
    assert "The pooled fit is not compared: the log density is infinite." in page(some, tmp_path)
    [*_, last] = tables.comparison(some.comparison)["rows"]
    assert last == ["pooled", *7 * [""], {"text": empty["note"], "mark": "failed"}]
    one = replace(found, comparison=[found.comparison[0], *without])
    said = words.compared(one.comparison, "rows")
    assert said[0].startswith("The others are missing") and len(said) == 3
    none = replace(found, comparison=without, fits=found.fits[:2])
    assert words.recommended(none) == "pooled"
    assert words.use(none) == ["Use the pooled fit."]
    assert len(words.compared(without, "rows")) == 2
    assert "not compared: the log density" in page(none, tmp_path)


def test_too_close_to_call_leaves_the_hierarchical_fit():
    found = results(ranking=("pooled", "hierarchical", "unpooled"))
    close = compared("hierarchical", 1, "too close to call")
    found = replace(found, comparison=[found.comparison[0], close, found.comparison[2]])
    assert words.recommended(found) == "hierarchical"
    assert "too close to call with the pooled fit" in " ".join(words.use(found))
    said = " ".join(words.compared(found.comparison, "rows"))
    assert "Pooled and hierarchical are too close to call" in said


def test_page_is_written_without_scientific_libraries():
    code = (
        "import sys; from partialpool.report import index, study_page; "
        "assert not {'xarray', 'pandas', 'matplotlib', 'arviz_stats'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1.00273, 1.0015, 1.004], ["1.003", "1.002", "1.004"]),
        ([2.345, 1.5, 4.0], ["2.35", "1.5", "4"]),
        ([1.0, 1.0, 1.0], ["1", "1", "1"]),
    ],
)
def test_ratios_close_to_one_are_told_apart(values, shown):
    assert text.apart(values) == shown


@pytest.mark.parametrize(
    ("x", "sd", "shown"),
    [
        (7.534e-12, 4e-13, "7.53e−12"),
        (-7.534e-12, 4e-13, "−7.53e−12"),
        (4e-13, 4e-13, "4.0e−13"),
        (4e-16, 4e-13, "0"),
        (1.25, 4e-13, "1.25000000"),
        (0.0, 1e-12, "0"),
        (0.00012345, 1e-6, "0.0001234"),
    ],
)
def test_a_small_number_is_not_rounded_to_zero(x, sd, shown):
    assert text.fixed(x, text.decimals(sd)) == shown


def test_a_huge_number_has_few_letters():
    assert text.fixed(-1.23456e80, 2) == "−1.23e+80" and text.fixed(float("inf"), 2) == "inf"


@pytest.mark.parametrize(
    ("x", "shown"),
    [(1.0, "1"), (-0.00004, "−4e−05"), (12345.678, "12,346"), (0.25, "0.25"), (0.0, "0")],
)
def test_numbers(x, shown):
    assert text.number(x, 5) == shown


def test_ratios_are_exponentials_of_the_coefficients():
    found = results(family="bernoulli")
    model = found.model | {"coefficients": ["Intercept", "x"]}
    for one in found.fits:
        one.summary.update({"beta[Intercept]": row("", -1.0), "beta[x]": row("", 1.0)})
    rows = tables.ratios(replace(found, model=model))["rows"]
    assert rows[0][1:3] == ["probability", {"text": "0.269", "under": "0.5 to 0.881"}]
    assert rows[1][1:3] == ["odds ratio", {"text": "2.72", "under": "1 to 7.39"}]
    assert tables.ratios(results()) is None
    found.fits[0].summary["beta[Intercept]"] = row("", 1) | {"upper": "1000", "lower": "-1000"}
    assert tables.ratios(found)["rows"][0][2]["under"] == "0 to 1"


def test_several_factors_are_told_apart(tmp_path):
    found = replace(results(factors=nested()), pairs={("school", "school:room"): 3})
    html = page(found, tmp_path)
    assert html.count("<h3>Each ") == 2 and "Each room within school: expected y" in html
    assert "sd_school:room[Intercept]" in html and "Nested: each room is in one school." in html
    pieces = ["".join(ElementTree.fromstring(p).itertext()) for p in mathematics.lines(found)[1]]
    assert pieces[1:] == ["βIntercept", "+uIntercept,j[i]school", "+uIntercept,k[i]school:room"]


def test_a_label_may_be_a_predictor_and_part_of_a_factor():
    found = replace(results(factors=nested()), pairs={("school", "school:room"): 3})
    assert tables.role(found, "room") == "groups"
    found = replace(found, model=found.model | {"terms": {"Intercept": [], "C(room)": ["b", "c"]}})
    assert [tables.role(found, name) for name in ("room", "school")] == [
        "predictor, groups",
        "groups",
    ]
    assert meaning.relations(found) == [
        "Nested: the combinations of school and room are groups too."
    ]


def test_groups_of_several_columns_are_counted_as_the_fits_name_them(tmp_path):
    columns = ["y,a.b,1,count_all", "1,x,p,k", "2,x,p,l", "4,y:1,q,l"]
    (tmp_path / "t.csv").write_text("\n".join(columns))
    formula = Formula("y ~ 1 + (1 | `a.b`:`1`) + (1 | count_all)")
    found = ingest(tmp_path / "t.csv", formula, Outcome(), to=tmp_path / "t.parquet", source="t")
    described = [
        {"name": "a.b:1", "blocks": [["Intercept"]], "levels": ["x:p", r"y\:1:q"]},
        {"name": "count_all", "blocks": [["Intercept"]], "levels": ["k", "l"]},
    ]
    groups = found.groups.astype(str).to_dict("records")
    factors = _factors(described, groups, found.report["columns"])
    assert [factor.sizes for factor in factors] == [{"x:p": 2, r"y\:1:q": 1}, {"k": 1, "l": 2}]
    assert factors[0].columns == ("a.b", "1")
    assert found.report["pairs"] == [{"factors": ["a.b:1", "count_all"], "count": 3}]


def test_who_rows_are_predicted_for_and_contrasts():
    found = results(family="bernoulli", levels=("a", "b"))
    study = found.study | {"predict": ["group", "new_group"], "contrasts": [[1, 2]]}
    chance = dict.fromkeys(("probability", "probability_lower", "probability_upper"), "0.25")
    rows = [r | chance for r in found.fits[2].predictions]
    rows += [r | {"predicted_for": "new_group"} for r in rows]
    numbers = {"mean": "0.25", "lower": "0.1", "upper": "0.5", "probability_over_zero": "1.0"}
    ratio = {"ratio_mean": "2", "ratio_lower": "1", "ratio_upper": "4", "note": ""}
    difference = {"first": "1", "second": "2", "predicted_for": "group"} | numbers | ratio
    refused = difference | dict.fromkeys(numbers | ratio, "")
    refused |= {"predicted_for": "new_group", "note": "not known; the fit failed"}
    own = replace(found.fits[2], predictions=rows, contrasts=[difference, refused])
    found = replace(found, study=study, fits=[*found.fits[:2], own])
    asked = answers.predictions(found, "hierarchical")
    assert [one["title"] for one in asked] == ["For its own group", "For a new group"]
    assert [len(one["table"]["rows"]) for one in asked] == [2, 2]
    assert asked[0]["table"]["columns"][:3] == ["row", HOSTILE, "probability"]
    assert "predicted_for" not in asked[0]["table"]["columns"]
    shown = answers.contrasts(found, "hierarchical")
    said = "row 2 minus row 1 for a new group"
    assert shown["refused"] == [{"which": said, "reason": "not known"}]
    [shown] = shown["table"]["rows"]
    assert shown == [
        "row 2 minus row 1",
        "its own group",
        {"text": "0.25", "under": "0.10 to 0.50"},
        "over 0.999",
        {"text": "2", "under": "1 to 4"},
    ]


def test_what_a_grid_holds_fixed_is_said(tmp_path):
    held = {"soil": "most frequent label", "uranium": "mean"}
    found = results(factors=[Factor("county", ("county",), (("Intercept",),), {"a": 3, "b": 2})])
    said = captions.predictions(found, held)
    assert said.endswith(
        "Held fixed: soil at each county's own most frequent label; uranium at each county's own "
        "mean."
    )
    crossed = [Factor(name, (name,), (("Intercept",),), {"a": 3}) for name in ("pupil", "item")]
    said = captions.predictions(results(factors=crossed), held)
    assert "uranium at each combination of pupil and item's own mean" in said
    said = captions.predictions(results(factors=nested()), held)
    assert "uranium at each room within school's own mean" in said
    assert captions.predictions(results(), {}) == "A grid over the data's own range."
    given = results(new_data="new.csv")
    assert captions.predictions(given, {}) == "The rows of new.csv."
    assert page(given, tmp_path).count("Held fixed") == 0


def test_a_transformed_response_is_named_and_its_column_shown():
    found = results(levels=("a", "b"))
    study = found.study | {"formula": "log(y) ~ 1 + (1 | g)", "contrasts": [[1, 2]]}
    own = {f"response_{what}{end}": "3" for what in ("median", "mean") for end in ENDS}
    own |= {"response_outcome_lower": "0.5", "response_outcome_upper": "8"}
    rows = [row | own for row in found.fits[2].predictions]
    numbers = {"mean": "0.7", "lower": "0.1", "upper": "1", "probability_over_zero": "1.0"}
    ratio = {"ratio_mean": "2", "ratio_lower": "1", "ratio_upper": "4", "note": ""}
    pair = {"first": "1", "second": "2", "predicted_for": "group"} | numbers | ratio
    fits = [*found.fits[:2], replace(found.fits[2], predictions=rows, contrasts=[pair])]
    model = found.model | {"response": "log(y)"}
    found = replace(found, study=study, model=model, fits=fits)
    [asked] = answers.predictions(found, "hierarchical")
    heads = asked["table"]["columns"][2:]
    assert heads == ["expected log(y)", "median y", "mean y", "new observation of y"]
    shown = asked["table"]["rows"][0]
    assert shown[3] == {"text": "3.000", "under": "3.000 to 3.000"}
    assert "0.5" in str(shown[5]) and "8" in str(shown[5])
    shown = answers.contrasts(found, "hierarchical")
    assert "expected log(y)" in shown["said"] and "ratio of y compares medians" in shown["said"]
    assert shown["table"]["columns"][-1] == "ratio of y"


def test_groups_that_an_unpooled_fit_says_nothing_of(tmp_path):
    found = results(factors=[Factor("g", ("g",), (("Intercept", "x"),), {"a": 1, "b": 2})])
    empty = dict.fromkeys(("mean", "sd", "lower", "upper", "population"), "") | {"note": "why"}
    fits = [
        replace(fit, groups=fit.groups | {("g", "x"): fit.groups["g", "x"] | {"a": empty}})
        if fit.variant == "unpooled"
        else fit
        for fit in found.fits
    ]
    found = replace(found, fits=fits)
    shown = tables.groups(found, found.factors[0], "x")
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
    shown = tables.groups(replace(found, fits=fits), found.factors[0], "Intercept")
    assert shown["columns"][2:] == ["pooled", "hierarchical"]


def test_priors_of_every_parameter_and_where_they_came_from():
    found = results(
        factors=nested(), family="student_t", sigma="estimated", group_effects="student_t"
    )
    given = ["sd_school[Intercept]", "nu", "nu_school"]
    response = {"sigma": "half_student_t(4, 1)", "nu": "gamma(2, 0.1)"}
    nu = dict.fromkeys(("school", "school:room"), "gamma(2, 0.1)")
    fits = [fit(v, found.factors, response=response, nu=nu, given=given) for v in VARIANTS]
    listed = {one["name"]: one["given"] for one in priors.priors(replace(found, fits=fits))}
    assert listed == {
        "beta[Intercept]": False,
        "sd_school[Intercept]": True,
        "nu_school": True,
        "sd_school:room[Intercept]": False,
        "nu_school:room": False,
        "sigma": False,
        "nu": True,
    }


def test_where_default_priors_hold_is_said():
    found = results(levels=("a", "b"))
    model = {"coefficients": ["Intercept", "x"], "mean": {"Intercept": 1, "x": 5.25}}
    model = found.model | model | {"sd": {"Intercept": 0, "x": 2}}
    factor = replace(found.factors[0], blocks=(("Intercept", "x"),))
    found = replace(found, model=model, factors=[factor])
    at = {"centred": True, "at_averages": [factor.name]}
    said = [
        priors.centred_words(replace(found, fits=[fit("hierarchical", [factor], **own)]))
        for own in (at, at | {"centred": False}, at | {"at_averages": []})
    ]
    assert "at the mean of the predictors (x = 5.25), not where they are all zero." in said[0]
    assert said[0].endswith(said[1])
    assert said[1].startswith("The priors of sd_")
    assert "how groups differ at the mean of the predictors (x = 5.25)" in said[1]
    assert said[2] == said[0].removesuffix(f" {said[1]}")


@pytest.mark.parametrize("at_averages", [True, False])
def test_what_an_unpooled_fit_fixes_is_fixed_where_its_priors_hold(at_averages):
    factor = Factor("g", ("g",), (("Intercept", "x"),), {"a": 3, "b": 3})
    own = {"at_averages": ["g"] * at_averages, "wide": {"g": {"Intercept": 25.0, "x": 5.0}}}
    unpooled, learned = fit("unpooled", [factor], **own), fit("hierarchical", [factor], **own)
    names = ("sd_g[Intercept]", "sd_g[x]", "cor_g[Intercept, x]")
    estimate = {"mean": "0.5", "sd": "0.1", "lower": "0.3", "upper": "0.7"}
    learned = replace(learned, summary=learned.summary | dict.fromkeys(names, estimate))
    found = tables.population(replace(results(factors=[factor]), fits=[unpooled, learned]))
    said = {row[0]: row[1]["text"] for row in found["rows"]}
    there = " at the average" * at_averages
    expected = (f"fixed at 25{there}", "fixed at 5", f"fixed at 0{there}")
    assert tuple(said[name] for name in names) == expected


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"family": "poisson", "exposure": "weeks"},
        {"family": "student_t", "group_effects": "student_t", "missing": "drop"},
    ],
)
def test_the_config_of_a_page_can_be_run_again(keys):
    found = results(**keys)
    again = config.read(yaml.safe_load(study_page.config(found)))["radon"]
    assert again.block(*again.__dataclass_fields__) == found.study


def test_long_labels_may_be_broken_or_are_cut(tmp_path):
    long = 300 * "L"
    html = page(results(levels=(long, "b")), tmp_path)
    cells = re.findall("<td[^>]*>(L+…?)", html)
    assert cells and max(map(len, cells)) <= 60


def test_of_many_groups_those_moved_furthest_are_shown():
    """Up or down, the furthest first; each with its own numbers."""
    sizes = {f"g{7 * i % 30}": 100 + i for i in range(30)}
    found = results(factors=[Factor("g", ("g",), (("Intercept",),), sizes)])
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
    shown = tables.groups(replace(found, fits=fits), found.factors[0], "Intercept")
    furthest = sorted(moved, key=lambda g: -abs(moved[g]))[:20]
    assert [cells[0] for cells in shown["rows"]] == furthest
    assert min(moved[g] for g in furthest) < 0 < max(moved[g] for g in furthest)
    for g, size, *cells in shown["rows"]:
        numbers = [cell.partition(" ")[0].replace(",", "").replace("−", "-") for cell in cells]
        assert int(size) == sizes[g]
        expected = [*(own[g] for own in means.values()), moved[g]]
        assert [*map(float, numbers)] == pytest.approx(expected)
    assert shown["note"].startswith("20 of 30 groups that partial pooling moves furthest;")
    alone = replace(found, fits=fits[2:])
    shown = tables.groups(alone, found.factors[0], "Intercept")
    assert [cells[0] for cells in shown["rows"]] == [*sizes][:20]
    assert shown["note"].startswith("20 of 30 groups;")


def test_of_long_tables_the_first_rows_are_shown_and_the_rest_is_counted():
    found, many = results(levels=[f"g{i}" for i in range(1234)]), range(45)
    names = ["Intercept", *(f"x{i}" for i in many)]
    pairs = [
        {"first": str(i + 1), "second": str(i + 7), "predicted_for": "group", "note": ""}
        | {"mean": f"{i}.5", "lower": "0", "upper": "99", "probability_over_zero": "0.5"}
        for i in many
    ]
    summary = {f"beta[{name}]": row("", i) for i, name in enumerate(names)}
    found = replace(
        found,
        model=found.model | {"coefficients": names},
        fits=[replace(fit, summary=summary, contrasts=pairs) for fit in found.fits],
    )
    [asked] = answers.predictions(found, "pooled")
    assert [cells[0] for cells in asked["table"]["rows"]] == [f"g{i}" for i in range(20)]
    assert asked["table"]["note"] == "The first 20 of 1,234 rows; predictions.csv has all."
    shown = answers.contrasts(found, "pooled")["table"]
    assert [cells[0] for cells in shown["rows"]] == [
        f"row {i + 7} minus row {i + 1}" for i in many
    ][:20]
    assert shown["note"] == "The first 20 of 45; contrasts.csv has all."
    shown = tables.population(found)
    assert [cells[0] for cells in shown["rows"]] == [f"beta[{name}]" for name in names[:20]]
    assert shown["note"].startswith(f"{46 - 20 + 1} more")  # and the sd of groups
    logit = replace(results(family="bernoulli"), model=found.model, fits=found.fits)
    logit.model["outcome"] = results(family="bernoulli").model["outcome"]
    shown = tables.ratios(logit)
    assert [cells[0] for cells in shown["rows"]] == names[:20]
    assert shown["note"].startswith("26 more")


@pytest.mark.parametrize("unit", ["rows", "groups"])
def test_what_a_comparison_says_of_each_variant(unit):
    best, second, third = (
        compared(variant, rank)
        for rank, variant in enumerate(("unpooled", "pooled", "hierarchical"))
    )
    close = {"note": "too close to call"}
    assert words.compared([best, second, third], unit) == [
        f"The unpooled fit predicts {unit} left out best.",
        "Pooled and hierarchical predict them clearly worse.",
    ]
    assert words.compared([best, second | close, third], unit) == [
        f"Unpooled and pooled are too close to call in predicting {unit} left out.",
        "Hierarchical predicts them clearly worse.",
    ]
    assert words.compared([best, second | close, third | close], unit) == [
        f"Unpooled, pooled and hierarchical are too close to call in predicting {unit} left out."
    ]
    some = {"units": "8", "units_total": "1234"}
    over = {"pareto_k_over": "3"} | some
    assert words.compared([best | some, second | over, third | some], unit)[2:] == [
        f"Pareto k is over 0.7 for pooled (3 of 8 {unit}): there elpd is optimistic.",
        f"Estimated for all 1,234 {unit} from 8 of them, drawn at random; standard errors include "
        "what that leaves open.",
    ]
    assert words.compared([best], unit)[0].startswith("There is one variant")


FORMS = {
    "data": ("shares", "errors", "bars", "strips", "sizes", "histogram"),
    "density": ("shares", "frequencies", "curves"),
    "shrinkage": ("arrows", "intervals", "points", "distances"),
}
IN_WORDS = {
    "data shares": "Ticks: the rows. Points: the mean y in each tenth",
    "data errors": "± one standard error",
    "data bars": "the highest first. Orange bars: each group's own mean y. Dashed",
    "data strips": "the highest first. Circles: rows. Orange bars: each group's own mean y. Dashed",
    "data sizes": "against its number of rows",
    "data histogram": "How many groups have which mean y",
    "density shares": "Colour: the mean y in replicated",
    "density frequencies": "in 90% of the replicated data sets",
    "density curves": "Thin lines: 40 replicated data sets",
    "shrinkage arrows": "Each arrow goes from what a g's own rows say (unpooled, circle) to what",
    "shrinkage intervals": "Each g, with 90% intervals. Dashed line and band: the pooled estimate",
    "shrinkage points": "Each point is a g. Points on the dotted line",
    "shrinkage distances": "Both axes: how far its expected y lies from what its predictors say",
}


@pytest.mark.parametrize(
    ("what", "form"), [(what, form) for what, forms in FORMS.items() for form in forms]
)
def test_a_caption_is_of_the_form_its_picture_has(what, form):
    """Every form has its own words, and no other has them; what is a part is counted."""
    sizes = {f"g{i}": i + 1 for i in range(1234)}
    factor = Factor("g", ("g",), (("Intercept",),), sizes)
    found = replace(results(factors=[factor]), replicated=777)
    data = found.data | {"rows_read": 4567, "rows_used": 3456}
    found = replace(found, data=data)

    def caption(what, form):
        if what == "data":
            return captions.data(found, None if form == "shares" else factor, form)
        if what == "density":
            return captions.density(found, form, "90%")
        return captions.shrinkage(found, factor, "Intercept", form, "90%")

    said = caption(what, form)
    assert IN_WORDS[f"{what} {form}"] in said
    for other in FORMS[what]:
        assert other == form or IN_WORDS[f"{what} {form}"] not in caption(what, other)
    assert ("Both are 777 of the 3,456 rows" in said) == (what == "density")
    assert ("40 of 1,234 groups" in said) == (form == "intervals")
    assert "16 of the 1,234 groups" in captions.groups(found, factor, "90%")
    few = Factor("g", ("g",), (("Intercept",),), {"a": 1})
    assert "groups:" not in captions.groups(found, few, "90%")
    assert "Ticks are of 777 rows" in captions.prior(found)
    every = replace(found, replicated=3456)
    assert "drawn at random" not in captions.prior(every) + captions.density(every, "curves", "")


@pytest.mark.parametrize(
    ("keys", "of_group", "size"),
    [
        ({"family": "student_t"}, "mean y", "rows"),
        ({"family": "bernoulli"}, "share with y = 1", "rows"),
        ({"family": "binomial", "trials": "n"}, "y as a share of n", "trials"),
        ({"family": "poisson", "exposure": "weeks"}, "y per unit of weeks", "rows"),
    ],
)
def test_what_is_seen_of_groups_is_named_after_the_family(keys, of_group, size):
    found = results(**keys)
    assert f"its {of_group}, against its number of {size}." in captions.data(
        found, found.factors[0], "sizes"
    )
    assert f"observed {of_group}." in captions.groups(found, found.factors[0], "90%")


def test_of_whom_nothing_is_said_it_is_said_why():
    found = results(levels=("a", "b"))
    study = found.study | {"predict": ["group", "new_group"]}
    rows = found.fits[1].predictions
    empty = dict.fromkeys(("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"), "")
    no_ends = dict.fromkeys(("outcome_lower", "outcome_upper"), "")
    why = {"predicted_for": "new_group", "note": "nobody knows; the fit failed"}
    rows = [rows[0], rows[1] | no_ends, *(row | empty | why for row in rows)]
    fits = [replace(fit, predictions=rows) for fit in found.fits]
    found = replace(found, study=study, fits=fits)
    own, new = answers.predictions(found, "unpooled")
    assert (own["said"], len(own["table"]["rows"])) == ("", 2)
    assert [cells[-1] for cells in own["table"]["rows"]] == ["1.0 to 1.0", ""]
    assert (new["title"], new["said"], new["table"]) == ("For a new group", "Nobody knows.", None)
    assert answers.predictions(found, "pooled")[0]["said"] == answers.POOLED
    for one in answers.predictions(found, "hierarchical")[:1]:
        assert one["said"] == answers.QUESTIONS["group"][1]
    assert answers.refusals(found) == [
        {"variants": [*VARIANTS], "count": 2, "reason": "nobody knows"}
    ]


@pytest.mark.parametrize("family", ["bernoulli", "gaussian"])
def test_names_in_sentences_are_never_markup(family, tmp_path):
    """A response, a predictor far from zero, and reasons why there is no answer."""
    found = results(family=family)
    factor = replace(found.factors[0], blocks=(("Intercept", HOSTILE),))
    far = {"type": "number", "missing": 0, "min": 95, "max": 99, "mean": 97, "sd": 1}
    data = found.data | {"columns": found.data["columns"] | {HOSTILE: far}}
    names = {"response": HOSTILE, "coefficients": ["Intercept", HOSTILE]}
    means = {key: found.model[key] | {HOSTILE: 1.0} for key in ("mean", "sd")}
    study = found.study | {"predict": ["group", "new_group"], "contrasts": [[1, 2]]}
    refused = dict.fromkeys(ANSWER, "") | {"predicted_for": "new_group", "note": HOSTILE}
    chance = dict.fromkeys(("probability", "probability_lower", "probability_upper"), "0.25")
    pair = {"first": "1", "second": "2", "predicted_for": "group", "note": ""} | ANSWER
    pair |= {"probability_over_zero": "0.5", "ratio_mean": "2", "ratio_lower": "1"}
    pair |= {"ratio_upper": "3"}
    fits = []
    for one in found.fits:
        rows = [row | chance for row in one.predictions]
        rows += [row | refused for row in rows]
        own = {(HOSTILE, column): one.groups[HOSTILE, "Intercept"] for column in factor.varying}
        fits.append(replace(one, predictions=rows, contrasts=[pair], groups=own))
    left = dict.fromkeys(compared("pooled", 0), "") | {"variant": "pooled", "note": HOSTILE}
    found = replace(
        found,
        study=study,
        data=data,
        model=found.model | names | means,
        factors=[factor],
        fits=fits,
        comparison=[*found.comparison[:2], left],
    )
    for name in ("data", "prior", "density_pooled", "groups", "predictions", "shrinkage_2"):
        (tmp_path / f"{name}.svg").write_text('<svg width="9pt"/>')
    forms = {"held": {HOSTILE: "mean"}, "density_hierarchical": "shares"}
    (tmp_path / "forms.json").write_text(json.dumps(forms))
    html = study_page.page(found, tmp_path, {}, TEMPLATES)
    assert "<script" not in html
    for said in (
        "center({})",
        "each {}'s own mean",
        "pooled fit is {}.",
        "<p>{}.</p>",
        "of each {}",
    ):
        assert said.format(HOSTILE) in unescape(html), said
