"""Draw from a model by NUTS: start the chains, descend where needed, transform draws back.

Nothing here depends on what the model is: it has a `density`, which positions are `transformed`,
and `constrain`, from positions to variables.
"""

import time
from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy import optimize

from partialpool.base.streams import Stream
from partialpool.sampler import nuts
from partialpool.sampler.density import Density

STEPS = 50  # iterations of L-BFGS
FACTOR = 1.5  # range of starts of logarithms: a factor of up to 4.5 for standard deviations


def sample(
    model,
    *,
    chains,
    draws,
    tune,
    target_accept,
    seed,
    at_once: int = 1,
    disperse: Callable[[np.ndarray], np.ndarray] | None = None,
    starts: np.ndarray | None = None,
) -> xr.DataTree:
    """Draw from a model's posterior by NUTS.

    The draws depend on the model, the settings and the seed.

    Parameters
    ----------
    model : CompiledModel or PymcModel
    chains, draws, tune : int
        Number of chains; draws of each after tuning; tuning draws of each.
    target_accept : float
        Target of the step size adaptation.
    seed : int
    at_once : int
        Number of chains that run at once; the draws do not depend on it.
    disperse : callable, optional
        Moves the starts of :func:`dispersed`, if the posterior may have modes further apart; each
        start then descends by :func:`descend`.
    starts : numpy.ndarray, optional
        Starts, `(chain, position)`, such as the `ends` of another call.

    Returns
    -------
    xarray.DataTree
        `posterior`: every variable of the model on its own scale, dims
        `(chain, draw, *dims of the model)`; `sample_stats` with ArviZ's names; `ends`, the last
        `position` of each chain.
        Attribute `sampling_seconds`.

    Raises
    ------
    UserError
        If no starting point has a finite density.
    """
    begun = time.perf_counter()
    if starts is None:
        starts = dispersed(model, chains, seed)
        if disperse:
            starts = np.stack([descend(model.density, start) for start in disperse(starts)])
    settings = {"draws": draws, "tune": tune, "target_accept": target_accept}
    positions, statistics = nuts.draw(model.density, starts, seed=seed, at_once=at_once, **settings)
    dims = ("chain", "draw")
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    drawn = xr.DataTree.from_dict(
        {
            "posterior": model.constrain(positions),
            "sample_stats": xr.Dataset({n: (dims, v) for n, v in statistics.items()}, coords),
            "ends": xr.Dataset({"position": (("chain", "coordinate"), positions[:, -1])}),
        },
    )
    drawn.attrs["sampling_seconds"] = round(time.perf_counter() - begun, 3)
    return drawn


def dispersed(model, chains: int, seed: int) -> np.ndarray:
    """Draw overdispersed starts around the model's own, as a Latin hypercube.

    Parameters sampled as logarithms or logits are up to `FACTOR` away from it, others up to
    one, which is about a standard deviation in the coordinates of the models. In each coordinate
    half of the chains start above it and half below, so that chains start on both sides of
    whatever separates two modes.

    Parameters
    ----------
    model : CompiledModel or PymcModel
    chains, seed : int

    Returns
    -------
    numpy.ndarray
        Shape `(chain, position)`.
    """
    rng = np.random.default_rng([seed, Stream.STARTING_POINTS])
    centre = model.density.start
    strata = rng.permuted(np.indices((chains, centre.size))[0], axis=0)
    cube = 2 * (strata + rng.uniform(size=strata.shape)) / chains - 1
    return centre + cube * np.where(model.transformed, FACTOR, 1.0)


def descend(density: Density, start: np.ndarray) -> np.ndarray:
    """Move a start towards the nearest mode by `STEPS` steps of L-BFGS.

    A chain that starts far from all modes has so much energy that it may end in any of them,
    wherever it started. The descent need not converge.

    Parameters
    ----------
    density : Density
    start : numpy.ndarray
        Shape `(position,)`.
    """

    def minus(position):
        value, gradient = density(position)
        if np.isfinite(value) and np.isfinite(gradient).all():
            return -value, -gradient
        return np.inf, np.zeros_like(gradient)

    options = {"maxiter": STEPS}
    found = optimize.minimize(minus, start, jac=True, method="L-BFGS-B", options=options)
    return found.x
