"""Figures of the page, by section."""

import re
from pathlib import Path
from urllib.parse import quote

from partialpool.base import files
from partialpool.study.figure_names import LIST

UNQUOTED = " /=+,;"  # in a data URI, besides letters and digits


class SectionFigures:
    """Figures of a section: those its template places, and the rest.

    Parameters
    ----------
    entries : dict of str to dict
        By name: `source, width, alt, caption`.
    """

    def __init__(self, entries: dict[str, dict]):
        self._left = dict(entries)

    def take(self, name: str) -> dict | None:
        """The figure of a name, to be placed here; None if there is none."""
        return self._left.pop(name, None)

    def rest(self) -> list[dict]:
        """All figures that are not placed yet."""
        left, self._left = self._left, {}
        return list(left.values())


def read(folder, sections) -> dict[str, SectionFigures]:
    """Read the figures of a folder, as data URIs.

    Parameters
    ----------
    folder : path-like
        With the list that `partialpool.figures.study_figures.draw` writes.
    sections : iterable of str
        Names of the sections of the page.

    Raises
    ------
    ValueError
        If a figure is for a section that the page does not have.
    """
    found: dict[str, dict[str, dict]] = {name: {} for name in sections}
    for name, entry in files.read_json(Path(folder) / LIST).items():
        if entry["section"] not in found:
            raise ValueError(f"figure {name} is for section {entry['section']!r}, which is unknown")
        svg = (Path(folder) / f"{name}.svg").read_text(encoding="utf-8")
        found[entry["section"]][name] = {
            "source": data_uri(svg),
            "width": round(entry["scale"] * natural_width(svg)),
            "alt": entry["alt"],
            "caption": entry["caption"],
        }
    return {name: SectionFigures(entries) for name, entries in found.items()}


def data_uri(svg: str) -> str:
    """An SVG image as a data URI."""
    # A third shorter than base64: most of what is long in a figure is base64 already.
    return "data:image/svg+xml," + quote(svg, safe=UNQUOTED)


def natural_width(svg: str) -> int:
    """Width of an SVG image in CSS pixels, of which 96 are 72 points."""
    width = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"', svg)
    return round(float(width[1]) * 96 / 72)
