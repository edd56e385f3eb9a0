"""Diagnose: can this fit be trusted, and if not, what to do: the checks of `convergence` in words.

Apart from them, so that rewording an advice fits nothing again.
"""

import itertools
import json

import pandas as pd
import xarray as xr

from partialpool.answers.verdict import CHECKS
from partialpool.sampler import convergence

MIXING = ("rhat", "ess_bulk", "ess_tail")
HOPELESS = 10  # times more draws: from there on it is the model
SAFETY = 1.2  # of the draws that are advised, since ESS is an estimate
ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
TARGETS = (0.99, 0.995)
FEW = 5  # groups, which say little about the sd between them
SEEN = {
    "divergences": "{value:,} transitions diverged (at most {threshold:,}), most in {worst}, so "
    "part of the posterior may be missing",
    "ebfmi": "The energy of {worst} was explored slowly (E-BFMI {value:.2f}, at least "
    "{threshold:g})",
    "earlier_attempts": "Chains of an earlier attempt found another mode and stayed there: "
    "{value:,}, farthest away in {worst}",
}


def verdict(
    summary: pd.DataFrame,
    statistics: xr.Dataset,
    limits: dict,
    effort: dict,
    partly: dict | None = None,
) -> dict:
    """The machine-readable answer: can a fit be trusted?

    Parameters
    ----------
    summary, statistics, limits
        As for :func:`partialpool.sampler.convergence.check`.
    effort : dict
        From :func:`effort`.
    partly : dict, optional
        Of which factors only a part of the groups was judged.

    Returns
    -------
    dict
        `passed`; `checks`; `advice`, sentences; `diagnosed`, which is `partly`.
    """
    checks = convergence.check(summary, statistics, limits, effort["last"].get("earlier"))
    failed = [c for c in checks if not c["passed"]]
    return {
        "passed": not failed,
        "checks": checks,
        "advice": advice(failed, **effort),
        "diagnosed": partly or {},
    }


def effort(tree: xr.DataTree) -> dict:
    """How a fit was sampled: arguments of :func:`advice`.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`partialpool.engine.fit.fit`.
    """
    factors = {}
    if tree.attrs["variant"] == "hierarchical":
        sizes = dict(tree["posterior"].sizes)
        if "group_effects" in tree.children:
            sizes |= tree["group_effects"].sizes
        for name, sds in json.loads(tree.attrs["priors"])["sd"].items():
            factors[name] = {"groups": sizes[name], "varying": list(sds)}
    return {
        "sampler": json.loads(tree.attrs["sampler"]),
        "last": json.loads(tree.attrs["attempts"])[-1],
        "factors": factors,
    }


def advice(failed: list[dict], sampler: dict, last: dict, factors: dict) -> list[str]:
    """What was seen, and what to write in the config, or that it is the model.

    Parameters
    ----------
    failed : list of dict
        Checks that failed.
    sampler : dict
        The settings of the config.
    last : dict
        `draws`, `tune` and `target_accept` of the last attempt.
    factors : dict of str to dict
        `groups`, how many, and `varying` of each grouping factor whose sds are estimated.

    Returns
    -------
    list of str
        A sentence for what failed together, and a last one with the remedy.
    """
    if not failed:
        return []
    mixing = [c for c in failed if c["name"] in MIXING]
    said = [f"{_listed(mixing)}."] if mixing else []
    said += [f"{_seen(c)}." for c in failed if c not in mixing]
    if sampler["chains"] == 1 and any(c["name"] == "rhat" for c in mixing):
        return [*said, "R-hat compares chains, and there is one: set `sampler: {chains: 4}`."]
    draws = last["draws"] * sampler["chains"]
    hopeless = [c for c in failed if _times_more(c, draws, last) >= HOPELESS]
    if hopeless:
        return [*said, _model(hopeless[0], factors)]
    wanted = {key: last[key] for key in ("draws", "tune", "target_accept")}
    for check in failed:
        times = _times_more(check, draws, last)
        if check["name"] in MIXING:
            wanted["draws"] = max(wanted["draws"], _round(SAFETY * times * last["draws"]))
        elif check["name"] == "divergences":
            wanted["target_accept"] = next(t for t in TARGETS if t > last["target_accept"])
        else:
            wanted["tune"] = _round(2 * last["tune"])
    changed = [f"{key}: {value:.6g}" for key, value in wanted.items() if value != sampler[key]]
    return [*said, f"Set `sampler: {{{', '.join(changed)}}}` for this study."]


def _listed(checks: list[dict]) -> str:
    """What checks found, by the quantity that fails them worst."""
    said = []
    for worst, own in itertools.groupby(checks, key=lambda check: check["worst"]):
        numbers = ", ".join(map(_number, own))
        said.append(f"{worst}: {numbers}" if worst else numbers)
    return "; ".join(said)


def _seen(check: dict) -> str:
    return _listed([check]) if check["value"] is None else SEEN[check["name"]].format(**check)


def _number(check: dict) -> str:
    own = CHECKS[check["name"]]
    limit = "" if check["value"] is None else f" ({own.direction} {check['threshold']:g})"
    return f"{own.label} {own.shown(check['value'])}{limit}"


def _times_more(check: dict, draws: int, last: dict) -> float:
    """How many times the effort of the last attempt a check would need, about."""
    value, threshold = check["value"], check["threshold"]
    if value is None or check["name"] == "earlier_attempts":
        return float("inf")
    if check["name"] == "rhat":  # its distance from one is that of a variance of means
        return (value - 1) / (threshold - 1)
    if check["name"] == "divergences":
        left = last["target_accept"] < TARGETS[-1] and value < 0.1 * draws
        return 1.0 if left else float("inf")
    return threshold / max(value, 1e-9)


def _model(check: dict, factors: dict) -> str:
    """What of the model to look at, where longer chains would not help."""
    worst = check["worst"] or ""
    more = "Longer chains will not mend this: look at the model."
    shared = [name for name, own in factors.items() if "Intercept" in own["varying"]]
    about = [f for f in factors for kind in ("sd", "cor", "u", "coef", "nu") if _is(worst, kind, f)]
    if worst.startswith("chain "):
        about = list(factors)
    elif worst == "beta[Intercept]":
        about = shared
    few = next((name for name in about if factors[name]["groups"] <= FEW), None)
    if few:
        count = factors[few]["groups"]
        return (
            f"{more} {few} has {count} {'group' if count == 1 else 'groups'}, too few for the data "
            f"to tell how much groups differ: give `sd_{few}` a tighter prior, or make {few} a "
            "predictor."
        )
    if len(shared) > 1 and "Intercept" in worst:
        sds = " and ".join(f"`sd_{name}`" for name in shared)
        return (
            f"{more} {' and '.join(shared)} share the Intercept: give {sds} tighter priors, or "
            "leave a factor out."
        )
    if check["name"] == "divergences":
        return f"{more} Give standard deviations tighter priors, or leave out varying slopes."
    if check["name"] == "ebfmi":
        return f"{more} Use priors with lighter tails."
    if check["value"] is None:
        more = "Draws that do not move, or are not finite, have no diagnostics: look at the model."
    name = worst.partition(" of chain ")[0] or "the parameters"
    return (
        f"{more} The data and the priors leave {name} open, or there are several modes: give it a "
        "prior that rules out what cannot be, or a simpler model."
    )


def _is(name: str, kind: str, factor: str) -> bool:
    """Whether a scalar is a factor's."""
    return name == f"{kind}_{factor}" or name.startswith(f"{kind}_{factor}[")


def _round(number: float) -> int:
    """The next round number."""
    magnitude = 10 ** (len(str(int(number))) - 1)
    return int(next(step * magnitude for step in ROUND if step * magnitude >= number))
