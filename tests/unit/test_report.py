"""Report: nothing of the data is markup, the verdict comes first, and a page stays readable."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from partialpool import report
from partialpool.report import words
from partialpool.report.results import Fit, Results

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
TEMPLATES = SCRIPTS.parent / "report"
HOSTILE = "<script>alert('x')</script>"
VARIANTS = ("pooled", "unpooled", "hierarchical")


def row(name, mean=1.0):
    return {"name": name, "mean": str(mean), "sd": "0.5", "lower": "0", "upper": "2"}


def fit(variant, levels, passed=True):
    checks = [
        {"name": "rhat", "value": 1.5, "threshold": 1.01, "passed": passed, "worst": HOSTILE},
        {"name": "ebfmi", "value": None, "threshold": 0.3, "passed": passed, "worst": None},
    ]
    names = ["beta[Intercept]", *(f"coef_{HOSTILE}[{level}, Intercept]" for level in levels)]
    answers = dict.fromkeys(("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"), "1")
    status = {"group_status": "known", "fit_passed": str(passed), "note": ""}
    attempt = {"draws": 100, "tune": 100, "target_accept": 0.9, "seconds": 1.0}
    return Fit(
        variant=variant,
        passed=passed,
        checks=checks,
        advice=[] if passed else ["Draw longer."],
        summary={name: row(name, i) for i, name in enumerate(names)},
        predictions=[{HOSTILE: level, **answers, **status} for level in levels],
        priors={
            "beta": {"Intercept": "normal(0, 10)"},
            "sd": {"Intercept": "half_normal(2.5)"},
            "cor": None,
            "sigma": "half_student_t(4, 1)",
            "centred": True,
            "wide": {"Intercept": 25.0},
            "given": ["Intercept"],
        },
        sampler={"chains": 4},
        provenance={"versions": {"pymc": "6.4.0"}, "platform": HOSTILE, "commit": None},
        attempts=[attempt | {"passed": passed, "failed": [] if passed else checks}],
    )


def compared(variant, rank, note=""):
    numbers = ("elpd_loo", "se", "elpd_diff", "dse", "weight", "p", "pareto_k_threshold")
    return {
        "variant": variant,
        "rank": str(rank),
        **dict.fromkeys(numbers, "0.7"),
        "pareto_k_over": "0",
        "units": "8",
        "units_total": "8",
        "fit_passed": "True",
        "note": note,
    }


def results(levels=(HOSTILE, "b"), failed=(), ranking=VARIANTS[::-1]):
    described = {"type": "number", "missing": 0, "min": 0, "max": 1, "mean": 0.5, "sd": 0.2}
    columns = {
        HOSTILE: {"type": "text", "missing": 0, "levels": dict.fromkeys(levels, 3)},
        "y": described,
    }
    return Results(
        study={
            "name": "radon",
            "data": HOSTILE,
            "simulate": None,
            "formula": f"y ~ 1 + (1 | `{HOSTILE}`)",
            "family": "gaussian",
            "sigma": "estimated",
            "priors": {"Intercept": "normal(0, 10)"},
            "variants": list(VARIANTS),
            "new_data": None,
            "sampler": {"chains": 4},
            "convergence": {"max_rhat": 1.01},
            "interval": 0.9,
            "seed": 1,
        },
        data={
            "source": HOSTILE,
            "rows_read": 3 * len(levels),
            "rows_used": 3 * len(levels),
            "columns": columns,
            "groups": {
                "factor": HOSTILE,
                "count": len(levels),
                "smallest": 3,
                "largest": 3,
                "single_row": 0,
            },
            "warnings": [HOSTILE],
        },
        model={
            "coefficients": ["Intercept"],
            "terms": {"Intercept": ["Intercept"]},
            "varying": ["Intercept"],
            "factor": HOSTILE,
            "sigma": "estimated",
            "response": "y",
        },
        means={"Intercept": 1.0, "y": 0.5},
        fits=[fit(variant, levels, variant not in failed) for variant in VARIANTS],
        comparison=[compared(variant, rank) for rank, variant in enumerate(ranking)],
        comparison_groups=[],
        recovery=[],
        replicated=3 * len(levels),
    )


def page(found, figures):
    return report.page(found, figures, {"pooled/summary.csv": "all"}, TEMPLATES)


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
    (tmp_path / "data.svg").write_text('<svg width="360pt" height="72pt"></svg>')
    html = page(results(), tmp_path)
    assert '<img src="data:image/svg+xml;base64,' in html
    for reference in ("http://", "https://", "<link", "url(", "@import"):
        assert reference not in html


def test_thousands_of_groups_stay_a_page(tmp_path):
    html = page(results(levels=[f"g{i}" for i in range(3000)]), tmp_path)
    assert html.count("<tr>") < 120
    assert "The 20 of 3,000 groups" in html


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
        "import sys; from partialpool import index, report; "
        "assert not {'xarray', 'pandas', 'matplotlib', 'arviz_stats'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("x", "shown"),
    [(1.0, "1"), (-0.00004, "−4e−05"), (12345.678, "12,346"), (0.25, "0.25"), (0.0, "0")],
)
def test_numbers(x, shown):
    assert words.number(x, 5) == shown
