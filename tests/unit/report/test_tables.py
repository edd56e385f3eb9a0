"""Files of a run: what is drawn and what is written is read from the right one of them."""

import math
import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote, unquote

import made_up
import numpy as np
import pandas as pd
import pytest
from made_up import ROOMS, SCHOOLS, VARIANTS, WHOM, N, R, S, W, X, Y
from pages import Tables, says

from partialpool.base import files
from partialpool.compress import compressed_file
from partialpool.figures import study_figures
from partialpool.report import study_page
from partialpool.study.checks import CHECKS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return made_up.write(folder), made_up.study(), pd.read_csv(folder / "t.csv", dtype={S: str})


def table(paths, name, number=None) -> pd.DataFrame:
    path = paths[name] if number is None else paths[name][number]
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"group": str, S: str})


def test_pictures_are_of_the_files_of_their_variant(run):
    paths, study, rows = run
    found = study_figures.read(paths, study)
    subset = pd.read_parquet(paths["subset"])
    assert [fit.variant for fit in found.fits] == [*VARIANTS] and found.failed == ["unpooled"]
    assert (found.total, len(found.table), found.interval, found.own_rows) == (27, 20, 0.8, True)
    assert found.y == pytest.approx(subset[Y].to_numpy())
    assert found.per == pytest.approx(subset[N].to_numpy())
    assert found.weights == pytest.approx(subset[W].to_numpy())
    rate = (rows[Y] * rows[W]).sum() / (rows[N] * rows[W]).sum()
    assert found.average == pytest.approx(rate)  # of the whole table, not of a part
    for factor, name, levels in zip(found.factors, (S, R), (SCHOOLS, ROOMS), strict=True):
        assert factor.name == name and set(factor.levels) == {*levels}
        assert np.array(factor.levels)[factor.index].tolist() == subset[name].tolist()
        for level, size, count, mean in zip(
            factor.levels, factor.sizes, factor.rows, factor.means, strict=True
        ):
            own = rows[rows[name] == level]
            assert size == count == len(own)
            assert mean == pytest.approx((own[Y] * own[W]).sum() / (own[N] * own[W]).sum())
    for number, fit in enumerate(found.fits):
        predictive = files.read_netcdf(paths["predictive"][number])
        for values, group in (
            (fit.prior, "prior_predictive"),
            (fit.replicated, "posterior_predictive"),
        ):
            assert values == pytest.approx(predictive[group]["y"].values[0])
        assert found.y[found.rows] == pytest.approx(predictive["observed_data"]["y"].values)
        tree = files.read_netcdf(paths["posteriors"][number])
        assert list(fit.scalars) == made_up.scalars(fit.variant)
        for name, draws in fit.scalars.items():
            of, _, at = name.rstrip("]").partition("[")
            drawn = tree["posterior"][of]
            if of.startswith("cor_"):
                drawn = drawn.sel(c="Intercept", c2=X)
            else:
                drawn = drawn.sel({drawn.dims[-1]: at})
            assert draws == pytest.approx(drawn.values)
        for name in ("energy", "diverging"):
            assert (fit.statistics[name] == tree["sample_stats"][name]).all()
        summary = table(paths, "summaries", number).set_index("name")
        pd.testing.assert_frame_equal(fit.summary, summary)
        assert fit.predictions[S].tolist() == [*SCHOOLS, *SCHOOLS]
        frame = table(paths, "group_estimates", number)
        own = frame[(frame["factor"] == S) & (frame["coefficient"] == X)].set_index("group")
        shown = fit.of_groups(found.factors[0], X)
        for level, row in zip(found.factors[0].levels, shown.to_dict("records"), strict=True):
            assert row == pytest.approx(own.loc[level, [*row]].to_dict())
    for name in ("comparison", "comparison_groups", "recovery"):
        pd.testing.assert_frame_equal(getattr(found, name), table(paths, name))


PICTURES = [  # in the order of the page, and a word of what is said of each
    *(("data", f" group of {S}"), ("data_2", f" group of {R}"), ("prior", "prior predictive")),
    *((f"{kind}_{v}", f" the {v} fit") for v in VARIANTS for kind in ("chains", "energy")),
    ("population", "80% intervals"),
    *((f"shrinkage_{number}", "partial pooling moves each group") for number in (1, 2, 3)),
    *((f"density_{v}", f" the {v} fit,") for v in VARIANTS),
    *(("groups", "each group"), ("groups_2", "each group"), ("comparison", "between the variants")),
    *(
        ("predictions", "Predictions"),
        ("recovery", "True values"),
        ("recovery_groups", "True coef"),
    ),
]


FORMS = {
    "data": "sizes",
    "data_2": "histogram",
    "shrinkage_1": "arrows",
    "shrinkage_2": "distances",
    "shrinkage_3": "intervals",
    "density_hierarchical": "frequencies",
}


@pytest.fixture(scope="module")
def results(run):
    paths, study, _ = run
    return study_page.read(paths, study)


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    files.write_json(folder / "forms.json", FORMS | {"held": {}})
    for name, _ in PICTURES:
        files.write_text(folder / f"{name}.svg", f'<svg width="360pt">{name}</svg>')
    templates = made_up.TEMPLATES
    return study_page.page(results, folder, {"<i>link</i>.csv": "<i>what</i>"}, templates)


def test_estimates_on_a_page_are_those_of_their_variant(run, page):
    paths, _, _ = run
    tables = Tables(page)
    population, ratios, *_ = tables.below("Estimates", "Population level")
    assert [head.split()[0] for head in population] == [*VARIANTS]
    for number, variant in enumerate(VARIANTS):
        rows = table(paths, "summaries", number).set_index("name")
        [own] = [head for head in population if head.startswith(variant)]
        assert ("✗" in own) == (variant == "unpooled")
        for name in made_up.scalars(variant):
            says(population.loc[name, own], *rows.loc[name, ["mean", "sd", "lower", "upper"]])
        for name in ("Intercept", X):
            numbers = np.exp(rows.loc[f"beta[{name}]", ["mean", "lower", "upper"]].astype(float))
            says(ratios.loc[name, own], *numbers)
    wide = {f"sd_{S}[Intercept]": 31, f"sd_{S}[{X}]": 32, f"sd_{R}[Intercept]": 33}
    for name, sd in wide.items():
        says(population.loc[name].iloc[0], 0)
        says(population.loc[name].iloc[1], sd)


def test_groups_on_a_page_are_those_of_their_variant(run, page):
    paths, _, rows = run
    tables = Tables(page)
    for factor, heading, column in (
        (S, f"Each {S}: expected {Y} per unit of {N}", ""),
        (S, f"Each {S}: coefficient of {X}, on the log scale", X),
        (R, f"Each {R}: expected {Y} per unit of {N}", ""),
    ):
        [shown] = tables.below("Estimates", heading)
        assert shown.index.name == factor
        means = {}
        for number, variant in enumerate(VARIANTS):
            frame = table(paths, "group_estimates", number).fillna({"coefficient": ""})
            frame = frame[(frame["factor"] == factor) & (frame["coefficient"] == column)]
            [own] = [head for head in shown if head.startswith(variant)]
            for row in frame.to_dict("records"):
                says(shown.loc[row["group"], own], row["mean"], row["sd"])
                means[variant, row["group"]] = row["mean"]
        for group, size in rows[factor].value_counts().items():
            says(shown.loc[group, "rows"], size)
            moved = means["hierarchical", group] - means["unpooled", group]
            says(shown.loc[group, "moved by"], moved)


def test_comparisons_on_a_page_are_those_of_their_variant(run, page):
    paths, _, _ = run
    for heading, name in (
        ("Leaving out rows", "comparison"),
        ("Leaving out whole groups", "comparison_groups"),
    ):
        [shown] = Tables(page).below("Compare", heading)
        rows = table(paths, name)
        assert [*shown.index] == [*rows["variant"]]
        for row in rows.to_dict("records"):
            own = shown.loc[row["variant"]]
            says(own["elpd_loo"], row["elpd_loo"])
            says(own["se"], math.hypot(row["se"], row["subsampling_se"]))
            says(own["difference"], row["elpd_diff"])
            says(own["its se"], math.hypot(row["dse"], row["subsampling_dse"]))
            says(own["p_loo"], row["p"])
            says(own["weight"], row["weight"])
            says(own["high Pareto k"], row["pareto_k_over"], row["units"])
            assert own["note"] == row["note"]


def test_answers_on_a_page_are_those_of_the_fit_it_names(run, page):
    paths, _, _ = run
    tables = Tables(page)
    fit = "The hierarchical fit"
    predictions = table(paths, "predictions", 2)
    for prediction_target, title in zip(
        WHOM, ("For its own group", "For a new group"), strict=True
    ):
        [shown] = tables.below("Predict", fit, title)
        rows = predictions[predictions["predicted_for"] == prediction_target]
        for (at, cells), row in zip(shown.iterrows(), rows.to_dict("records"), strict=True):
            assert [cells[S], cells[R], cells["group"]] == [row[S], row[R], row["group_status"]]
            says(at, 1 + SCHOOLS.index(row[S]))
            says(cells[X], row[X])
            says(cells[N], row[N])
            if math.isnan(row["mean"]):
                assert cells[f"expected {Y}"] == "refused" and cells["interval"] == ""
            else:
                says(cells[f"expected {Y}"], row["mean"])
                says(cells["interval"].replace(" to ", " "), row["lower"], row["upper"])
                ends = row["outcome_lower"], row["outcome_upper"]
                says(cells[f"new observation of {Y}"], *ends)
    [shown] = tables.below("Predict", "Contrasts")
    rows = table(paths, "contrasts", 2).dropna(subset="mean")
    for (at, cells), row in zip(shown.iterrows(), rows.to_dict("records"), strict=True):
        assert at == f"row {row['second']} minus row {row['first']}"
        assert (
            cells["for"]
            == {"group": "its own group", "new_group": "a new group"}[row["predicted_for"]]
        )
        says(cells["difference"], row["mean"], row["lower"], row["upper"])
        says(cells["chance it is over 0"], row["probability_over_zero"])
        says(cells["rate ratio"], *(row[f"ratio_{one}"] for one in ("mean", "lower", "upper")))
    [shown] = tables.below("Recover")
    rows = table(paths, "recovery")
    for row in rows[rows["variant"] == "hierarchical"].to_dict("records"):
        cells = shown.loc[row["name"]]
        says(cells["truth"], row["truth"])
        says(cells["estimate"], row["mean"])
        says(cells["interval"], row["lower"], row["upper"])
        assert cells["truth is"] == ("inside" if row["covered"] else "outside")
    for variant, own in rows.groupby("variant"):
        assert f"{variant} {own['covered'].sum()} of 2" in page


def test_how_fits_were_sampled_and_judged_is_that_of_their_variant(run, page):
    paths, _, _ = run
    tables = Tables(page)
    for number, variant in enumerate(VARIANTS):
        judged = files.read_json(paths["diagnostics"][number])
        [shown] = tables.below("Convergence", variant)
        for check in judged["checks"]:
            own = CHECKS[check["name"]]
            cells = shown.loc[own.shown.label]
            assert ("✗" in cells["result"]) != check["passed"]
            says(cells["value"], round(check["value"], own.shown.decimals))
            says(cells["limit"], check["threshold"])
            assert cells["worst at"] == check["worst"]
    [shown] = tables.below("Provenance", "Sampling")
    expected = []
    for number, variant in enumerate(VARIANTS):
        tree = files.read_netcdf(paths["posteriors"][number])
        chains = made_up.attribute(tree, "sampler")["chains"]
        for place, attempt in enumerate(made_up.attribute(tree, "attempts"), start=1):
            expected.append((variant, place, chains, attempt))
    for (at, cells), (variant, place, chains, attempt) in zip(
        shown.iterrows(), expected, strict=True
    ):
        assert at == variant and cells["attempt"] == str(place) and cells["chains"] == str(chains)
        for name in ("tune", "draws", "target_accept", "seconds"):
            says(cells[name], attempt[name])
        says(cells["of them sampling"], attempt["sampling_seconds"])
        failed = [check["worst"] for check in attempt["failed"]]
        assert all(worst in cells["result"] for worst in failed)
        assert (cells["result"] == "met the limits") == (not failed)


def test_priors_on_a_page_are_beside_their_own_parameter(page):
    [shown] = Tables(page).below("Model", "Priors")
    found = {row["in the files"]: (row["prior"], row["from"]) for _, row in shown.iterrows()}
    assert found == {
        "beta[Intercept]": ("normal(1.01, 9.01)", "default"),
        f"beta[{X}]": ("normal(1.02, 9.02)", "default"),
        f"sd_{S}[Intercept]": ("half_normal(2.51)", "default"),
        f"sd_{S}[{X}]": ("half_normal(2.52)", "default"),
        f"cor_{S}": ("lkj(2.54)", "default"),
        f"sd_{R}[Intercept]": ("half_normal(2.53)", "config"),
    }
    for symbol, row in shown.iterrows():
        numbers = re.findall(r"\d+\.\d+", row["prior"])
        assert re.findall(r"\d+\.\d+", row["numbers"]) == numbers
        column = row["in the files"].rstrip("]").partition("[")[2]
        assert column in symbol


def test_the_columns_of_the_data_on_a_page(run, page):
    _, _, rows = run
    [shown] = Tables(page).below("Data")
    roles = {Y: "response", X: "predictor", N: "exposure", W: "weights", S: "groups", R: "groups"}
    assert shown["role"].to_dict() == roles
    for name in (Y, X, N, W):
        own = rows[name]
        numbers = {"min": own.min(), "mean": own.mean(), "max": own.max(), "sd": own.std()}
        for head, number in numbers.items():
            assert float(shown.loc[name, head]) == pytest.approx(number, rel=0.03)
    assert shown.loc[S, "holds"].startswith("3 labels: ")


def test_pictures_of_a_page_are_in_their_place_and_of_their_size(page):
    """A point is 4 / 3 pixels; those that stand alone are a quarter larger."""
    found = re.findall(r'<img src="data:image/svg[+]xml,([^"]*)" width="(\d+)" alt="([^"]*)"', page)
    shown = [re.search(r">(\w+)<", unquote(source))[1] for source, *_ in found]
    assert shown == [name for name, _ in PICTURES]
    for (_, width, alt), (name, words) in zip(found, PICTURES, strict=True):
        assert words in unescape(alt), name
        assert int(width) == (480 if name.startswith("density") else 600)
    captions = dict(
        re.findall(r"%3E(\w+)%3C/svg%3E[^>]*></div>\s*<figcaption>([^<]*)</figcaption>", page)
    )
    assert "against its number of rows" in captions["data"]
    assert "How many groups" in captions["data_2"]
    for number, words in (("1", "Each arrow"), ("2", "Both axes"), ("3", "with 80% intervals.")):
        assert words in captions[f"shrinkage_{number}"]
    assert f"each {S}'s observed {Y} per unit of {N}" in unescape(captions["groups"])
    assert f"each {R}'s observed {Y} per unit of {N}" in unescape(captions["groups_2"])
    for number, heading in (
        (1, f"Each {S}: expected {Y} per unit of {N}"),
        (2, f"Each {S}: coefficient of {X}, on the log scale"),
        (3, f"Each {R}: expected {Y} per unit of {N}"),
    ):
        before = page[: page.index(f"shrinkage_{number}%3C")]
        assert unescape(re.findall("<h3>([^<]*)</h3>", before)[-1]) == heading


NAMES = [
    *(Y, X, S, R, N, W, *SCHOOLS[:1], *ROOMS, "<i>t</i>.csv", "<i>new</i>.csv"),
    *(f"<i>{kind}</i>" for kind in ("data_warning", "new_group", "new_warning", "prior_warning")),
    *(f"<i>{kind}</i>" for kind in ("status", "refusal", "refused_contrast", "advice", "what")),
    *(f"<i>{kind}</i>" for kind in ("package", "platform", "commit", "version_unpooled")),
    *(f"<i>form_{variant}</i>" for variant in VARIANTS),
    *(f"<i>worst_rhat_{variant}</i>" for variant in VARIANTS),
    *(f"<i>{name}_note_pooled</i>" for name in ("comparison", "comparison_groups")),
]


def test_names_are_never_markup(page):
    assert "<i>" not in page
    for name in NAMES:
        assert escape(name) in page, name
    assert f'href="{quote("<i>link</i>.csv")}"' in page


def test_sentences_of_a_page_have_the_numbers_of_its_files(run, results, page):
    paths, study, rows = run
    text = re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", page)))
    pairs = len(rows[[S, R]].drop_duplicates())
    mean = compressed_file.read_description(paths["compressed"]).mean[X]
    sds = table(paths, "summaries", 2).set_index("name").loc[f"sd_{R}[Intercept]"]
    middle, low, high = (f"{math.exp(sds[end]):.2g}" for end in ("mean", "lower", "upper"))
    over = [(v, *numbers) for v, *numbers in table(paths, "comparison")[
        ["variant", "pareto_k_over", "units"]
    ].itertuples(index=False) if numbers[0]]  # fmt: skip
    said = [
        f"groups3 by {S}, of 9 rows each",
        f"groups2 by {R}, of 13 to 14 rows each",
        f"all {pairs} pairs" if pairs == 6 else f"{pairs} of 6 pairs",
        "The unpooled fit was tried 2 times",
        f"wide: {S} 31 for Intercept and 32 for {X}; {R} 33.",
        f"at the mean of the predictors ({X} = {mean:.4g})",
        f"Of the 12,345 groups of {S}, 678 were diagnosed in the pooled, unpooled and hierarchical",
        f"The deviations of {S} are stored in 6 draws",
        f"has about {middle} times its rate ({low} to {high})",
        f"by the data: {S}: <i>form_pooled</i> (pooled), <i>form_unpooled</i> (unpooled),",
        "rows27 of 31 read; the others have gaps",
        "Ticks are of 8 rows, drawn at random.",
        "Both are 8 of the 27 rows, drawn at random.",
        "Pareto k is over 0.7 for "
        + " and ".join(f"{variant} ({k} of {units} rows)" for variant, k, units in over),
        "Estimated for all 27 rows from 20 of them",
        "Estimated for all 27 groups from 20 of them",
        "⚠ pooled, unpooled and hierarchical, 1 row: <i>refusal</i>.",
        f"Of the groups of {S} to predict, 1 is not in the data: <i>new_group</i>.",
        "⚠ row 1 minus row 3 for a new group: <i>refused_contrast</i>.",
        f"same seed, {study['seed']},",
        "The other grouping factors are at their average. The unpooled fit is left out:",
        f"It is at each {S}'s own value of the predictors that interact with it.",
        "All intervals on this page are equal-tailed",
        "and the 80% interval",
    ]
    for sentence in said:
        assert sentence in text, sentence
    assert text.count("that interact with it") == 1


def test_each_file_is_linked_by_its_path_from_the_page(run):
    paths, _, _ = run
    folder = Path(paths["groups"]).parent
    found = study_page.links(paths, folder / "pages")
    files_of = {"summaries": "every scalar", "comparison": "leaving out rows", "groups": "its gr"}
    for key, what in files_of.items():
        own = paths[key] if isinstance(paths[key], list) else [paths[key]]
        for path in own:
            assert what in found[f"../{Path(path).name}"]
    assert len(found) == sum(
        1 if isinstance(path, str) else len(path)
        for key, path in paths.items()
        if key in study_page.FILES
    )
