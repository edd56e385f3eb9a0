"""Convergence: what a fit's draws say of the sampler, in numbers.

Rank-normalised R-hat and bulk and tail effective sample sizes (Vehtari, Gelman,
Simpson, Carpenter & Bürkner 2021, https://doi.org/10.1214/20-BA1221), divergent
transitions, and E-BFMI (Betancourt 2016, https://arxiv.org/abs/1604.00695), all
by arviz-stats, over every scalar of the posterior, but for the effects of very many
groups: they are diagnosed in a stated part of the groups. And whether chains of earlier
attempts at the same fit agree with the last one.
"""

import itertools
import json
import math

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

from partialpool.base.streams import Stream

SUMMARY_COLUMNS = (
    "name", "mean", "sd", "lower", "upper", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "rhat",
)  # fmt: skip
DIAGNOSED = 500  # groups of a factor; R-hat and ESS of a scalar take milliseconds
# Names of what may be the same in all draws: correlations of a column with itself, a known sigma,
# and what a variant fixes. A chain that is stuck is stuck in all else too.
ALWAYS = ("cor_", "sigma")
FIXED = {
    "hierarchical": ALWAYS,
    "unpooled": (*ALWAYS, "sd_"),
    "pooled": (*ALWAYS, "sd_", "u_"),
}
BATCH = 5_000_000  # draws of group effects described at once


def diagnosed(sizes: np.ndarray, seed: int, factor: str) -> np.ndarray:
    """Which groups of a factor are diagnosed: all, or a part of very many.

    Parameters
    ----------
    sizes : numpy.ndarray
        Rows of each group.
    seed : int
    factor : str

    Returns
    -------
    numpy.ndarray
        Positions, in order: of the smallest and the largest group, at whose ends the
        coordinates of a sampler suit groups least, and of others drawn at random.
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
        As :func:`summarise`, of all groups; `mcse_mean` to `rhat` are empty where a group
        was not diagnosed.
    judged : pandas.DataFrame
        Those of its rows that were diagnosed.
    partly : dict of str to dict
        Factors of which not all groups were: `groups`, and how many `of_them`.
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
        batches = _described(every, posterior["beta"], factor, interval, variant)
        for name, described in batches.items():
            if shared[name]:
                # What one group is diagnosed to be, all are.
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
    """One row per scalar the fit estimates, full precision.

    Scalars that the variant or the model fixes (a between-group sd of zero, the
    diagonal of a correlation matrix) have no sampling error and are left out. Others
    that are the same in all draws are stuck: their R-hat is not a number. Nor are the
    diagnostics of a scalar with a draw that is not finite.

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
        # The order of dims is made sure of: a summary may have another than the posterior.
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


def _described(
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
    """One of all groups, where their draws are the same as in a pooled fit: one summary will do."""
    for dim in variable.dims[2:]:
        if variable.sizes[dim] > 1 and _is_shared(variable, dim):
            variable = variable.isel({dim: 0}, drop=True)
    return variable


def _names(name: str, variable: xr.DataArray, dims: list[str]) -> list[str]:
    """`beta[floor]` and so on, as ArviZ writes them, the last dim fastest."""
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
    """Where each chain was: the median of the second half of its draws, by scalar."""
    return draws.isel(draw=slice(draws.sizes["draw"] // 2, None)).median("draw")


def between_chain_spread(chains: xr.Dataset, draws: xr.Dataset) -> dict[int, str]:
    """Which chains of an earlier attempt were where no draw of a later one is.

    Chains that mix, however slowly, overlap.

    Parameters
    ----------
    chains : xarray.Dataset
        From :func:`medians`, of the earlier attempt.
    draws : xarray.Dataset
        Of the later one.

    Returns
    -------
    dict of int to str
        By position of the chain, the scalar in which it is farthest away, in units of the sd of
        the draws.
    """
    farthest: dict[int, tuple[float, str]] = {}
    sample = ("chain", "draw")
    for name, own in draws.items():
        dims = [dim for dim in own.dims if dim not in sample]
        low, high, sd = own.min(sample), own.max(sample), own.std(sample)
        away = np.maximum(low - chains[name], chains[name] - high)
        with np.errstate(all="ignore"):
            away = (away / sd).transpose("chain", *dims).values.reshape(chains.sizes["chain"], -1)
        names = _names(str(name), own, dims)
        for chain, row in enumerate(np.nan_to_num(away)):
            at = int(row.argmax())
            if row[at] > farthest.get(chain, (0.0,))[0]:
                farthest[chain] = (float(row[at]), names[at])
    return {chain: name for chain, (_, name) in sorted(farthest.items())}


def check(
    summary: pd.DataFrame, statistics: xr.Dataset, limits: dict, earlier: dict | None = None
) -> list[dict]:
    """Compare a fit's diagnostics with limits.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`summarise`.
    statistics : xarray.Dataset
        `diverging` and `energy`, dims `(chain, draw)`.
    limits : dict
        `max_rhat, min_ess, max_divergences, min_ebfmi`.
    earlier : dict, optional
        Of a fit that was tried more than once: how many `chains` of earlier attempts stayed
        elsewhere, and `worst`, where.

    Returns
    -------
    list of dict
        `name, value, threshold, passed, worst` of each check; `value` is None,
        and the check failed, where the diagnostic is not a number.
    """
    by_chain = statistics["diverging"].sum("draw")
    with np.errstate(all="ignore"):  # an energy may be constant, or infinite
        energy = azs.bfmi(xr.DataTree.from_dict({"sample_stats": statistics[["energy"]]}))
    # The lowest, as far as all are numbers: else the first that is not.
    energy = energy["energy"].values
    slowest = int(energy.argmin())
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
        ("ebfmi", float(energy[slowest]), f"chain {slowest}", limits["min_ebfmi"]),
    ]
    if earlier is not None:
        found.append(("earlier_attempts", earlier["chains"], earlier["worst"], 0))
    at_most = {"rhat", "divergences", "earlier_attempts"}
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


def _worst(summary: pd.DataFrame, column: str, extreme: str) -> tuple[float, str | None]:
    """The worst value of a diagnostic and whose it is; not a number is worst of all.

    Nothing was estimated where there is no scalar.
    """
    values = summary[column]
    if not len(values):
        return math.nan, None
    if values.isna().any():
        return math.nan, summary["name"][values.isna().idxmax()]
    at = values.idxmax() if extreme == "max" else values.idxmin()
    return float(values[at]), summary["name"][at]
