"""Starting values of the chains, as far apart as modes of the coefficients' posterior can be.

Given everything else, the log density of the coefficients is concave where responses, effects
and the priors of coefficients have log-concave densities: it has one mode, and chains find it
from wherever they start. With heavier tails, two clusters of rows, or the rows and a prior, can
each have a mode of their own, any number of standard deviations of the posterior apart. The same
holds for a normal prior that is far from the data if sigma is a parameter, since it integrates
to a Student-t likelihood.
"""

from collections.abc import Callable

import numpy as np

from partialpool.engine import preconditioner
from partialpool.model.description import ModelDescription
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Priors

WIDE = 2.0  # standard deviations of the response to each side
FAR = 3.0  # standard deviations of a prior: from there it and the data disagree


def overdispersed(
    model, centre: np.ndarray, data: ModelDescription, priors: Priors, variant: str
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Function that moves starting points apart, for :func:`partialpool.sampler.sampling.sample`.

    Parameters
    ----------
    model : CompiledModel or PymcModel
    centre : numpy.ndarray
        Approximate coefficients, `(coefficient,)`.
    data : ModelDescription
    priors : Priors
    variant : {"pooled", "unpooled", "hierarchical"}

    Returns
    -------
    callable or None
        It maps starts in a hypercube, `(chain, position)`; None if there can be only one mode.
    """
    on, location, width = preconditioner.prior_rows(data, priors)
    far = np.abs(on @ centre - location) > FAR * width
    heavy = np.array([FAMILIES[priors.beta[name].family].heavy_tails for name in data.coefficients])
    effects = variant == "hierarchical" and priors.nu
    if data.family.log_concave and not (effects or heavy.any() or far.any()):
        return None
    # The Intercept is dispersed at the average of the predictors, or it would follow the slopes.
    average = np.eye(len(centre))
    scale = np.array([data.response_sd / (data.sd[name] or 1.0) for name in data.coefficients])
    if "Intercept" in data.coefficients:
        at = data.coefficients.index("Intercept")
        average[at] = [data.mean[name] for name in data.coefficients]
        scale[at] = data.response_sd
    # The rough values may be one of the modes; the prior's location may be another.
    nothing = np.zeros(len(centre))
    if "Intercept" in data.coefficients:
        nothing[at] = data.response_mean
    places = np.stack([average @ centre, nothing])
    prior = average @ np.linalg.solve(on, location)
    low = np.minimum((places - WIDE * scale).min(axis=0), prior)
    high = np.maximum((places + WIDE * scale).max(axis=0), prior)

    def moved(starts: np.ndarray) -> np.ndarray:
        size, own = len(centre), model.beta
        places = low + (high - low) * (starts[:, own] + 1) / 2
        wanted = np.linalg.solve(average, places.T).T
        # Given all else, which has its start, beta is linear in its coordinates.
        probes = np.repeat(starts[:, None], size + 1, axis=1)
        probes[:, :, own] = np.eye(size + 1)[:, 1:]
        beta = model.constrain(probes)["beta"].values
        steps = beta[:, 1:] - beta[:, :1]
        found = np.array(starts)
        found[:, own] = np.linalg.solve(np.swapaxes(steps, 1, 2), (wanted - beta[:, 0])[..., None])[
            ..., 0
        ]
        return found

    return moved
