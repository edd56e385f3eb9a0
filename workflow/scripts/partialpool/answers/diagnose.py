"""The verdict on one fit: checks of convergence, and advice where they fail.

Apart from `sampler.convergence`, so that rewording an advice fits nothing again.
"""

import itertools
import json
import math

import pandas as pd
import xarray as xr

from partialpool.model import parameter_names
from partialpool.sampler import convergence
from partialpool.study.checks import CHECKS

HOPELESS = 10  # times more draws: from there on it is the model
SAFETY = 1.2  # factor on the draws that are advised, since ESS is an estimate
ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
TARGETS = (0.99, 0.995)
MANY = 0.1  # share of draws that diverge, from which on a higher target_accept does not help
FEW = 5  # groups, which say little about the sd between them


def verdict(
    summary: pd.DataFrame,
    statistics: xr.Dataset,
    limits: dict,
    effort: dict,
    partly: dict | None = None,
) -> dict:
    """Judge one fit, for `diagnostics.json`.

    Parameters
    ----------
    summary, statistics, limits
        As for :func:`partialpool.sampler.convergence.check`.
    effort : dict
        From :func:`effort`.
    partly : dict, optional
        Factors of which only a part of the groups was judged.

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
    """Describe failed checks, and advise a setting of the sampler or a change of the model.

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
        A sentence about the checks that are listed by quantity, one about each other check, and
        the remedy.
    """
    if not failed:
        return []
    shown = {c["name"]: CHECKS[c["name"]].shown for c in failed}
    by_quantity = [c for c in failed if shown[c["name"]].finding is None]
    sentences = [f"{_listed(by_quantity)}."] if by_quantity else []
    sentences += [f"{_finding(c)}." for c in failed if shown[c["name"]].finding is not None]
    one_chain = next((one.one_chain for one in shown.values() if one.one_chain), None)
    if sampler["chains"] == 1 and one_chain:
        return [*sentences, one_chain]
    draws = last["draws"] * sampler["chains"]
    times = [_times_more(check, draws, last) for check in failed]
    hopeless = [c for c, more in zip(failed, times, strict=True) if more >= HOPELESS]
    if hopeless:
        return [*sentences, _model_advice(hopeless[0], factors)]
    wanted = {key: last[key] for key in ("draws", "tune", "target_accept")}
    for check, more in zip(failed, times, strict=True):
        setting = shown[check["name"]].setting
        if setting == "draws":
            wanted["draws"] = max(wanted["draws"], _round(SAFETY * more * last["draws"]))
        elif setting == "target_accept":
            wanted["target_accept"] = next(t for t in TARGETS if t > last["target_accept"])
        else:
            wanted["tune"] = _round(2 * last["tune"])
    changed = [f"{key}: {value:.6g}" for key, value in wanted.items() if value != sampler[key]]
    return [*sentences, f"Set `sampler: {{{', '.join(changed)}}}` for this study."]


def _listed(checks: list[dict]) -> str:
    """Values and limits of checks, by the quantity that fails them worst."""
    parts = []
    for worst, of_one in itertools.groupby(checks, key=lambda check: check["worst"]):
        numbers = ", ".join(map(_number, of_one))
        parts.append(f"{worst}: {numbers}" if worst else numbers)
    return "; ".join(parts)


def _finding(check: dict) -> str:
    if check["value"] is None:
        return _listed([check])
    return CHECKS[check["name"]].shown.finding.format(**check)


def _number(check: dict) -> str:
    record = CHECKS[check["name"]]
    limit = "" if check["value"] is None else f" ({record.direction} {check['threshold']:g})"
    return f"{record.shown.label} {record.text(check['value'])}{limit}"


def _times_more(check: dict, draws: int, last: dict) -> float:
    """How many times the effort of the last attempt a check would need, about."""
    value, record = check["value"], CHECKS[check["name"]]
    if value is None or record.shown.setting is None:
        return math.inf
    if record.shown.setting == "target_accept":
        helps = last["target_accept"] < TARGETS[-1] and value < MANY * draws
        return 1.0 if helps else math.inf
    return record.times_more(value, check["threshold"])


def _model_advice(check: dict, factors: dict) -> str:
    """Which part of the model to look at, where longer chains would not help."""
    worst = check["worst"] or ""
    more = "Longer chains will not mend this: look at the model."
    shared = [name for name, factor in factors.items() if "Intercept" in factor["varying"]]
    about = [
        factor
        for factor in factors
        for kind in parameter_names.OF_FACTOR
        if parameter_names.is_of(worst, kind, factor)
    ]
    if worst.startswith("chain "):
        about = list(factors)
    elif worst == parameter_names.beta("Intercept"):
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
    model_advice = CHECKS[check["name"]].shown.model_advice
    if model_advice is not None:
        return f"{more} {model_advice}"
    if check["value"] is None:
        more = "Draws that do not move, or are not finite, have no diagnostics: look at the model."
    name = worst.partition(" of chain ")[0] or "the parameters"
    return (
        f"{more} The data and the priors leave {name} open, or there are several modes: give it a "
        "prior that rules out what cannot be, or a simpler model."
    )


def _round(number: float) -> int:
    """The next round number."""
    magnitude = 10 ** (len(str(int(number))) - 1)
    return int(next(step * magnitude for step in ROUND if step * magnitude >= number))
