"""Sampling: a PyMC model drawn from by NUTS.

`density` compiles it, `chains` draws positions, and these become the model's variables on their
own scale. Nothing here knows what the model is.
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
from partialpool.sampler import compiled_density
from partialpool.sampler import nuts as chains_of

BATCH = 5_000_000  # numbers in one call for several draws
STEPS = 50  # of a descent from a start that is far from all modes
FACTOR = 1.5  # of logarithms: standard deviations start up to 4.5 times smaller or larger


def sample(
    model: pm.Model,
    *,
    chains,
    draws,
    tune,
    target_accept,
    seed,
    at_once: int = 1,
    elsewhere: Callable[[np.ndarray], np.ndarray] | None = None,
    starts: np.ndarray | None = None,
) -> xr.DataTree:
    """Draw from a model's posterior by NUTS.

    The draws depend on the model, the settings and the seed.

    Parameters
    ----------
    model : pm.Model
        Continuous parameters only.
    chains, draws, tune : int
        Chains, and draws of each after and while tuning.
    target_accept : float
        Target of the step size adaptation.
    seed : int
    at_once : int
        How many chains run at once; it makes no difference to the draws.
    elsewhere : callable, optional
        From what :func:`dispersed` gives to where chains start instead, :func:`downhill`.
    starts : numpy.ndarray, optional
        Where the chains start, `(chain, position)`: where those of another call ended.

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
        if elsewhere:
            starts = np.stack([downhill(compiled, start) for start in elsewhere(starts)])
    settings = {"draws": draws, "tune": tune, "target_accept": target_accept}
    positions, statistics = chains_of.draw(compiled, starts, seed=seed, at_once=at_once, **settings)
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
    """Draw where chains start: around a point, and far from each other.

    What is sampled as a logarithm or a logit is up to `FACTOR` away from the point, what is
    sampled as it is up to one, which is a standard deviation or so in the models' coordinates.
    Starts are a Latin hypercube: half of the chains are above the point in each coordinate,
    and half below, so that no chance puts all on one side of what separates two modes.

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


def downhill(compiled: compiled_density.Density, start: np.ndarray) -> np.ndarray:
    """Go from a start towards the mode that it is nearest to.

    A chain that starts far from all modes falls with so much energy that it ends in any of them,
    wherever it started. `STEPS` steps bring it down first; it need not arrive.

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
        One value of every value variable, which tells the shapes.
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
    # Many draws a call, so an interpreter is as fast as compiled code and costs
    # no compilation.
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
