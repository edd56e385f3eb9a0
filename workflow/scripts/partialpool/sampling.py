"""Sampling: a PyMC model's compiled density, drawn from by NUTS.

PyMC compiles the log density and its gradient with numba, which caches the
machine code on disk; `chains` runs NUTS on the compiled function. Nothing here
knows what the model is.
"""

import fcntl
import hashlib
import math
import platform
import time
from contextlib import contextmanager

import numba
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.link.basic import PerformLinker
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, NUMBA_CACHE_PATH

from partialpool import chains as chains_of

BATCH = 5_000_000  # numbers in one call for several draws
LONGEST_WAIT = 600  # seconds for another process to compile


def sample(
    model: pm.Model, *, chains, draws, tune, target_accept, seed, at_once: int = 1
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

    Returns
    -------
    xarray.DataTree
        `posterior`: every variable of the model on its own scale, dims
        `(chain, draw, *dims of the model)`; `sample_stats` with ArviZ's names.
        Attributes `compile_seconds` and `sampling_seconds`.

    Raises
    ------
    UserError
        If no starting point has a finite density.
    """
    begun = time.perf_counter()
    point = model.initial_point(0)
    density, start = _density(model, point)
    compiled = time.perf_counter()

    settings = {"draws": draws, "tune": tune, "target_accept": target_accept}
    positions, statistics = chains_of.draw(
        density, start, chains=chains, seed=seed, at_once=at_once, **settings
    )
    dims = ("chain", "draw")
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    drawn = xr.DataTree.from_dict(
        {
            "posterior": constrain(model, point, positions),
            "sample_stats": xr.Dataset({n: (dims, v) for n, v in statistics.items()}, coords),
        },
    )
    drawn.attrs |= {
        "compile_seconds": round(compiled - begun, 3),
        "sampling_seconds": round(time.perf_counter() - compiled, 3),
    }
    return drawn


def _values(model: pm.Model) -> list:
    """Value variables in the order of a position; last those as long as the data say."""
    return sorted(model.continuous_value_vars, key=lambda value: None in value.type.shape)


def _split(model: pm.Model, position) -> dict:
    """Each value variable as a part of a position. Lengths that data say are data here too."""
    parts, begin = {}, 0
    for value in _values(model):
        dims = model.named_vars_to_dims.get(model.values_to_rvs[value].name)
        shape = [
            length if length is not None else model.dim_lengths[dims[axis]]
            for axis, length in enumerate(value.type.shape)
        ]
        end = begin + math.prod(shape)
        parts[value] = position[begin:end].reshape(shape) if shape else position[begin]
        begin = end
    return parts


def _density(model: pm.Model, point: dict):
    """Compile `position -> (log density, gradient)`; and the position of a point."""
    logp = rewrite_pregrad(model.logp())
    gradients = pytensor.grad(logp, _values(model), disconnected_inputs="ignore")
    gradient = pt.concatenate([one.ravel() for one in gradients])
    position = pt.vector("position")
    outputs = clone_replace([logp, gradient], _split(model, position), rebuild_strict=False)
    # Fast math lets the compiler reorder sums as it pleases, and it pleases
    # differently for code from the cache: draws would depend on the cache.
    with pytensor.config.change_flags(numba__fastmath=False):
        function = pm.pytensorf.compile([position], outputs, mode="NUMBA")
    # The jitted function itself, without the checks PyTensor makes at every call.
    jitted = function.vm.jit_fn
    data = [container.storage[0] for container in function.input_storage[1:]]

    def density(position):
        value, gradient = jitted(position, *data)
        return float(value), gradient

    start = np.concatenate([np.ravel(point[value.name]) for value in _values(model)])
    with _turn(CACHED_SRC_FUNCTIONS.get(jitted.py_func)):
        density(start)
    return density, start


@contextmanager
def _turn(shape: str | None):
    """Wait while another process compiles, unless code of this shape is on the disk already.

    Whoever waited finds what the other compiled. Besides, Numba's index of its cache can mix up
    what two processes write at once. The system drops the lock of a process that was killed.
    """
    code = f"{shape}-{numba.__version__}-{platform.node()}"
    known = NUMBA_CACHE_PATH / f"partialpool-{hashlib.sha256(code.encode()).hexdigest()}"
    if known.exists():
        yield
        return
    with (NUMBA_CACHE_PATH / "partialpool-lock").open("a") as lock:
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:  # a file system without locks
                break
        yield
    if shape is not None:
        known.touch()


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
    for value in _values(model):
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
