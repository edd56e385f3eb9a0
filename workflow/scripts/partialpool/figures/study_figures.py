"""Draw all figures of a study as SVG files, with a list of them for the page."""

from pathlib import Path

from partialpool.base import files
from partialpool.base.text import join_words
from partialpool.figures import (
    comparison,
    convergence,
    data,
    estimates,
    posterior_predictive,
    predictions,
    prior_predictive,
    recovery,
    shrinkage,
)
from partialpool.figures.figure_data import FigureData
from partialpool.figures.registry import FIGURES
from partialpool.figures.style import look, save
from partialpool.study.figure_names import LIST

# Importing a module registers its figures.
MODULES = (
    data,
    prior_predictive,
    convergence,
    estimates,
    shrinkage,
    posterior_predictive,
    comparison,
    predictions,
    recovery,
)


def draw(study: FigureData, folder) -> list[Path]:
    """Draw every registered figure that the study has the material for.

    Parameters
    ----------
    study : FigureData
    folder : path-like
        Made if it is not there.

    Returns
    -------
    list of pathlib.Path
        The SVG files. Beside them `figures.json` lists, by name, each figure's `section`, `alt`,
        `caption` and `scale`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths, descriptions = [], {}
    with look(study.texts):
        for figure in FIGURES.values():
            for suffix, arguments, fits in figure.each(study):
                drawn = figure.draw(study, *arguments)
                if drawn is None:
                    continue
                name = f"{figure.name}{suffix}"
                descriptions[name] = figure.description(drawn.get_label(), study, *arguments)
                paths.append(folder / f"{name}.svg")
                save(drawn, paths[-1], failure(fits))
    files.write_json(folder / LIST, descriptions)
    return paths


def failure(fits: list) -> str:
    """A warning that names the failed fits among those shown; empty if none failed."""
    failed = [fit.variant for fit in fits if not fit.passed]
    if not failed:
        return ""
    which = f"The {join_words(failed)} {'fit' if len(failed) == 1 else 'fits'}"
    if len(failed) == len(fits) > 1:
        which = "Both fits" if len(fits) == 2 else "All three fits"
    return f"✗ {which} failed: do not rely on this figure"
