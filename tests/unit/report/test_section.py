"""A section is one record: in the navigation and on the page, with its tables and files."""

from dataclasses import replace

import pytest
from read_html import Tables
from reports import HOSTILE, TEMPLATES, results

from partialpool.base import files
from partialpool.report import study_page
from partialpool.report.section import Section
from partialpool.report.tables import table


def build(results):
    """A table of a stage's output, a row for each fit."""
    found = results.rows("sensitivity")
    rows = [[variant, own[0]["name"], own[0]["prior"]] for variant, own in found.items()]
    return {
        "paragraphs": [f"Sensitivity of {HOSTILE}."],
        "tables": [table(["variant", "scalar", "prior"], rows, numbers=[2])],
    }


TOY = Section(
    "sensitivity",
    "Prior sensitivity",
    build,
    applies=lambda results: "sensitivity" in results.paths,
    files={"sensitivity": "power-scaling sensitivity"},
)


@pytest.fixture
def sections():
    """The sections of a page, with one of a new stage before the last."""
    *first, last = study_page.SECTIONS.values()
    return {section.name: section for section in (*first, TOY, last)}


def test_a_section_of_a_new_stage_is_on_the_page(sections, tmp_path):
    found = results()
    paths = []
    for number, fit in enumerate(found.fits):
        paths.append(str(tmp_path / f"{fit.variant}.csv"))
        (tmp_path / f"{fit.variant}.csv").write_text(f"name,prior\nbeta[x],0.{number}5\n")
    found = replace(found, paths={"sensitivity": paths})
    entry = {"section": "sensitivity", "alt": "a toy", "caption": "A caption.", "scale": 1.0}
    files.write_json(tmp_path / "figures.json", {"toy": entry})
    (tmp_path / "toy.svg").write_text('<svg width="72pt"/>')
    links = study_page.links(found.paths, tmp_path, sections)
    assert links == dict.fromkeys(
        [f"{fit.variant}.csv" for fit in found.fits], "power-scaling sensitivity"
    )
    html = study_page.page(found, tmp_path, links, TEMPLATES, sections)
    [shown] = Tables(html).below("Prior sensitivity")
    assert [*shown.index] == ["pooled", "unpooled", "hierarchical"]
    assert [*shown["prior"]] == ["0.05", "0.15", "0.25"]
    assert '<a href="#sensitivity">Prior sensitivity</a>' in html and "<script" not in html
    section = html[html.index('<section id="sensitivity"') : html.index('<section id="provenance"')]
    assert 'width="96" alt="a toy"' in section and "<figcaption>A caption.<" in section
    assert '<a href="pooled.csv">pooled.csv</a>: power-scaling sensitivity' in html


def test_a_section_without_its_files_is_left_out(sections, tmp_path):
    files.write_json(tmp_path / "figures.json", {})
    html = study_page.page(results(), tmp_path, {}, TEMPLATES, sections)
    assert "Prior sensitivity" not in html


def test_a_figure_for_an_unknown_section_is_refused(tmp_path):
    entry = {"section": "none", "alt": "", "caption": "", "scale": 1.0}
    files.write_json(tmp_path / "figures.json", {"toy": entry})
    with pytest.raises(ValueError, match="figure toy is for section 'none'"):
        study_page.page(results(), tmp_path, {}, TEMPLATES)
