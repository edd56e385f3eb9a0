"""The page of a study."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import unquote

from reports import HOSTILE, SCRIPTS, TEMPLATES, VARIANTS, page, results

from partialpool.report import study_page


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
    entry = {"section": "check", "alt": "", "caption": "", "scale": 1.0}
    (tmp_path / "figures.json").write_text(json.dumps({"data": entry}))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="360pt" style="clip: url(#p)">é\n</svg>'
    (tmp_path / "data.svg").write_text(svg, encoding="utf-8")
    html = study_page.page(results(), tmp_path, {}, TEMPLATES)
    [source] = re.findall('<img src="data:image/svg[+]xml,([^"]*)"', html)
    assert unquote(source) == svg
    for reference in ("http://", "https://", "<link", "url(", "@import"):
        assert reference not in html


def test_thousands_of_groups_stay_a_page(tmp_path):
    html = page(results(levels=[f"g{i}" for i in range(3000)]), tmp_path)
    assert html.count("<tr>") < 120
    assert "20 of 3,000 groups, those that partial pooling moves furthest" in html


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


def test_page_is_written_without_scientific_libraries():
    code = (
        "import sys; from partialpool.report import index, study_page; "
        "assert not {'xarray', 'pandas', 'matplotlib', 'arviz_stats'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_long_labels_may_be_broken_or_are_cut(tmp_path):
    long = 300 * "L"
    html = page(results(levels=(long, "b")), tmp_path)
    cells = re.findall("<td[^>]*>(L+…?)", html)
    assert cells and max(map(len, cells)) <= 60
