"""Fit: one variant of one study, tried again with more effort where it falls short."""

import json
import time

import numpy as np
import xarray as xr

from partialpool import convergence, files, priors, sampling
from partialpool.compress import Compressed
from partialpool.models import gaussian

HIGHEST_TARGET = 0.99


def published_limits(chains: int) -> dict:
    """Limits below which a fit is tried again (Vehtari et al. 2021; Betancourt 2016).

    Fixed, so that changing the limits of the verdict refits nothing.
    """
    return {"max_rhat": 1.01, "min_ess": 100 * chains, "max_divergences": 0, "min_ebfmi": 0.3}


def fit(data: Compressed, given: dict, variant: str, sampler: dict, seed: int) -> xr.DataTree:
    """Fit one variant, with up to `sampler["attempts"]` attempts.

    Each attempt after the first tunes and draws twice as long and halves the
    distance of target_accept from one. The last attempt is kept, whether or
    not it met the limits: the verdict says so.

    Parameters
    ----------
    data : Compressed
    given : dict of str to str
        The `priors` block of the config.
    variant : {"pooled", "unpooled", "hierarchical"}
    sampler : dict
        `chains, draws, tune, target_accept, attempts`.
    seed : int
        Of the study; each variant and attempt has its own stream from it.

    Returns
    -------
    xarray.DataTree
        `posterior` and `sample_stats`. Attributes, JSON where not plain: `variant`,
        `priors` as used, `sampler`, `attempts` (each with its settings, what it
        failed, and seconds), `provenance`.
    """
    completed = priors.complete(given, data)
    settings = {key: sampler[key] for key in ("draws", "tune", "target_accept")}
    attempts = []
    for number in range(1, sampler["attempts"] + 1):
        begun = time.perf_counter()
        # For whoever follows the log of a long fit.
        print(f"attempt {number}:", {"chains": sampler["chains"], **settings}, flush=True)
        streams = np.random.SeedSequence([seed, *variant.encode(), number])
        nuts_seed = int(streams.generate_state(1)[0])
        model = gaussian.model(data, completed, variant)
        drawn = sampling.sample(model, chains=sampler["chains"], seed=nuts_seed, **settings)
        sampled = drawn["posterior"].to_dataset()
        statistics = drawn["sample_stats"].to_dataset()
        checks = convergence.check(
            convergence.summarise(sampled, 0.95), statistics, published_limits(sampler["chains"])
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
            }
        )
        if not failed:
            break
        settings = {
            "draws": 2 * settings["draws"],
            "tune": 2 * settings["tune"],
            "target_accept": min(HIGHEST_TARGET, (1 + settings["target_accept"]) / 2),
        }
    rng = np.random.default_rng(streams.spawn(1)[0])
    posterior = gaussian.describe(sampled, data, completed, variant, rng)
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    tree.attrs |= {
        "variant": variant,
        "priors": json.dumps(completed.to_dict()),
        "sampler": json.dumps(sampler),
        "seed": seed,
        "attempts": json.dumps(attempts),
        "provenance": json.dumps(files.provenance()),
    }
    return tree
