"""The page of a study: one HTML file that contains all it shows.

Reads small files and figures, and imports no scientific library.
"""

import os
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from partialpool.base import text
from partialpool.report import page_figures
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section
from partialpool.report.sections import (
    check,
    compare,
    convergence,
    data,
    estimates,
    model,
    predict,
    prior,
    provenance,
    recover,
    verdict,
)

# In the order of the page.
MODULES = (
    verdict,
    data,
    model,
    prior,
    convergence,
    estimates,
    check,
    compare,
    predict,
    recover,
    provenance,
)

SECTIONS = {module.SECTION.name: module.SECTION for module in MODULES}


def environment(templates) -> Environment:
    """Jinja2 with everything that comes from data or config escaped."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["join_words"] = text.join_words
    made.filters["truncate"] = text.truncate
    return made


def page(
    results: ReportData,
    figures,
    links: dict[str, str],
    templates,
    sections: dict[str, Section] = SECTIONS,
) -> str:
    """Write the page of a study.

    Parameters
    ----------
    results : ReportData
    figures : path-like
        Folder of its figures.
    links : dict of str to str
        Description of each file, by its path from the page.
    templates : path-like
        Folder of the templates: `study.html`, and `sections/{name}.html` of sections that are
        not shown in the common way.
    sections : dict of str to Section
        By name, in the order of the page.

    Returns
    -------
    str
        HTML without a reference to anything it needs.
    """
    jinja = environment(templates)
    drawn = page_figures.read(figures, sections)
    common = {
        "name": results.study["name"],
        "results": results,
        "failed": set(results.failed),
        "percent": f"{100 * results.study['interval']:g}%",
        "links": links,
    }
    shown = {name: one for name, one in sections.items() if one.applies(results)}
    bodies = {}
    for name, section in shown.items():
        try:
            template = jinja.get_template(f"sections/{name}.html")
        except TemplateNotFound:
            template = jinja.get_template("section.html")
        context = section.build(results) | common | {"section": section, "figures": drawn[name]}
        bodies[name] = Markup(template.render(context))
    headline = verdict.verdict(results)["headline"]
    context = common | {"sections": shown, "bodies": bodies, "headline": headline}
    return jinja.get_template("study.html").render(context)


def links(paths: dict, folder, sections: dict[str, Section] = SECTIONS) -> dict[str, str]:
    """Describe the files that sections are made from.

    Parameters
    ----------
    paths : dict
        Inputs of the rule `report`.
    folder : path-like
        Folder of the page.
    sections : dict of str to Section

    Returns
    -------
    dict of str to str
        Description of each file, by its path from the page.
    """
    found = {}
    for key, what in (item for one in sections.values() for item in one.files.items()):
        given = paths.get(key) or []
        for path in [given] if isinstance(given, str) else given:
            found[Path(os.path.relpath(path, folder)).as_posix()] = what
    return found
