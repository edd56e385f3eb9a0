"""Fit: one variant of one study, tried again with more effort where it falls short."""

import json
import time

import numpy as np
import xarray as xr

from partialpool import convergence, files, priors, sampling
from partialpool.compress import Compressed
from partialpool.models import effects, parts, starts
from partialpool.models.describe import Sampled
from partialpool.models.gaussian import Gaussian
from partialpool.models.glm import Generalised
from partialpool.rows import Rows

HIGHEST_TARGET = 0.99
COORDINATES = ("z", "stretch_", "scale_")


def published_limits(chains: int) -> dict:
    """Limits below which a fit is tried again (Vehtari et al. 2021; Betancourt 2016).

    Fixed, so that changing the limits of the verdict refits nothing.
    """
    return {"max_rhat": 1.01, "min_ess": 100 * chains, "max_divergences": 0, "min_ebfmi": 0.3}


def fit(
    data: Compressed | Rows,
    given: dict,
    variant: str,
    sampler: dict,
    seed: int,
    group_effects: str = "normal",
    at_once: int = 1,
) -> xr.DataTree:
    """Fit one variant, with up to `sampler["attempts"]` attempts.

    Each attempt after the first tunes and draws twice as long and halves the distance of
    target_accept from one; group effects that are sampled get other coordinates. The last
    attempt is kept, whether or not it met the limits: the verdict says so.

    Parameters
    ----------
    data : Compressed or Rows
    given : dict of str to str
        The `priors` block of the config.
    variant : {"pooled", "unpooled", "hierarchical"}
    sampler : dict
        `chains, draws, tune, target_accept, attempts`.
    seed : int
        Of the study; each variant and attempt has its own stream from it.
    group_effects : {"normal", "student_t"}
    at_once : int
        How many chains run at once; it makes no difference to the draws.

    Returns
    -------
    xarray.DataTree
        `posterior` and `sample_stats`; of very many groups `group_effects` and
        `diagnosed_effects`, see :mod:`partialpool.models.effects`. Attributes, JSON where
        not plain: `variant`, `priors` as used, `sampler`, `attempts` (each with its settings,
        what it failed, how group effects were sampled, and seconds), `diagnosed` (labels of
        the groups that are, by factor, where not all are), `provenance`.
    """
    completed = priors.complete(given, data, group_effects)
    diagnosed = {
        factor.name: convergence.diagnosed(_sizes(data, number), seed, factor.name)
        for number, factor in enumerate(data.factors)
    }
    settings = {key: sampler[key] for key in ("draws", "tune", "target_accept")}
    attempts = []
    target = (Generalised if isinstance(data, Rows) else Gaussian)(data, completed, variant)
    for number in range(1, sampler["attempts"] + 1):
        begun = time.perf_counter()
        # For whoever follows the log of a long fit.
        print(f"attempt {number}:", {"chains": sampler["chains"], **settings}, flush=True)
        streams = np.random.SeedSequence([seed, *variant.encode(), number])
        nuts_seed = int(streams.generate_state(1)[0])
        model = target.model()
        drawn = sampling.sample(
            model,
            elsewhere=starts.elsewhere(model, data, completed, variant),
            chains=sampler["chains"],
            seed=nuts_seed,
            at_once=at_once,
            **settings,
        )
        sampled = drawn["posterior"].to_dataset()
        statistics = drawn["sample_stats"].to_dataset()
        draws = Sampled(sampled, data, completed, variant)
        # Coordinates are nobody's question; what follows from them is judged.
        judged = sampled.drop_vars([name for name in sampled if name.startswith(COORDINATES)])
        of_groups = {parts.groups(name): positions for name, positions in diagnosed.items()}
        judged = judged.isel(of_groups, missing_dims="ignore")
        checks = convergence.check(
            convergence.summarise(judged, 0.95), statistics, published_limits(sampler["chains"])
        )
        failed = [check for check in checks if not check["passed"]]
        print(*(f"{c['name']} {c['value']:.4g}" for c in checks), sep=", ", flush=True)
        attempts.append(
            {
                **settings,
                "seconds": round(time.perf_counter() - begun, 2),
                **drawn.attrs,
                "passed": not failed,
                "failed": failed,
                "parameterisation": target.parameterisation,
            }
        )
        if not failed:
            break
        if number < sampler["attempts"]:
            target = target.again(draws, number)
        settings = {
            "draws": 2 * settings["draws"],
            "tune": 2 * settings["tune"],
            "target_accept": min(HIGHEST_TARGET, (1 + settings["target_accept"]) / 2),
        }
    rng = np.random.default_rng(streams.spawn(1)[0])
    stored = effects.stored(target, draws, diagnosed, rng)
    tree = xr.DataTree.from_dict(stored | {"sample_stats": statistics})
    tree.attrs |= {
        "variant": variant,
        "priors": json.dumps(completed.to_dict()),
        "sampler": json.dumps(sampler),
        "seed": seed,
        "attempts": json.dumps(attempts),
        "diagnosed": json.dumps(
            {
                factor.name: [factor.levels[at] for at in diagnosed[factor.name]]
                for factor in data.factors
                if len(diagnosed[factor.name]) < len(factor.levels)
            }
        ),
        "provenance": json.dumps(files.provenance()),
    }
    return tree


def _sizes(data: Compressed | Rows, factor: int) -> np.ndarray:
    """Rows of each group of a factor, as far as merged ones say how many they were."""
    if isinstance(data, Compressed):
        return data.rows
    rows = np.maximum(np.maximum(data.trials, data.count), 1)
    return np.bincount(data.index[factor], weights=rows)
