"""Figures: every picture of a study, as SVG.

Each picture is a function from what was found to a matplotlib figure, in a room
named after the section of the report it is for.
"""

from pathlib import Path

from partialpool.figures import answers, convergence, data, estimates, predictive
from partialpool.figures.evidence import Evidence, read
from partialpool.figures.style import look, save

__all__ = ["draw", "read"]


def draw(study: Evidence, folder) -> list[Path]:
    """Draw every picture that the study has the material for.

    Parameters
    ----------
    study : Evidence
        From :func:`read`.
    folder : path-like
        Made if it is not there.

    Returns
    -------
    list of pathlib.Path
        `data.svg, prior.svg, chains_{variant}.svg, energy_{variant}.svg, population.svg,
        shrinkage_{1, 2, ...}.svg, density_{variant}.svg, groups.svg, comparison.svg,
        predictions.svg, recovery.svg, recovery_groups.svg`; those without material are left out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "prior": lambda: predictive.prior(study),
        "population": lambda: estimates.population(study),
        "groups": lambda: predictive.groups(study),
        "comparison": lambda: answers.comparison(study),
        "predictions": lambda: answers.predictions(study),
        "recovery": lambda: answers.recovery(study),
        "recovery_groups": lambda: answers.recovery_groups(study),
    }
    for number, column in enumerate(study.varying, start=1):
        pictures[f"shrinkage_{number}"] = lambda column=column: estimates.shrinkage(study, column)
    of_one = {}
    for fit in study.fits:
        of_one[f"chains_{fit.variant}"] = fit, convergence.chains, (fit,)
        of_one[f"energy_{fit.variant}"] = fit, convergence.energy, (fit,)
        of_one[f"density_{fit.variant}"] = fit, predictive.density, (study, fit)

    written = []

    def write(name, figure, failed):
        if figure is not None:
            written.append(folder / f"{name}.svg")
            save(figure, written[-1], failed)

    with look(study.texts):
        write("data", data.data(study), ())
        for name, picture in pictures.items():
            write(name, picture(), study.failed)
        for name, (fit, picture, arguments) in of_one.items():
            write(name, picture(*arguments), () if fit.passed else [fit.variant])
    return written
