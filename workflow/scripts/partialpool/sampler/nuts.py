"""Draw from a compiled density by NUTS, several chains in parallel; all that knows nutpie.

nutpie calls the density's machine code from threads. Each chain is a separate run of nutpie with
its own start, seed and workspace, so the draws do not depend on how many run at once.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
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
    positions = np.concatenate([trace["posterior"]["position"].values for trace in traces])
    found = [trace["sample_stats"] for trace in traces]
    statistics = {
        ours: np.concatenate([one[name].values for one in found])
        for name, ours in STATISTICS.items()
        if name in found[0]
    }
    return positions, statistics


def _chain(program, seed: int, settings: dict):
    """Run one chain and return nutpie's trace."""
    import nutpie

    # Without blocking: a blocking call answers an interrupt with the draws so far.
    running = nutpie.sample(
        program,
        chains=1,
        cores=1,
        seed=seed,
        save_warmup=False,
        progress_bar=False,
        blocking=False,
        **settings,
    )
    return running.wait()


def _program(density: Density, start: np.ndarray):
    """Wrap a density as nutpie's own compiler does, with one variable, the position."""
    from nutpie.compile_pymc import CompiledPyMCModel

    density = density.copy()
    tries = itertools.count()

    def initial_point(_):
        # nutpie calls this again if the density is not finite there.
        return density.start + (start - density.start) / 2 ** next(tries)

    shape = {"position": start.shape}
    return CompiledPyMCModel(
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
