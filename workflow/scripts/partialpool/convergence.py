"""Convergence: what a fit's draws say of the sampler, in numbers.

Rank-normalised R-hat and bulk and tail effective sample sizes (Vehtari, Gelman,
Simpson, Carpenter & Bürkner 2021, https://doi.org/10.1214/20-BA1221), divergent
transitions, and E-BFMI (Betancourt 2016, https://arxiv.org/abs/1604.00695), all
by arviz-stats, over every scalar of the posterior.
"""

import itertools
import math

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

SUMMARY_COLUMNS = (
    "name", "mean", "sd", "lower", "upper", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "rhat",
)  # fmt: skip


def summarise(posterior: xr.Dataset, interval: float) -> pd.DataFrame:
    """One row per scalar the fit estimates, full precision.

    Scalars that the variant or the model fixes (a between-group sd of zero, the
    diagonal of a correlation matrix) have no sampling error and are left out.

    Parameters
    ----------
    posterior : xarray.Dataset
        Dims `(chain, draw, ...)`.
    interval : float
        Probability inside `lower` and `upper`, an equal-tailed interval.

    Returns
    -------
    pandas.DataFrame
        Columns `name, mean, sd, lower, upper, mcse_mean, mcse_sd, ess_bulk,
        ess_tail, rhat`; names as ArviZ writes them, such as `beta[floor]`.
    """
    free = posterior[[name for name, v in posterior.items() if _varies(v).any()]]
    distinct = xr.Dataset({name: _distinct(v) for name, v in free.items()})
    with np.errstate(all="ignore"):  # a correlation matrix has a constant diagonal
        found = azs.summary(
            distinct, ci_prob=interval, ci_kind="eti", round_to="none", fmt="xarray"
        )
    lower, upper = (str(name) for name in found["summary"].values if name.startswith("eti"))
    theirs = {"lower": lower, "upper": upper, "rhat": "r_hat"}
    columns = [theirs.get(name, name) for name in SUMMARY_COLUMNS[1:]]
    parts = []
    for name, variable in free.items():
        # The order of dims is made sure of: a summary may have another than the posterior.
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        one_draw = variable.isel(chain=0, draw=0, drop=True)
        values = found[name].sel(summary=columns).broadcast_like(one_draw)
        values = values.transpose(*dims, "summary").values
        part = pd.DataFrame(values.reshape(-1, len(columns)), columns=SUMMARY_COLUMNS[1:])
        part.insert(0, "name", _names(name, variable, dims))
        parts.append(part[_varies(variable).transpose(*dims).values.ravel()])
    return pd.concat(parts, ignore_index=True)


def _distinct(variable: xr.DataArray) -> xr.DataArray:
    """One of all groups, where their draws are the same as in a pooled fit: one summary will do."""
    for dim in variable.dims[2:]:
        first = variable.isel({dim: 0}, drop=True)
        if variable.sizes[dim] > 1 and bool((variable == first).all()):
            variable = first
    return variable


def _names(name: str, variable: xr.DataArray, dims: list[str]) -> list[str]:
    """`beta[floor]` and so on, as ArviZ writes them, the last dim fastest."""
    if not dims:
        return [name]
    labels = itertools.product(*(variable[dim].values for dim in dims))
    return [f"{name}[{', '.join(map(str, label))}]" for label in labels]


def _varies(variable: xr.DataArray) -> xr.DataArray:
    sample = ("chain", "draw")
    return variable.max(sample) > variable.min(sample)


def check(summary: pd.DataFrame, statistics: xr.Dataset, limits: dict) -> list[dict]:
    """Compare a fit's diagnostics with limits.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`summarise`.
    statistics : xarray.Dataset
        `diverging` and `energy`, dims `(chain, draw)`.
    limits : dict
        `max_rhat, min_ess, max_divergences, min_ebfmi`.

    Returns
    -------
    list of dict
        `name, value, threshold, passed, worst` of each check; `value` is None,
        and the check failed, where the diagnostic is not a number.
    """
    by_chain = statistics["diverging"].sum("draw")
    energy = azs.bfmi(xr.DataTree.from_dict({"sample_stats": statistics[["energy"]]}))["energy"]
    found = [
        ("rhat", *_worst(summary, "rhat", "max"), limits["max_rhat"]),
        ("ess_bulk", *_worst(summary, "ess_bulk", "min"), limits["min_ess"]),
        ("ess_tail", *_worst(summary, "ess_tail", "min"), limits["min_ess"]),
        (
            "divergences",
            int(by_chain.sum()),
            f"chain {int(by_chain.values.argmax())}" if by_chain.any() else None,
            limits["max_divergences"],
        ),
        ("ebfmi", float(energy.min()), f"chain {int(energy.values.argmin())}", limits["min_ebfmi"]),
    ]
    at_most = {"rhat", "divergences"}
    return [
        {
            "name": name,
            "value": value if math.isfinite(value) else None,
            "threshold": threshold,
            "passed": bool(value <= threshold if name in at_most else value >= threshold),
            "worst": worst,
        }
        for name, value, worst, threshold in found
    ]


def _worst(summary: pd.DataFrame, column: str, extreme: str) -> tuple[float, str]:
    """The worst value of a diagnostic and whose it is; not a number is worst of all."""
    values = summary[column]
    if values.isna().any():
        return math.nan, summary["name"][values.isna().idxmax()]
    at = values.idxmax() if extreme == "max" else values.idxmin()
    return float(values[at]), summary["name"][at]
