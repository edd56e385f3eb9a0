"""Sections of a study's page."""

from collections.abc import Callable
from dataclasses import dataclass, field

from partialpool.report.report_data import ReportData


@dataclass(frozen=True)
class Section:
    """A section of the page, usually of one stage's outputs.

    Attributes
    ----------
    name : str
        Its anchor, and the name that figures have for it.
    title : str
        Its heading, and its entry in the navigation.
    build : callable
        Of the results: the context of its template. Without a template of its own it is shown as
        `paragraphs` (texts), and `tables` (from :func:`partialpool.report.tables.table`).
    applies : callable
        Of the results: whether the page of this study has the section.
    files : dict of str to str
        Files it is made from, by their key in the inputs of the rule `report`: what each is, for
        the list of files at the end of the page.
    """

    name: str
    title: str
    build: Callable[[ReportData], dict] = lambda results: {}
    applies: Callable[[ReportData], bool] = lambda results: True
    files: dict[str, str] = field(default_factory=dict)
