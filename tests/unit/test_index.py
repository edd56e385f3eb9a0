"""Index: failed verdicts come first, in words, and nothing of the config is markup."""

from pathlib import Path

from partialpool import index

TEMPLATES = Path(__file__).parents[2] / "workflow" / "report"
CHECK = {"name": "ess_bulk", "value": 3.0, "threshold": 400, "worst": "sigma"}


def page(failed):
    studies = {
        "first": {"formula": "y ~ x", "data": None},
        "second": {"formula": "y ~ <b>", "data": "<i>.csv"},
    }
    fits = {("first", "pooled"): True, ("second", "pooled"): True, ("second", "unpooled"): True}
    fits |= dict.fromkeys(failed, False)
    verdicts = {
        fit: {"passed": passed, "checks": [CHECK | {"passed": passed}], "advice": []}
        for fit, passed in fits.items()
    }
    data = {
        "first": {"rows_used": 1234, "groups": None},
        "second": {"rows_used": 10, "groups": {"count": 5}},
    }
    return index.index(studies, verdicts, data, TEMPLATES)


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


def test_config_is_never_markup():
    html = page([])
    assert "y ~ &lt;b&gt;" in html and "&lt;i&gt;.csv" in html
    assert "<b>" not in html and "<i>" not in html
