"""The figures of a report: name, section, drawing function, caption and alternative text.

A figure is one decorated function in the module of its section. The page places what a section's
template does not place at the end of the section, so no other file has to know the figure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from partialpool.figures.figure_data import FigureData
from partialpool.study.figure_names import numbered


class FigureInstance(NamedTuple):
    """One drawing of a figure that is drawn once for each fit, factor or coefficient.

    Attributes
    ----------
    suffix : str
        Added to the figure's name.
    arguments : tuple
        Of the drawing function, after the study.
    fits : list of FigureFit
        Fits shown in it: the figure is marked if one of these failed.
    """

    suffix: str
    arguments: tuple
    fits: list


def once(study: FigureData) -> Iterator[FigureInstance]:
    """One figure that shows all fits."""
    yield FigureInstance("", (), study.fits)


def each_fit(study: FigureData) -> Iterator[FigureInstance]:
    """A figure of each fit: `name_{variant}`."""
    for fit in study.fits:
        yield FigureInstance(f"_{fit.variant}", (fit,), [fit])


def each_factor(study: FigureData) -> Iterator[FigureInstance]:
    """A figure of each grouping factor, showing all fits: `name, name_2, ...`."""
    for number, factor in enumerate(study.factors, start=1):
        yield FigureInstance(_numbered(number), (factor,), study.fits)


def each_factor_of_data(study: FigureData) -> Iterator[FigureInstance]:
    """A figure of the data by each grouping factor, or one with factor None: no fit is shown."""
    for number, factor in enumerate(study.factors or [None], start=1):
        yield FigureInstance(_numbered(number), (factor,), [])


def each_coefficient(study: FigureData) -> Iterator[FigureInstance]:
    """A figure of each varying coefficient, factor by factor: `name_1, name_2, ...`."""
    varying = [(factor, column) for factor in study.factors for column in factor.varying]
    for number, arguments in enumerate(varying, start=1):
        yield FigureInstance(numbered("", number), arguments, study.fits)


def _numbered(number: int) -> str:
    return "" if number == 1 else numbered("", number)


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes
    ----------
    name : str
        File name without `.svg`.
    section : str
        Name of the page's section that shows it.
    draw : callable
        Of the study and the arguments of a :class:`FigureInstance`: a matplotlib figure, or None
        where the study has nothing to draw. The figure's label is its form, for the caption.
    alt : str or callable
        Alternative text, or a function of the same arguments.
    caption : str or callable
        Text below the figure, or a function of the same arguments and the figure's form.
    each : callable
        The instances of a study.
    scale : float
        Width on the page relative to the figure's own.
    """

    name: str
    section: str
    draw: Callable
    alt: str | Callable
    caption: str | Callable
    each: Callable[[FigureData], Iterator[FigureInstance]]
    scale: float

    def description(self, form: str, *arguments) -> dict:
        """What the page shows with an instance: `section, alt, caption, scale`."""
        alt, caption = self.alt, self.caption
        return {
            "section": self.section,
            "alt": alt(*arguments) if callable(alt) else alt,
            "caption": caption(*arguments, form) if callable(caption) else caption,
            "scale": self.scale,
        }


FIGURES: dict[str, Figure] = {}


def report_figure(name: str, section: str, *, alt, caption, each=once, scale=1.25) -> Callable:
    """Register a drawing function as a figure of the report.

    See :class:`Figure` for the arguments.

    Raises
    ------
    ValueError
        If there is a figure of that name.
    """

    def register(draw: Callable) -> Callable:
        if name in FIGURES:
            raise ValueError(f"two figures are called {name!r}")
        FIGURES[name] = Figure(name, section, draw, alt, caption, each, scale)
        return draw

    return register
