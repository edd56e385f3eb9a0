"""Diagnose: can this fit be trusted? Said of the numbers of `convergence`, in words.

Apart from them, so that rewording an advice fits nothing again.
"""

import math

import pandas as pd
import xarray as xr

from partialpool.convergence import check

ADVICE = {
    "rhat": "The chains disagree about {worst} (R-hat {value:.3f}, at most {threshold}): tune and "
    "draw longer, or look for a parameter the data and priors do not determine.",
    "ess_bulk": "Too few independent draws for the mean of {worst} (bulk ESS {value:.0f}, at least "
    "{threshold:.0f}): draw longer.",
    "ess_tail": "Too few independent draws for the interval of {worst} (tail ESS {value:.0f}, at "
    "least {threshold:.0f}): draw longer.",
    "divergences": "{value:.0f} transitions diverged, most in {worst} (at most {threshold:.0f}), "
    "so part of the posterior may be missing: raise target_accept, or give the standard deviations "
    "tighter priors.",
    "ebfmi": "The energy of {worst} was explored slowly (E-BFMI {value:.2f}, at least "
    "{threshold}): tune longer, or use priors with lighter tails.",
}


def verdict(
    summary: pd.DataFrame, statistics: xr.Dataset, limits: dict, partly: dict | None = None
) -> dict:
    """The machine-readable answer: `passed`, every check, and a sentence for each that failed.

    `partly` is `diagnosed` in it: of which factors only a part of the groups was judged.
    """
    checks = check(summary, statistics, limits)
    failed = [c for c in checks if not c["passed"]]
    return {
        "passed": not failed,
        "checks": checks,
        "advice": [
            ADVICE[c["name"]].format(
                **c | {"value": math.nan if c["value"] is None else c["value"]}
            )
            for c in failed
        ],
        "diagnosed": partly or {},
    }
