"""Chains: NUTS on a compiled density, as many chains at once as there are cores for them.

nutpie calls the density's machine code from threads. Each chain has random numbers of its own, so
how many run at once makes no difference to the draws.
"""

import hashlib

import numpy as np
from numba import types

from partialpool import density as density_of
from partialpool.density import Density
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
# What a draw is stored as: its position, as it is.
COPY = """
def copy(size, expanded, position, stored, data):
    for i in range(size):
        stored[i] = position[i]
    return 0
"""


def draw(density: Density, *, chains, seed, at_once, **settings):
    """Draw from a density by NUTS.

    Parameters
    ----------
    density : Density
        Chains start around its `start`.
    chains, seed : int
    at_once : int
        How many chains run at once.
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
    import nutpie

    try:
        # Waited for here, because nutpie itself answers an interrupt with the draws it has so far.
        running = nutpie.sample(
            _program(density),
            chains=chains,
            cores=min(at_once, chains),
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
    statistics = {ours: found[name].values for name, ours in STATISTICS.items() if name in found}
    return trace["posterior"]["position"].values, statistics


def _program(density: Density):
    """The density as nutpie's own compiler would have made it, with one variable, the position."""
    from nutpie.compile_pymc import CompiledPyMCModel

    start = density.start
    numbers = density_of.NUMBERS
    signature = types.int64(types.uint64, types.uint64, numbers, numbers, types.voidptr)
    key = hashlib.sha256("\n".join([*density_of.MADE_BY, COPY]).encode()).hexdigest()

    def initial_point(own_seed):
        return start + np.random.default_rng(own_seed).uniform(-1, 1, start.size)

    shape = {"position": start.shape}
    return CompiledPyMCModel(
        dims={},
        compiled_logp_func=density.function,
        compiled_expand_func=density_of.stored(COPY, "copy", signature, key),
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
