"""Independent draws from priors, by PyMC's own generators."""

import numpy as np
import pymc as pm
from pytensor.compile.mode import Mode
from pytensor.link.basic import PerformLinker

from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior


def draw(priors: dict[str, Prior], rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    """Draw from each of several priors.

    Parameters
    ----------
    priors : dict of str to Prior
        By the names of their parameters. The prior of a correlation is not among them: it is of
        a whole matrix, see `engine.collapse.partial_correlations`.
    rng : numpy.random.Generator
    size : int

    Returns
    -------
    dict of str to numpy.ndarray
        Shape `(size,)` each; infinite where a draw exceeds what numbers can hold.
    """
    # Without compiled code: Python calls NumPy's generators, in milliseconds.
    mode = Mode(linker=PerformLinker(), optimizer="fast_compile")
    drawn = {}
    for family in dict.fromkeys(prior.family for prior in priors.values()):
        chosen = [name for name, prior in priors.items() if prior.family == family]
        arguments = {
            argument: np.array([[priors[name].parameters[argument]] for name in chosen], float)
            for argument in FAMILIES[family].parameters
        }
        distribution = getattr(pm, FAMILIES[family].pymc).dist(
            **arguments, shape=(len(chosen), size)
        )
        with np.errstate(over="ignore", divide="ignore"):
            values = pm.draw(distribution, random_seed=int(rng.integers(2**32)), mode=mode)
        drawn |= dict(zip(chosen, values, strict=True))
    return {name: drawn[name] for name in priors}
