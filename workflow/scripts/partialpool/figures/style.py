"""Style of all figures: sizes, colours, labels, and saving as SVG."""

import io
import re
import textwrap
import unicodedata
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font

WIDTH = 5.0  # inches: small enough to be read on a phone without scrolling
INK, FAINT, ALARM = "#222222", "#9a9a9a", "#a61b1b"
LABEL = 28  # columns of text a label may take
LETTERS = 13  # of a label of an axis, in an inch

RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#555555",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "image.cmap": "cividis",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "savefig.dpi": 144,  # of what is rasterised; a page shows it in about as many pixels
    "svg.fonttype": "path",
    "svg.hashsalt": "partialpool",
    "text.color": INK,
    "text.parse_math": False,  # a `$` in a column's name is a dollar sign
    "xtick.color": "#444444",
    "xtick.labelsize": 8.5,
    "ytick.color": "#444444",
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True)
class Look:
    """Style of a variant: variants differ in lightness, marker and line, not in hue alone."""

    colour: str
    marker: str
    face: str
    line: str


LOOKS = {
    "pooled": Look("#767676", "s", "white", "--"),
    "unpooled": Look("#d98200", "o", "white", ":"),
    "hierarchical": Look("#0b4a86", "D", "#0b4a86", "-"),
}


@contextmanager
def look(texts=()):
    """Draw with this module's settings instead of the user's.

    Text becomes outlines, the same everywhere, unless `texts`, which the figures will show, have
    letters that the font lacks: then the reader's browser draws the text.
    """
    letters = {letter for text in texts for letter in text if letter.isprintable()}
    kind = "path" if all(map(_in_font, letters)) else "none"
    settings = {**matplotlib.rcParamsDefault, **RC, "backend": "svg", "svg.fonttype": kind}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def save(figure, path: Path, warning: str = "") -> None:
    """Write a figure as SVG, the same bytes for the same content, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : pathlib.Path
    warning : str
        Written above the figure in red.
    """
    _wrap_labels(figure)
    if warning:
        _warn(figure, warning)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    path.write_text(re.sub(r' d="[^"]*"', _brief, drawn.getvalue()), encoding="utf-8")


def _brief(curve: re.Match) -> str:
    """Round a curve to hundredths of a point, on one line: half of its characters."""
    return re.sub(r"(\d\.\d\d)\d+", r"\1", curve[0]).replace(" \n", "")


def _wrap_labels(figure) -> None:
    """Break axis labels that are longer than their axis: they would be cut off."""
    labels = [axis.label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    if max((len(label.get_text()) for label in labels), default=0) > LABEL:
        figure.draw_without_rendering()  # now axes are where they will be
        width, height = figure.get_size_inches()
        for axes in figure.axes:
            box = axes.get_position()
            middle = (box.x0 + box.x1) / 2
            _wrap(axes.xaxis.label, 2 * min(middle, 1 - middle) * width)
            _wrap(axes.yaxis.label, box.height * height)


def _wrap(label, inches: float) -> None:
    label.set_text(wrapped(label.get_text(), inches))


def wrapped(text: str, inches: float) -> str:
    """Break a label into lines no longer than its axis."""
    return textwrap.fill(text, max(10, int(LETTERS * inches)))


def _warn(figure, text: str) -> None:
    """Write a warning above a figure, as title of its legend if it has one: layout sees only it."""
    width, height = figure.get_size_inches()
    text = wrapped(text, width)
    figure.set_size_inches(width, height + 0.1 + 0.15 * len(text.splitlines()))
    font = {"size": 7.5 if width < 4 else 9, "weight": "bold"}
    if figure.legends:
        legend = figure.legends[0]
        legend.set_title(text, prop=font)
        legend.set_alignment("left")
        legend.get_title().set_color(ALARM)
    else:
        figure.suptitle(text, x=0.01, ha="left", color=ALARM, fontproperties=font)


@cache
def _font() -> FT2Font:
    return FT2Font(findfont("DejaVu Sans"))


def _in_font(letter: str) -> bool:
    return _font().get_char_index(ord(letter)) > 0


def fit_label(text: str, columns: int = LABEL) -> str:
    """Cut text to a number of columns, with an ellipsis; wide letters count two."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    used = 0
    for index, letter in enumerate(text):
        width = 0 if unicodedata.combining(letter) else 1 + (_wide(letter))
        if used + width > columns - (index + 1 < len(text)):
            return text[:index].rstrip() + "…"
        used += width
    return text


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def distinct(labels, columns: int = LABEL) -> list[str]:
    """Shorten labels so that they still differ: equal ones get a number."""
    cut = [fit_label(label, columns) for label in labels]
    seen: dict[str, int] = {}
    for index, text in enumerate(cut):
        seen[text] = seen.get(text, 0) + 1
        if cut.count(text) > 1:
            cut[index] = f"{fit_label(text, columns - 4)} #{seen[text]}"
    return cut


def named(variant: str, failed) -> str:
    """A variant's name for a legend, marked if its fit failed."""
    return f"{variant} ✗" if variant in failed else variant


def label_number(value: float) -> str:
    """Format a number for a label: whole, or four digits without trailing zeros."""
    if value == round(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:.3g}"
