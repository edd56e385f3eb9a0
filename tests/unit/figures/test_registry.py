"""A figure is registered in one place: drawn, listed, and placed in the page with its caption."""

import re
from html import unescape
from urllib.parse import unquote

import fake_run_files
import pytest

from partialpool.figures import reader, registry, study_figures
from partialpool.figures.registry import FIGURES, each_fit, report_figure
from partialpool.figures.style import plt
from partialpool.report import report_data, study_page


@pytest.fixture
def toy(monkeypatch):
    """A figure of each fit, registered from outside; the only one, to be quick."""
    monkeypatch.setattr(registry, "FIGURES", {})
    monkeypatch.setattr(study_figures, "FIGURES", registry.FIGURES)

    @report_figure(
        "toy",
        "check",
        alt=lambda study, fit: f"a <toy> of the {fit.variant} fit",
        caption=lambda study, fit, form: f"A {form} <toy> with {study.percent} intervals.",
        each=each_fit,
        scale=2.0,
    )
    def draw(study, fit):
        if fit.variant == "pooled":
            return None  # as if there were nothing to draw
        figure, axes = plt.subplots(figsize=(3, 2))
        figure.set_label("round")
        axes.plot(fit.summary["mean"].to_numpy())
        return figure


def test_a_registered_figure_is_on_the_page_with_its_caption(toy, tmp_path):
    paths, study = fake_run_files.write(tmp_path), fake_run_files.study()
    drawn = study_figures.draw(reader.read(paths, study), tmp_path / "figures")
    assert [path.name for path in drawn] == ["toy_unpooled.svg", "toy_hierarchical.svg"]
    results = report_data.read(paths, study)
    html = study_page.page(results, tmp_path / "figures", {}, fake_run_files.TEMPLATES)
    section = html[html.index('<section id="check"') : html.index('<section id="compare"')]
    image = r'<img src="data:image/svg[+]xml,([^"]*)" width="(\d+)" alt="([^"]*)"'
    found = re.findall(image, html)
    assert len(found) == 2 and section.count("<img") == 2
    for (source, width, alt), path in zip(found, drawn, strict=True):
        assert unquote(source) == path.read_text(encoding="utf-8")
        assert width == "576"  # 3 inches of 96 pixels, twice
        assert unescape(alt) == f"a <toy> of the {path.stem.partition('_')[2]} fit"
    assert section.count("<figcaption>A round &lt;toy&gt; with 80% intervals.</figcaption>") == 2


def test_two_figures_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two figures are called 'data'"):
        report_figure("data", "ingest", alt="", caption="")(lambda study: None)


def test_every_figure_is_for_a_section_of_the_page():
    assert {figure.section for figure in FIGURES.values()} <= study_page.SECTIONS.keys()
