"""Figures: every picture of a study, as SVG.

Each picture is a function from what was found to a matplotlib figure, in a room
named after the section of the report it is for.
"""

from functools import partial
from pathlib import Path

from partialpool.base import files
from partialpool.figures import answers, convergence, data, estimates, predictive
from partialpool.figures.figure_data import FigureData, read
from partialpool.figures.style import look, save

__all__ = ["draw", "read"]

FORMS = "forms.json"


def draw(study: FigureData, folder) -> list[Path]:
    """Draw every picture that the study has the material for.

    Parameters
    ----------
    study : FigureData
        From :func:`read`.
    folder : path-like
        Made if it is not there.

    Returns
    -------
    list of pathlib.Path
        `prior.svg, population.svg, comparison.svg, predictions.svg, recovery.svg,
        recovery_groups.svg`; of each variant `chains_{variant}.svg, energy_{variant}.svg,
        density_{variant}.svg`; of the first factor `data.svg, groups.svg`, of the second
        `data_2.svg, groups_2.svg`, and so on; `shrinkage_{1, 2, ...}.svg` of each factor's
        varying coefficients, factor by factor. Those without material are left out.
        Beside them `forms.json` says what each looks like, and under `held` which predictors are
        held fixed in predictions, and at what.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "prior": lambda: predictive.prior(study),
        "population": lambda: estimates.population(study),
        "comparison": lambda: answers.comparison(study),
        "predictions": lambda: answers.predictions(study),
        "recovery": lambda: answers.recovery(study),
        "recovery_groups": lambda: answers.recovery_groups(study),
    }
    for number, factor in enumerate(study.factors, start=1):
        name = "groups" if number == 1 else f"groups_{number}"
        pictures[name] = partial(predictive.groups, study, factor)
    varying = [(factor, column) for factor in study.factors for column in factor.varying]
    for number, (factor, column) in enumerate(varying, start=1):
        pictures[f"shrinkage_{number}"] = partial(estimates.shrinkage, study, factor, column)
    of_one = {}
    for fit in study.fits:
        of_one[f"chains_{fit.variant}"] = fit, convergence.chains, (fit,)
        of_one[f"energy_{fit.variant}"] = fit, convergence.energy, (fit,)
        of_one[f"density_{fit.variant}"] = fit, predictive.density, (study, fit)

    written, forms = [], {}

    def write(name, figure, failed):
        if figure is not None:
            # What a picture looks like depends on the data, and its caption on that.
            forms[name] = figure.get_label()
            written.append(folder / f"{name}.svg")
            save(figure, written[-1], failed)

    with look(study.texts):
        for number, factor in enumerate(study.factors or [None], start=1):
            name = "data" if number == 1 else f"data_{number}"
            write(name, data.data(study, factor), ())
        for name, picture in pictures.items():
            write(name, picture(), study.failed)
        for name, (fit, picture, arguments) in of_one.items():
            write(name, picture(*arguments), () if fit.passed else [fit.variant])
    files.write_json(folder / FORMS, forms | {"held": study.held})
    return written
