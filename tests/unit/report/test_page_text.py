"""Text of a page is never markup, and has the numbers of its files."""

import json
import math
import re
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from fake_run_files import ROOMS, SCHOOLS, N, R, S, W, X, Y, written
from reports import (
    ANSWER,
    HOSTILE,
    TEMPLATES,
    VARIANTS,
    compared,
    results,
)

from partialpool.compress import compressed_file
from partialpool.report import (
    study_page,
)

NAMES = [
    *(Y, X, S, R, N, W, *SCHOOLS[:1], *ROOMS, "<i>t</i>.csv", "<i>new</i>.csv"),
    *(f"<i>{kind}</i>" for kind in ("data_warning", "new_group", "new_warning", "prior_warning")),
    *(f"<i>{kind}</i>" for kind in ("status", "refusal", "refused_contrast", "advice", "what")),
    *(f"<i>{kind}</i>" for kind in ("package", "platform", "commit", "version_unpooled")),
    *(f"<i>form_{variant}</i>" for variant in VARIANTS),
    *(f"<i>worst_rhat_{variant}</i>" for variant in VARIANTS),
    *(f"<i>{name}_note_pooled</i>" for name in ("comparison", "comparison_groups")),
]


def test_names_are_never_markup(run_page):
    assert "<i>" not in run_page
    for name in NAMES:
        assert escape(name) in run_page, name
    assert f'href="{quote("<i>link</i>.csv")}"' in run_page


def test_sentences_of_a_page_have_the_numbers_of_its_files(run, run_results, run_page):
    paths, study, rows = run
    text = re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", run_page)))
    pairs = len(rows[[S, R]].drop_duplicates())
    mean = compressed_file.read_description(paths["compressed"]).mean[X]
    sds = written(paths, "summaries", 2).set_index("name").loc[f"sd_{R}[Intercept]"]
    middle, low, high = (f"{math.exp(sds[end]):.2g}" for end in ("mean", "lower", "upper"))
    over = [(v, *numbers) for v, *numbers in written(paths, "comparison")[
        ["variant", "pareto_k_over", "units"]
    ].itertuples(index=False) if numbers[0]]  # fmt: skip
    said = [
        f"groups3 by {S}, of 9 rows each",
        f"groups2 by {R}, of 13 to 14 rows each",
        f"all {pairs} pairs" if pairs == 6 else f"{pairs} of 6 pairs",
        "The unpooled fit was sampled 2 times",
        f"wide: {S} 31 for Intercept and 32 for {X}; {R} 33.",
        f"at the mean of the predictors ({X} = {mean:.4g})",
        f"Of the 12,345 groups of {S}, 678 were diagnosed in the pooled, unpooled and hierarchical",
        f"The deviations of {S} are stored in 6 draws",
        f"has about {middle} times its rate ({low} to {high})",
        f"by the data: {S}: <i>form_pooled</i> (pooled), <i>form_unpooled</i> (unpooled),",
        "rows27 of 31 read; the others have missing values",
        "the rows of your data. Shown: 8 of the 27 rows, drawn at random.",
        "misses something in your data. Shown: 8 of the 27 rows, drawn at random.",
        "Pareto k is above 0.7 for "
        + " and ".join(f"{variant} ({k} of {units} rows)" for variant, k, units in over),
        "Estimated for all 27 rows from 20 of them",
        "Estimated for all 27 groups from 20 of them",
        "⚠ pooled, unpooled and hierarchical, 1 row: <i>refusal</i>.",
        f"1 of the groups of {S} to predict is not in the data: <i>new_group</i>.",
        "⚠ row 1 minus row 3 for a new group: <i>refused_contrast</i>.",
        f"same seed, {study['seed']},",
        "The other grouping factors are at their average. The unpooled fit is left out:",
        f"It is at each {S}'s own value of the predictors that interact with it.",
        "All intervals on this page are equal-tailed",
        "and below it the 80% interval",
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
    described = {key for one in study_page.SECTIONS.values() for key in one.files}
    assert described - {"table"} == {*paths} - {"learned", "subset"}
    assert len(found) == sum(
        1 if isinstance(path, str) else len(path) for key, path in paths.items() if key in described
    )


@pytest.mark.parametrize("family", ["bernoulli", "gaussian"])
def test_names_in_sentences_are_never_markup(family, tmp_path):
    """A response, a predictor far from zero, and reasons why there is no answer."""
    found = results(family=family)
    factor = replace(found.factors[0], blocks=(("Intercept", HOSTILE),))
    far = {"type": "number", "missing": 0, "min": 95, "max": 99, "mean": 97, "sd": 1}
    far["role"] = HOSTILE
    data = found.data | {"columns": found.data["columns"] | {HOSTILE: far}}
    names = {"response": HOSTILE, "coefficients": ["Intercept", HOSTILE]}
    means = {key: found.model[key] | {HOSTILE: 1.0} for key in ("mean", "sd")}
    study = found.study | {"predict": ["group", "new_group"], "contrasts": [[1, 2]]}
    refused = dict.fromkeys(ANSWER, "") | {"predicted_for": "new_group"}
    refused |= {"missing_reason": HOSTILE, "note": HOSTILE}
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
    left = dict.fromkeys(compared("pooled", 0), "") | {"variant": "pooled"}
    left |= {"missing_reason": HOSTILE, "note": HOSTILE}
    found = replace(
        found,
        study=study,
        data=data,
        model=found.model | names | means,
        factors=[factor],
        fits=fits,
        comparison=[*found.comparison[:2], left],
    )
    (tmp_path / "data.svg").write_text('<svg width="9pt"/>')
    entry = {"section": "check", "alt": f"alt {HOSTILE}", "caption": f"caption {HOSTILE}"}
    (tmp_path / "figures.json").write_text(json.dumps({"data": entry | {"scale": 1.0}}))
    html = study_page.page(found, tmp_path, {}, TEMPLATES)
    assert "<script" not in html
    for said in (
        "center({})",
        "alt {}",
        "caption {}",
        "pooled fit is not compared: {}.",
        "<p>{}.</p>",
        "of each {}",
    ):
        assert said.format(HOSTILE) in unescape(html), said
