"""Convergence diagnostics of a fit, a row for every scalar, and checks of them against limits.

R-hat, effective sample sizes and Monte Carlo errors are arviz-stats'. Of a factor with very many
groups only a part is diagnosed. Chains of earlier attempts at the same fit are compared with the
last one.
"""

import itertools
import json
import math

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

from partialpool.base.streams import Stream
from partialpool.study.checks import CHECKS

SUMMARY_COLUMNS = (
    "name", "mean", "sd", "lower", "upper", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "rhat",
)  # fmt: skip
DIAGNOSED = 500  # groups of a factor at most; R-hat and ESS of a scalar take milliseconds
# Names of parameters that may be constant: correlations of a column with itself, a known sigma,
# and parameters that a variant fixes. A chain that is stuck is stuck in the others too.
ALWAYS = ("cor_", "sigma")
FIXED = {
    "hierarchical": ALWAYS,
    "unpooled": (*ALWAYS, "sd_"),
    "pooled": (*ALWAYS, "sd_", "u_"),
}
BATCH = 5_000_000  # draws of group effects summarised at once


def diagnosed(sizes: np.ndarray, seed: int, factor: str) -> np.ndarray:
    """Choose the groups of a factor that are diagnosed: all, or a part of very many.

    Parameters
    ----------
    sizes : numpy.ndarray
        Rows of each group.
    seed : int
    factor : str

    Returns
    -------
    numpy.ndarray
        Positions, in order: of the smallest and the largest group, which the sampler's
        coordinates suit least, and of others drawn at random.
    """
    everyone = np.arange(len(sizes))
    if len(sizes) <= DIAGNOSED:
        return everyone
    ends = np.unique([np.argmin(sizes), np.argmax(sizes)])
    rng = np.random.default_rng([seed, Stream.DIAGNOSED_GROUPS, *factor.encode()])
    others = rng.choice(np.delete(everyone, ends), DIAGNOSED - len(ends), replace=False)
    return np.sort(np.concatenate([ends, others]))


def convergence_of(tree: xr.DataTree, interval: float) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Summarise a stored fit.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`partialpool.engine.fit.fit`.
    interval : float
        As for :func:`summarise`.

    Returns
    -------
    summary : pandas.DataFrame
        As :func:`summarise`, of all groups; `mcse_mean` to `rhat` are empty for groups that
        were not diagnosed.
    judged : pandas.DataFrame
        Its rows without these groups.
    partly : dict of str to dict
        By factor, where some groups were not diagnosed: `groups`, and how many `of_them` were.
    """
    posterior = tree["posterior"].to_dataset()
    stated = json.loads(tree.attrs["diagnosed"])
    judged = posterior.sel({f: labels for f, labels in stated.items() if f in posterior.dims})
    if "diagnosed_effects" in tree.children:
        effects = tree["diagnosed_effects"].to_dataset()
        judged = judged.merge(_with_coefficients(effects, posterior["beta"]))
    tables = _tables(judged, interval, variant=tree.attrs["variant"])
    rows = pd.concat(tables.values(), ignore_index=True)
    partly = {}
    for factor, labels in stated.items():
        every = posterior if factor in posterior.dims else tree["group_effects"].to_dataset()
        names = (name for name in (f"u_{factor}", "sigma") if name in every)
        every = every[[name for name in names if factor in every[name].dims]]
        shared = {name: _is_shared(variable, factor) for name, variable in every.items()}
        shared[f"coef_{factor}"] = shared[f"u_{factor}"]
        variant = tree.attrs["variant"]
        batches = _batched(every, posterior["beta"], factor, interval, variant)
        for name, described in batches.items():
            if shared[name]:
                # All groups share the same draws: one row of diagnostics serves all.
                one = np.arange(len(described)) % (len(tables[name]) // len(labels))
                found = tables[name].iloc[one].assign(name=described["name"].values)
            else:
                others = described[~described["name"].isin(tables[name]["name"])]
                found = pd.concat([tables[name], others]).set_index("name")
                found = found.loc[described["name"]].reset_index()
            tables[name] = found
        if not all(shared.values()):
            partly[factor] = {"groups": every.sizes[factor], "of_them": len(labels)}
    return pd.concat(tables.values(), ignore_index=True), rows, partly


def summarise(
    posterior: xr.Dataset, interval: float, variant: str = "hierarchical"
) -> pd.DataFrame:
    """Summarise every scalar that a fit estimates, a row for each, in full precision.

    Scalars that the variant or the model fixes (a between-group sd of zero, the
    diagonal of a correlation matrix) have no sampling error and are left out. Other
    constant scalars are stuck: their R-hat is not a number. The diagnostics of a scalar
    with a draw that is not finite are not numbers either.

    Parameters
    ----------
    posterior : xarray.Dataset
        Dims `(chain, draw, ...)`.
    interval : float
        Probability inside `lower` and `upper`, an equal-tailed interval.
    variant : {"pooled", "unpooled", "hierarchical"}
        Of the fit.

    Returns
    -------
    pandas.DataFrame
        Columns `name, mean, sd, lower, upper, mcse_mean, mcse_sd, ess_bulk,
        ess_tail, rhat`; names as ArviZ writes them, such as `beta[floor]`.
    """
    tables = _tables(posterior, interval, variant=variant).values()
    empty = pd.DataFrame(columns=SUMMARY_COLUMNS)
    return pd.concat(tables, ignore_index=True) if tables else empty


def _tables(
    posterior: xr.Dataset, interval: float, kind: str = "all", variant: str = "hierarchical"
) -> dict[str, pd.DataFrame]:
    """:func:`summarise`, by variable; `kind="stats"` stops at the interval, and is fast."""
    estimated = {name: _estimated(v, variant) for name, v in posterior.items()}
    free = posterior[[name for name, which in estimated.items() if which.any()]]
    if not free:
        return {}
    distinct = xr.Dataset({name: _distinct(v) for name, v in free.items()})
    with np.errstate(all="ignore"):  # a correlation matrix has a constant diagonal
        found = azs.summary(
            distinct, kind=kind, ci_prob=interval, ci_kind="eti", round_to="none", fmt="xarray"
        )
    lower, upper = (str(name) for name in found["summary"].values if name.startswith("eti"))
    theirs = {"lower": lower, "upper": upper, "rhat": "r_hat"}
    names = SUMMARY_COLUMNS[1:] if kind == "all" else SUMMARY_COLUMNS[1:5]
    columns = [theirs.get(name, name) for name in names]
    tables = {}
    for name, variable in free.items():
        # A summary may have its dims in another order than the posterior.
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        one_draw = variable.isel(chain=0, draw=0, drop=True)
        values = found[name].sel(summary=columns).broadcast_like(one_draw)
        values = values.transpose(*dims, "summary").values
        table = pd.DataFrame(values.reshape(-1, len(columns)), columns=names)
        finite = np.isfinite(variable).all(("chain", "draw")).transpose(*dims).values.ravel()
        table.loc[~finite, list(names[4:])] = math.nan
        table.insert(0, "name", _names(name, variable, dims))
        tables[name] = table[estimated[name].transpose(*dims).values.ravel()]
    return tables


def _batched(
    every: xr.Dataset, beta: xr.DataArray, factor: str, interval: float, variant: str
) -> dict[str, pd.DataFrame]:
    """Mean, sd and interval of all groups, by variable, some groups at a time."""
    scalars = every.sizes["chain"] * every.sizes["draw"] * every.sizes[f"{factor}_coefficient"]
    step = max(1, BATCH // scalars)
    parts: dict[str, list[pd.DataFrame]] = {}
    for start in range(0, every.sizes[factor], step):
        batch = _with_coefficients(every.isel({factor: slice(start, start + step)}), beta)
        for name, table in _tables(batch, interval, "stats", variant).items():
            parts.setdefault(name, []).append(table)
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}


def _with_coefficients(effects: xr.Dataset, beta: xr.DataArray) -> xr.Dataset:
    """Group effects, and the coefficients that follow from them and beta in the same draws."""
    found = {name: variable.astype(float) for name, variable in effects.items()}
    for name, u in list(found.items()):
        factor = str(name).removeprefix("u_")
        dim = f"{factor}_coefficient"
        if dim in u.dims:
            population = beta.reindex(coefficient=u[dim].values, fill_value=0.0)
            found[f"coef_{factor}"] = u + population.rename(coefficient=dim)
    return xr.Dataset(found)


def _is_shared(variable: xr.DataArray, dim: str) -> bool:
    """Whether all groups have the same draws, as in a pooled fit."""
    return bool((variable == variable.isel({dim: 0}, drop=True)).all())


def _distinct(variable: xr.DataArray) -> xr.DataArray:
    """Keep one group where all have the same draws, as in a pooled fit: one summary serves all."""
    for dim in variable.dims[2:]:
        if variable.sizes[dim] > 1 and _is_shared(variable, dim):
            variable = variable.isel({dim: 0}, drop=True)
    return variable


def _names(name: str, variable: xr.DataArray, dims: list[str]) -> list[str]:
    """Names of a variable's scalars as ArviZ writes them, `beta[floor]`, the last dim fastest."""
    if not dims:
        return [name]
    labels = itertools.product(*(variable[dim].values for dim in dims))
    return [f"{name}[{', '.join(map(str, label))}]" for label in labels]


def _estimated(variable: xr.DataArray, variant: str) -> xr.DataArray:
    """Which scalars of a variable are not fixed by the variant or the model."""
    sample = ("chain", "draw")
    varies = variable.max(sample) > variable.min(sample)
    return varies | (not str(variable.name).startswith(FIXED[variant]))


def medians(draws: xr.Dataset) -> xr.Dataset:
    """Location of each chain: the median of the second half of its draws, by scalar."""
    return draws.isel(draw=slice(draws.sizes["draw"] // 2, None)).median("draw")


def between_chain_spread(chains: xr.Dataset, draws: xr.Dataset) -> dict[int, str]:
    """Find chains of an earlier attempt whose location no draw of a later one reaches.

    Chains that mix, however slowly, overlap.

    Parameters
    ----------
    chains : xarray.Dataset
        Locations in the earlier attempt, from :func:`medians`.
    draws : xarray.Dataset
        Draws of the later attempt.

    Returns
    -------
    dict of int to str
        By position of the chain, the scalar in which it is farthest away, in units of the sd of
        the draws.
    """
    farthest: dict[int, tuple[float, str]] = {}
    sample = ("chain", "draw")
    for name, variable in draws.items():
        dims = [dim for dim in variable.dims if dim not in sample]
        low, high, sd = variable.min(sample), variable.max(sample), variable.std(sample)
        away = np.maximum(low - chains[name], chains[name] - high)
        with np.errstate(all="ignore"):
            away = (away / sd).transpose("chain", *dims).values.reshape(chains.sizes["chain"], -1)
        names = _names(str(name), variable, dims)
        for chain, row in enumerate(np.nan_to_num(away)):
            at = int(row.argmax())
            if row[at] > farthest.get(chain, (0.0,))[0]:
                farthest[chain] = (float(row[at]), names[at])
    return {chain: name for chain, (_, name) in sorted(farthest.items())}


def check(
    summary: pd.DataFrame, statistics: xr.Dataset, limits: dict, earlier: dict | None = None
) -> list[dict]:
    """Compare a fit's diagnostics with limits: every check of :mod:`partialpool.study.checks`.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`summarise`.
    statistics : xarray.Dataset
        `diverging` and `energy`, dims `(chain, draw)`.
    limits : dict
        The limit of each check that has one, by its key in the config.
    earlier : dict, optional
        For a fit that was tried more than once: how many `chains` of earlier attempts found
        another mode, and `worst`, the scalar in which one is farthest away.

    Returns
    -------
    list of dict
        `name, value, threshold, passed, worst` of each check; `value` is None,
        and the check failed, where the diagnostic is not a number.
    """
    found = []
    for name, one in CHECKS.items():
        computed = one.compute(summary, statistics, earlier)
        if computed is None:
            continue
        value, worst = computed
        threshold = 0 if one.limit is None else limits[one.limit.key]
        found.append(
            {
                "name": name,
                "value": value if math.isfinite(value) else None,
                "threshold": threshold,
                "passed": one.passes(value, threshold),
                "worst": worst,
            }
        )
    return found
