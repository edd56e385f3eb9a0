"""Draw from a compiled density by NUTS, several chains in parallel; all that knows nutpie.

nutpie calls the density's machine code from threads. Each chain is a separate run of nutpie with
its own start, seed and workspace, so the draws do not depend on how many run at once.
"""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType

import numpy as np
import pyarrow as pa
from numba import types

from partialpool.base.errors import UserError
from partialpool.sampler.density import Density
from partialpool.sampler.machine_code import NUMBERS, Code, load

STATISTICS = {  # nutpie's name: ArviZ's name
    "diverging": "diverging",
    "energy": "energy",
    "logp": "lp",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}


def copy_position(size, expanded, position, stored, data):
    """What nutpie stores for each draw: the position itself."""
    for i in range(size):
        stored[i] = position[i]
    return 0


COPY = Code(
    copy_position,
    types.int64(types.uint64, types.uint64, NUMBERS, NUMBERS, types.voidptr),
    (__file__,),
)


def draw(density: Density, starts: np.ndarray, *, seed, at_once, **settings):
    """Draw from a density by NUTS.

    Parameters
    ----------
    density : Density
    starts : numpy.ndarray
        Start of each chain, shape `(chain, position)`. A chain whose density is not finite there
        starts closer to the density's own start.
    seed : int
    at_once : int
        Number of chains that run at once.
    **settings
        `draws`, `tune` and `target_accept`.

    Returns
    -------
    positions : numpy.ndarray
        Shape `(chain, draw, position)`.
    statistics : dict of str to numpy.ndarray
        Shape `(chain, draw)`, by ArviZ's names.

    Raises
    ------
    UserError
        If no starting point has a finite density.
    """
    seeds = np.random.SeedSequence(seed).generate_state(len(starts)).tolist()
    programs = [_program(density, start) for start in starts]
    pool = ThreadPoolExecutor(min(at_once, len(starts)))
    try:
        traces = list(pool.map(lambda *own: _chain(*own, settings), programs, seeds))
    except RuntimeError as error:
        raise UserError(
            f"the sampler could not start ({str(error).splitlines()[0]}); the priors, or the "
            "known sigma, are likely far from the scale of the data"
        ) from error
    finally:  # an interrupt does not wait for chains that are running
        pool.shutdown(wait=False, cancel_futures=True)
    statistics = {name: np.stack([one[name] for _, one in traces]) for name in traces[0][1]}
    return np.stack([positions for positions, _ in traces]), statistics


def _chain(program, seed: int, settings: dict) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run one chain: positions `(draw, position)`, and statistics `(draw,)` by ArviZ's names."""
    _, sample = _nutpie()
    # Without blocking: a blocking call answers an interrupt with the draws so far.
    running = sample(
        program,
        chains=1,
        cores=1,
        seed=seed,
        progress_bar=False,
        blocking=False,
        return_raw_trace=True,
        **settings,
    )
    (draws,), (statistics,) = running.wait().get_arrow_trace()
    kept = ~_numbers(statistics, "tuning").astype(bool)
    positions = _numbers(draws, "position").reshape(len(kept), -1)
    names = set(statistics.column_names)
    return positions[kept], {
        ours: _numbers(statistics, name)[kept] for name, ours in STATISTICS.items() if name in names
    }


def _numbers(batch, name: str) -> np.ndarray:
    """A column of a record batch, lists one after another."""
    column = pa.array(batch.column(name))
    if hasattr(column, "flatten"):
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False)


@cache
def _nutpie():
    """Import nutpie without ArviZ's plots, which it needs for traces that are not raw."""
    name = "arviz"
    loaded = sys.modules.setdefault(name, ModuleType(name))
    try:
        from nutpie import compile_pymc, sample
    finally:
        if getattr(loaded, "__spec__", None) is None:
            del sys.modules[name]
    return compile_pymc.CompiledPyMCModel, sample


def _program(density: Density, start: np.ndarray):
    """Wrap a density as nutpie's own compiler does, with one variable, the position."""
    compiled_model, _ = _nutpie()
    density = density.copy()
    tries = itertools.count()

    def initial_point(_):
        # nutpie calls this again if the density is not finite there.
        return density.start + (start - density.start) / 2 ** next(tries)

    shape = {"position": start.shape}
    return compiled_model(
        dims={},
        compiled_logp_func=density.function,
        compiled_expand_func=load([COPY])[0],
        initial_point_func=initial_point,
        shared_data={"density": density},  # the pointers are good as long as it lives
        shared_var_keys={},
        user_data=density.pointers,
        n_expanded=start.size,
        shape_info=(list(shape), [slice(0, start.size)], list(shape.values())),
        logp_func=None,
        expand_func=None,
        _n_dim=start.size,
        _shapes=shape,
        _coords={},
    )
