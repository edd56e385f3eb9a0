"""Fit one variant of a study by NUTS, in several attempts if it does not converge."""

import json
import time
from dataclasses import dataclass

import numpy as np
import xarray as xr

from partialpool.base.provenance import provenance
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import starts
from partialpool.engine.collapsed_target import CollapsedTarget
from partialpool.engine.posterior import SampledParameters, groups, stored
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model import priors
from partialpool.sampler import convergence, sampling
from partialpool.study.checks import published_limits

HIGHEST_TARGET = 0.99
TARGETS = {GroupTriangles: CollapsedTarget, MergedRows: SampledEffectsTarget}
# Beginnings of the names of internal coordinates. `zi` is a parameter.
COORDINATES = ("z_effects", "stretch_", "scale_")


@dataclass
class Attempt:
    """A failed attempt, kept to compare its chains with later ones.

    Attributes
    ----------
    target : CollapsedTarget or SampledEffectsTarget
    settings : dict
        `draws`, `tune` and `target_accept`.
    ends : numpy.ndarray
        Last position of each chain, `(chain, position)`.
    medians : xarray.Dataset
        From :func:`partialpool.sampler.convergence.medians`.
    """

    target: CollapsedTarget | SampledEffectsTarget
    settings: dict
    ends: np.ndarray
    medians: xr.Dataset


def fit(
    data: GroupTriangles | MergedRows,
    given: dict,
    variant: str,
    sampler: dict,
    seed: int,
    group_effects: str = "normal",
    at_once: int = 1,
) -> xr.DataTree:
    """Fit one variant, with up to `sampler["attempts"]` attempts.

    Each attempt after the first tunes and draws twice as long and quarters the distance of
    target_accept from one; group effects that are sampled get other coordinates. An attempt
    passes if it meets the limits and no chain of an earlier one has found another mode. The last
    attempt is kept whether or not it passed; the verdict reports it.

    Parameters
    ----------
    data : GroupTriangles or MergedRows
    given : dict of str to str
        The `priors` block of the config.
    variant : {"pooled", "unpooled", "hierarchical"}
    sampler : dict
        `chains, draws, tune, target_accept, attempts`.
    seed : int
        Seed of the study; each variant and attempt has its own stream of random numbers.
    group_effects : {"normal", "student_t"}
    at_once : int
        Number of chains that run at once; the draws do not depend on it.

    Returns
    -------
    xarray.DataTree
        `posterior` and `sample_stats`; with very many groups also `group_effects` and
        `diagnosed_effects`: see :func:`partialpool.engine.posterior.stored`. Attributes, as JSON
        unless plain: `variant`, `priors` as used, `sampler`, `attempts` (settings, failed checks,
        `earlier` if chains of earlier attempts were compared with it, parameterisation of group
        effects, `density`: compiled or PyMC's, seconds), `diagnosed` (labels of the diagnosed
        groups of each factor, unless all are), `provenance`.
    """
    completed = priors.complete(given, data, group_effects)
    diagnosed = {
        factor.name: convergence.diagnosed(data.group_sizes(number), seed, factor.name)
        for number, factor in enumerate(data.factors)
    }
    settings = {key: sampler[key] for key in ("draws", "tune", "target_accept")}
    of_groups = {groups(name): positions for name, positions in diagnosed.items()}

    def draw(target, settings, nuts_seed, ends=None):
        """Draw from a target; also return the parameters on which convergence is judged."""
        begun = time.perf_counter()
        model = target.compiled()
        ready = time.perf_counter()
        drawn = sampling.sample(
            model,
            chains=sampler["chains"] if ends is None else len(ends),
            seed=nuts_seed,
            at_once=at_once,
            disperse=starts.overdispersed(model, target.centre, data, completed, variant),
            starts=ends,
            **settings,
        )
        drawn.attrs["compile_seconds"] = round(ready - begun, 3)
        drawn.attrs["density"] = model.kind
        sampled = drawn["posterior"].to_dataset()
        # Judge convergence on the model's parameters, not on internal coordinates.
        judged = sampled.drop_vars([n for n in sampled if n == "z" or n.startswith(COORDINATES)])
        return drawn, judged.isel(of_groups, missing_dims="ignore")

    attempts: list[dict] = []
    earlier: list[Attempt] = []
    limits = published_limits(sampler["chains"])
    target = TARGETS[type(data)](data, completed, variant)
    for number in range(1, sampler["attempts"] + 1):
        begun = time.perf_counter()
        # A long fit is followed in its log.
        print(f"attempt {number}:", {"chains": sampler["chains"], **settings}, flush=True)
        streams = np.random.SeedSequence([seed, *variant.encode(), number])
        nuts_seed = int(streams.generate_state(1)[0])
        drawn, judged = draw(target, settings, nuts_seed)
        statistics = drawn["sample_stats"].to_dataset()
        summary = convergence.summarise(judged, 0.95)
        checks = convergence.check(summary, statistics, limits)
        kept = number == sampler["attempts"] or all(check["passed"] for check in checks)
        others = _others(earlier, judged, draw, nuts_seed) if kept and earlier else None
        checks = convergence.check(summary, statistics, limits, others)
        failed = [check for check in checks if not check["passed"]]
        print(*map(_line, checks), sep=", ", flush=True)
        attempts.append(
            {
                **settings,
                "seconds": round(time.perf_counter() - begun, 2),
                **drawn.attrs,
                "passed": not failed,
                "failed": failed,
                "earlier": others,
                "parameterisation": target.parameterisation,
            }
        )
        draws = SampledParameters(drawn["posterior"].to_dataset(), data, completed, variant)
        if not failed:
            break
        if number < sampler["attempts"]:
            ends = drawn["ends"]["position"].values
            earlier.append(Attempt(target, settings, ends, convergence.medians(judged)))
            target = target.next_attempt(draws, number)
        settings = {
            "draws": 2 * settings["draws"],
            "tune": 2 * settings["tune"],
            "target_accept": min(HIGHEST_TARGET, 1 - (1 - settings["target_accept"]) / 4),
        }
    rng = np.random.default_rng(streams.spawn(1)[0])
    described = stored(target, draws, diagnosed, rng)
    tree = xr.DataTree.from_dict(described | {"sample_stats": statistics})
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
        "provenance": json.dumps(provenance()),
    }
    return tree


def _others(earlier: list[Attempt], judged: xr.Dataset, draw, seed: int) -> dict:
    """Count the chains of earlier attempts that are in another mode than the later draws.

    A chain far from all later draws may only have been too short, so it is continued, with new
    tuning and as many draws. If it stays there, it is in another mode.

    Parameters
    ----------
    earlier : list of Attempt
    judged : xarray.Dataset
        Draws of the later attempt.
    draw : callable
        As in :func:`fit`.
    seed : int

    Returns
    -------
    dict
        `chains`, their number, and `worst`, the name of a parameter or None.
    """
    found = []
    for number, attempt in enumerate(earlier, start=1):
        away = list(convergence.between_chain_spread(attempt.medians, judged))
        if not away:
            continue
        print(
            f"of attempt {number}, chain {', '.join(map(str, away))} was elsewhere: continued",
            flush=True,
        )
        own_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        _, went_on = draw(attempt.target, attempt.settings, own_seed, attempt.ends[away])
        apart = convergence.between_chain_spread(convergence.medians(went_on), judged)
        found += [f"{name} of chain {away[i]}, attempt {number}" for i, name in apart.items()]
    return {"chains": len(found), "worst": found[0] if found else None}


def _line(check: dict) -> str:
    """Format a check for the log."""
    value = "not a number" if check["value"] is None else f"{check['value']:.4g}"
    return f"{check['name']} {value}"
