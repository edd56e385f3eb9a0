"""The page of an unfinished run: when there is one, and what it is made from."""

import json
from types import SimpleNamespace

import pytest

from partialpool.run import partial_page

STUDIES = ["radon", "schools"]
FITS = [(study, variant) for study in STUDIES for variant in ("pooled", "hierarchical")]


def job(rule: str, **wildcards):
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards_dict=wildcards)


def index():
    """The job of the index, with what it would be made from."""
    made = job("index")
    made.params = SimpleNamespace(studies={name: {} for name in STUDIES}, fits=FITS)
    made.input = SimpleNamespace(
        pages=[f"results/{name}/report.html" for name in STUDIES],
        diagnostics=["d.json"],
        data_reports=["r.json"],
        templates=["/workflow/report/index.html"],
    )
    return made


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function from the jobs that are left to what is said and what the page is made from."""
    monkeypatch.chdir(tmp_path)
    given = []

    def run(command, input, text):
        given.append(json.loads(input))
        return SimpleNamespace(returncode=0)

    def written(left, failed=()):
        monkeypatch.setattr(partial_page.plan, "not_done", lambda workflow: left)
        monkeypatch.setattr(partial_page.progress, "failed", lambda workflow: failed)
        monkeypatch.setattr(partial_page.subprocess, "run", run)
        return partial_page.write(None), given

    return written


def test_a_run_that_made_its_index_or_nothing_has_no_page(written):
    every = [job("report", study=name) for name in STUDIES]
    for left in ([], every[:1], [index()], [index(), *every]):
        assert written(left) == ("", [])


def test_what_is_missing_is_named_with_its_fits_and_what_failed(written, tmp_path):
    (tmp_path / "results/schools/logs").mkdir(parents=True)
    (tmp_path / "results/schools/logs/fit.log").write_text("")
    left = [
        index(),
        job("report", study="schools"),
        job("fit", study="schools", variant="hierarchical"),
    ]
    step = SimpleNamespace(
        rule="fit",
        wildcards={"study": "schools", "variant": "hierarchical"},
        reason="out of memory",
        log="results/schools/logs/fit.log",
    )
    said, [given] = written(left, [step])
    assert said == "results/partial.html lists what is done, and what is missing.\n"
    [(name, missing)] = given["missing"].items()
    assert name == "schools"
    assert missing["fitted"] == ["pooled"] and missing["outdated"] is False
    [failed] = missing["failed"]
    assert failed == {
        "rule": "fit",
        "variant": "hierarchical",
        "reason": "out of memory",
        "log": "schools/logs/fit.log",
    }
    assert given["page"] == "results/partial.html"
