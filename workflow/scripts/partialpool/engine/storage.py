"""Effects: what is stored of the draws of group effects, which can be far more than all others.

Those of a factor with very many groups are stored thinned, in single precision. What the
thinned draws are too few for is stored of the groups that are diagnosed: every draw.
"""

from dataclasses import replace

import numpy as np
import xarray as xr

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import gaussian
from partialpool.engine.gaussian import CollapsedTarget
from partialpool.engine.glm import SampledEffectsTarget
from partialpool.engine.posterior import SampledParameters, describe, group_effects

LARGE = 20_000_000  # draws of one factor's effects, beyond which they are thinned to about as many
FEWEST = 100  # draws of each that are kept
BATCH = 4_000_000  # draws of effects held at once


def stored(
    target: CollapsedTarget | SampledEffectsTarget,
    draws: SampledParameters,
    diagnosed: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    """Every quantity of a fit, as groups of a file.

    Parameters
    ----------
    target : CollapsedTarget or SampledEffectsTarget
    draws : SampledParameters
    diagnosed : dict of str to numpy.ndarray
        Positions of the groups of each factor that are.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to xarray.Dataset
        `posterior`. It has nothing by group of factors with more than `LARGE` draws of effects:
        these are in `group_effects`, every so many draws, as its coordinate `draw` says; and in
        `diagnosed_effects`, of some groups, all draws.
    """
    factors = draws.data.factors
    counts = {f.name: draws.count * len(f.levels) * len(f.varying) for f in factors}
    apart = {name for name, count in counts.items() if count > LARGE}
    if not apart:
        return {"posterior": describe(draws, target.deviations(draws, rng))}
    step = min(-(-max(counts.values()) // LARGE), max(1, draws.count // FEWEST))
    positions = {name: diagnosed[name] for name in apart}
    few, own = draws.select(slice(None, None, step)), draws.of_groups(positions)
    if isinstance(draws.data, GroupTriangles):
        whole, thinned, some = {}, *_drawn(draws, few, own, positions, step, rng)
    else:
        whole, thinned, some = _sampled(target, draws, positions, step, rng)
    return {
        "posterior": describe(draws, whole, apart),
        "group_effects": group_effects(few, thinned, apart),
        "diagnosed_effects": group_effects(own, some, apart),
    }


def _drawn(
    draws: SampledParameters,
    few: SampledParameters,
    own: SampledParameters,
    positions,
    step: int,
    rng,
):
    """u by factor: of all groups in few draws, and of some groups in all; no others are drawn."""
    arrays = {n: getattr(draws.data, n) for n in ("triangle", "rows", "log_jacobian")}
    thinned = gaussian.deviations(few, draws.data, rng)
    some = {}
    for name, u in thinned.items():
        at = positions[name]
        data = replace(own.data, **{n: array[at] for n, array in arrays.items()})
        some |= gaussian.deviations(own, data, rng)
        # In the same draw, the same effects.
        u[:, at] = _by_chain(some[name], draws)[:, ::step].reshape(few.count, *some[name].shape[1:])
    return thinned, some


def _sampled(target: SampledEffectsTarget, draws: SampledParameters, positions, step: int, rng):
    """u by factor, some draws at a time: of factors that are stored whole; then as `_drawn`."""
    size = draws.chains * sum(len(f.levels) * len(f.varying) for f in draws.data.factors)
    span = step * max(1, BATCH // (size * step))
    whole, thinned, some = {}, {}, {}
    for start in range(0, draws.length, span):
        part = draws.select(slice(start, start + span))
        for name, u in target.deviations(part, rng).items():
            u = _by_chain(u, part)
            if name in positions:
                thinned.setdefault(name, []).append(u[:, ::step].astype(np.float32))
                some.setdefault(name, []).append(u[:, :, positions[name]])
            else:
                whole.setdefault(name, []).append(u)
    return tuple({n: _joined(parts) for n, parts in u.items()} for u in (whole, thinned, some))


def _by_chain(u: np.ndarray, draws: SampledParameters) -> np.ndarray:
    return u.reshape(draws.chains, draws.length, *u.shape[1:])


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Draws of all parts of the chains, `(draw, group, varying)`."""
    u = np.concatenate(parts, axis=1)
    return u.reshape(-1, *u.shape[2:])
