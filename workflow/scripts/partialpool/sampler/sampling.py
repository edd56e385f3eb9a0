"""Draw from a PyMC model by NUTS: compile it, start the chains, transform draws back.

Nothing here depends on what the model is.
"""

import time
from collections.abc import Callable

import numpy as np
import pymc as pm
import xarray as xr
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from pytensor.link.basic import PerformLinker
from scipy import optimize

from partialpool.base.streams import Stream
from partialpool.sampler import compiled_density, nuts

BATCH = 5_000_000  # numbers in one call for several draws
STEPS = 50  # iterations of L-BFGS
FACTOR = 1.5  # range of starts of logarithms: a factor of up to 4.5 for standard deviations


def sample(
    model: pm.Model,
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
    model : pm.Model
        Continuous parameters only.
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
        Attributes `compile_seconds` and `sampling_seconds`.

    Raises
    ------
    UserError
        If no starting point has a finite density.
    """
    begun = time.perf_counter()
    point = model.initial_point(0)
    compiled = compiled_density.compiled(model, point)
    ready = time.perf_counter()

    if starts is None:
        starts = dispersed(model, point, chains, seed)
        if disperse:
            starts = np.stack([descend(compiled, start) for start in disperse(starts)])
    settings = {"draws": draws, "tune": tune, "target_accept": target_accept}
    positions, statistics = nuts.draw(compiled, starts, seed=seed, at_once=at_once, **settings)
    dims = ("chain", "draw")
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    drawn = xr.DataTree.from_dict(
        {
            "posterior": constrain(model, point, positions),
            "sample_stats": xr.Dataset({n: (dims, v) for n, v in statistics.items()}, coords),
            "ends": xr.Dataset({"position": (("chain", "coordinate"), positions[:, -1])}),
        },
    )
    drawn.attrs |= {
        "compile_seconds": round(ready - begun, 3),
        "sampling_seconds": round(time.perf_counter() - ready, 3),
    }
    return drawn


def dispersed(model: pm.Model, point: dict, chains: int, seed: int) -> np.ndarray:
    """Draw overdispersed starts around a point, as a Latin hypercube.

    Parameters sampled as logarithms or logits are up to `FACTOR` away from the point, others up to
    one, which is about a standard deviation in the coordinates of the models. In each coordinate
    half of the chains start above the point and half below, so that chains start on both sides of
    whatever separates two modes.

    Parameters
    ----------
    model : pm.Model
    point : dict
        A value of every value variable.
    chains, seed : int

    Returns
    -------
    numpy.ndarray
        Shape `(chain, position)`.
    """
    rng = np.random.default_rng([seed, Stream.STARTING_POINTS])
    parts = []
    for value in compiled_density.values(model):
        centre = np.asarray(point[value.name])
        strata = rng.permuted(np.indices((chains, centre.size))[0], axis=0)
        cube = 2 * (strata + rng.uniform(size=strata.shape)) / chains - 1
        cube = cube.reshape(chains, *centre.shape)
        transformed = model.rvs_to_transforms[model.values_to_rvs[value]] is not None
        start = centre + cube * (FACTOR if transformed else 1.0)
        parts.append(start.reshape(chains, -1))
    return np.concatenate(parts, axis=1)


def descend(compiled: compiled_density.Density, start: np.ndarray) -> np.ndarray:
    """Move a start towards the nearest mode by `STEPS` steps of L-BFGS.

    A chain that starts far from all modes has so much energy that it may end in any of them,
    wherever it started. The descent need not converge.

    Parameters
    ----------
    compiled : Density
    start : numpy.ndarray
        Shape `(position,)`.
    """

    def minus(position):
        value, gradient = compiled(position)
        if np.isfinite(value) and np.isfinite(gradient).all():
            return -value, -gradient
        return np.inf, np.zeros_like(gradient)

    options = {"maxiter": STEPS}
    found = optimize.minimize(minus, start, jac=True, method="L-BFGS-B", options=options)
    return found.x


def constrain(model: pm.Model, point: dict, positions: np.ndarray) -> xr.Dataset:
    """Map unconstrained positions to the model's variables on their own scale.

    Parameters
    ----------
    model : pm.Model
    point : dict
        A value of every value variable, for the shapes.
    positions : numpy.ndarray
        Shape `(chain, draw, position)`: value variables, raveled, as :func:`sample` orders them.

    Returns
    -------
    xarray.Dataset
        Dims `(chain, draw, *dims of the variable)`.
    """
    chains, draws, _ = positions.shape
    flat = positions.reshape(chains * draws, -1)
    batched, columns, at = {}, [], 0
    for value in compiled_density.values(model):
        shape = point[value.name].shape
        size = int(np.prod(shape))
        batched[value] = value.type.clone(shape=(None, *value.type.shape))(f"{value.name}_batch")
        columns.append(flat[:, at : at + size].reshape(-1, *shape))
        at += size
    # With many draws a call an interpreter is as fast as compiled code.
    function = pm.pytensorf.compile(
        list(batched.values()),
        vectorize_graph(model.replace_rvs_by_values(model.unobserved_RVs), replace=batched),
        mode=Mode(linker=PerformLinker(), optimizer=None),
        on_unused_input="ignore",
    )
    data = sum(shared.get_value(borrow=True).size for shared in function.get_shared())
    step = max(1, BATCH // max(1, data))
    parts = [
        function(*(column[start : start + step] for column in columns))
        for start in range(0, len(flat), step)
    ]
    values = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return xr.Dataset(
        {
            variable.name: (
                ("chain", "draw", *_dims(model, variable)),
                value.reshape(chains, draws, *value.shape[1:]),
            )
            for variable, value in zip(model.unobserved_RVs, values, strict=True)
        },
        coords={
            "chain": np.arange(chains),
            "draw": np.arange(draws),
            **{dim: list(labels) for dim, labels in model.coords.items() if labels is not None},
        },
    )


def _dims(model: pm.Model, variable) -> list[str]:
    named = model.named_vars_to_dims.get(variable.name)
    return list(named) if named else [f"{variable.name}_dim_{i}" for i in range(variable.ndim)]
