"""Chains: NUTS on one compiled density, one chain after another or side by side.

nutpie calls the density through Python, so chains in threads would wait for one another. Where a
fit has several cores its chains share them as processes, forked once the density is compiled.
Each chain has a seed of its own, so how many run at once makes no difference to the draws.
"""

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from partialpool.errors import UserError

STATISTICS = {  # nutpie's name: ArviZ's name
    "diverging": "diverging",
    "energy": "energy",
    "logp": "lp",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}
_task: Callable | None = None  # what processes are forked for: a density cannot be sent to them


def draw(density, start: np.ndarray, *, chains, seed, at_once, **settings):
    """Draw from a density by NUTS.

    Parameters
    ----------
    density : callable
        `position -> (log density, gradient)`.
    start : numpy.ndarray
        Shape `(position,)`: around it chains start.
    chains, seed : int
    at_once : int
        How many chains run at once, if the system is one on which they can.
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
    global _task
    import nutpie  # noqa: F401  before processes are forked, so that it is imported once

    task = partial(_chain, density, start, settings)
    seeds = [int(np.random.SeedSequence([seed, k]).generate_state(1)[0]) for k in range(chains)]
    at_once = min(at_once, chains)
    if at_once > 1 and sys.platform == "linux":
        _task = task
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(at_once, context, _end_with_parent) as pool:
            found = list(pool.map(_run, seeds))
        _task = None
    else:
        found = [task(seed) for seed in seeds]
    positions, statistics = zip(*found, strict=True)
    return np.stack(positions), {
        name: np.stack([one[name] for one in statistics]) for name in statistics[0]
    }


def _run(seed: int):
    return _task(seed)


def _end_with_parent() -> None:
    """Let the system end this process when the fit's ends, however it does."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _chain(density, start: np.ndarray, settings: dict, seed: int):
    """One chain: positions `(draw, position)`, and statistics `(draw,)`."""
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    def initial_point(own_seed):
        return start + np.random.default_rng(own_seed).uniform(-1, 1, start.size)

    program = from_pyfunc(
        ndim=start.size,
        make_logp_fn=lambda: density,
        make_expand_fn=lambda *_: lambda position: {"position": position},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(start.size,)],
        expanded_names=["position"],
        make_initial_point_fn=initial_point,
    )
    try:
        # Waited for here, because nutpie itself answers an interrupt with the draws it has so far.
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
        trace = running.wait()
    except RuntimeError as error:
        raise UserError(
            f"the sampler could not start ({str(error).splitlines()[0]}); the priors, or the "
            "known sigma, are likely far from the scale of the data"
        ) from error
    found = trace["sample_stats"]
    statistics = {ours: found[name].values[0] for name, ours in STATISTICS.items() if name in found}
    return trace["posterior"]["position"].values[0], statistics
