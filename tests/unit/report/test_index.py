"""Index page: failed verdicts come first, in words, and no text of the config is markup."""

import re
from pathlib import Path

from read_html import Tables

from partialpool.report import index

TEMPLATES = Path(__file__).parents[3] / "workflow" / "report"
CHECK = {"name": "ess_bulk", "value": 3.0, "threshold": 400, "worst": "sigma"}


STUDIES = {
    "first": {"formula": "y ~ x", "data": None},
    "second": {"formula": "y ~ <b>", "data": "<i>.csv"},
}
FITS = [("first", "pooled"), ("second", "pooled"), ("second", "unpooled")]


def page(failed, studies=STUDIES, fits=FITS, missing=None):
    verdicts = {
        fit: {
            "passed": fit not in failed,
            "checks": [CHECK | {"passed": fit not in failed}],
            "advice": [],
        }
        for fit in fits
    }
    data = {name: {"rows_used": 10, "factors": [{"count": 5}, {"count": 17}]} for name in studies}
    data["first"] = {"rows_used": 1234, "factors": []}
    return index.index(studies, verdicts, data, TEMPLATES, missing)


def many(failed):
    """The page of 500 studies with 1,000 fits, of which the first few failed."""
    studies = {name: STUDIES["first"] for name in ["first", *(f"s{i}" for i in range(499))]}
    fits = [(name, variant) for name in studies for variant in ("pooled", "hierarchical")]
    return page(fits[:failed], studies, fits)


def test_failed_study_is_first():
    html = page([("second", "unpooled")])
    assert "Do not rely on 1 of 3 fits." in html
    table = html[html.index("<tbody>") :]
    assert table.index("second/report.html") < table.index("first/report.html")
    assert "bulk ESS" in table


def test_all_passed_keeps_the_order_of_the_config():
    html = page([])
    assert "All 3 fits can be trusted." in html
    table = html[html.index("<tbody>") :]
    assert table.index("first/report.html") < table.index("second/report.html")
    assert "not fitted" in table and "1,234" in table
    assert ">none</td>" in table and ">5 + 17</td>" in table


def test_config_is_never_markup():
    html = page([])
    assert "y ~ &lt;b&gt;" in html and "&lt;i&gt;.csv" in html
    assert "<b>" not in html and "<i>" not in html


def test_many_failed_fits_are_counted_and_few_are_named():
    html = many(11)
    assert "Do not rely on 11 of 1,000 fits." in html and "<li>" not in html
    assert "in 6 of 500 studies, which come first in the table below: 6 pooled, 5 hier" in html
    assert many(10).count("<li>") == 10


def test_only_a_long_table_is_filtered():
    assert 'type="search"' not in page([])
    assert 'type="checkbox"' in many(1)
    assert 'type="search"' in many(0) and 'type="checkbox"' not in many(0)


def test_a_run_that_did_not_finish():
    """What is missing, why, and a verdict on the rest alone."""
    step = {"rule": "fit", "variant": "pooled", "reason": "no <b>", "log": "../o'f c/pooled.log"}
    missing = {
        "third": {"failed": [], "fitted": [], "outdated": True},
        "second": {"failed": [step], "fitted": ["unpooled"], "outdated": False},
    }
    html = page([], STUDIES | {"third": STUDIES["first"]}, FITS[:1], missing)
    assert "2 of 3 studies are missing." in html
    assert "The fit of the finished study can be trusted." in html
    assert html.index("<strong>second<") < html.index("<strong>third<") < html.index("<table")
    assert "✗ fit, pooled" in html and "no &lt;b&gt;" in html
    assert 'href="../o%27f%20c/pooled.log"' in html
    assert "Finished fits: unpooled." in html
    assert "not finished when the run stopped" in html and "out of date" in html
    assert "second/report.html" not in html and "third/report.html" not in html
    assert 'href="verdict.json"' not in html


def test_each_study_is_in_a_row_of_its_own():
    """Its own verdicts, failed checks, rows, groups, formula and file, and links to its page."""
    names = [f"s{7 * i % 20}" for i in range(20)]
    studies = {name: {"formula": f"y_{name} ~ 1", "data": f"{name}.csv"} for name in names}
    data = {
        name: {"rows_used": 1000 + i, "factors": [{"count": 100 + i}, {"count": 3}]}
        for i, name in enumerate(names)
    }
    verdicts = {}
    for i, name in enumerate(names):
        for place, variant in enumerate(("hierarchical", "pooled")[: 1 + i % 2]):
            passed = (i + place) % 3 > 0
            which = "rhat" if place else "ebfmi"
            checks = [CHECK | {"passed": True}, CHECK | {"name": which, "passed": passed}]
            verdicts[name, variant] = {"passed": passed, "checks": checks, "advice": []}
    html = index.index(studies, verdicts, data, TEMPLATES)
    [shown] = Tables(html).below()
    assert [*shown] == ["pooled", "hierarchical", "rows", "groups", "formula", "data"]
    for i, name in enumerate(names):
        cells = shown.loc[name]
        assert [*cells[2:]] == [f"{1000 + i:,}", f"{100 + i} + 3", f"y_{name} ~ 1", f"{name}.csv"]
        for variant, label in (("pooled", "R-hat"), ("hierarchical", "E-BFMI")):
            found = verdicts.get((name, variant))
            words = "not fitted" if found is None else "✓ passed"
            if found and not found["passed"]:
                words = f"✗ failed {label}"
            assert cells[variant].split() == words.split()
        assert f'<a href="{name}/report.html">{name}</a>' in html
    failed = [name for name in names if any(
        not found["passed"] for (study, _), found in verdicts.items() if study == name
    )]  # fmt: skip
    assert [*shown.index] == failed + [name for name in names if name not in failed]
    keys = [*map(int, re.findall(r'class="n" data-key="(\d+)"', html))]
    assert keys[:2] == [data[failed[0]]["rows_used"], data[failed[0]]["factors"][0]["count"] + 3]
    of_each = [
        sum(not found["passed"] for (_, v), found in verdicts.items() if v == variant)
        for variant in ("pooled", "hierarchical")
    ]
    assert f"Do not rely on {sum(of_each)} of {len(verdicts)} fits." in html
