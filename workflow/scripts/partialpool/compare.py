"""Compare: which variant predicts rows, and whole groups, it has not seen.

Leave-one-out cross-validation by Pareto-smoothed importance sampling (Vehtari,
Gelman & Gabry 2017, https://doi.org/10.1007/s11222-016-9696-4; Vehtari,
Simpson, Gelman, Yao & Gabry 2024, https://jmlr.org/papers/v25/19-556.html),
computed by arviz-stats.
"""

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

from partialpool import marginal
from partialpool.compress import Compressed
from partialpool.draws import Draws
from partialpool.formula import Design
from partialpool.predict import FAILED
from partialpool.rows import Rows
from partialpool.study import Outcome

CELLS = 8_000_000  # rows x draws of a pointwise log likelihood
ROWS = 10_000  # rows compared; a stated random subset of larger tables
COLUMNS = (
    "variant", "rank", "elpd_loo", "se", "elpd_diff", "dse", "weight", "p", "pareto_k_max",
    "pareto_k_threshold", "pareto_k_over", "units", "units_total", "fit_passed", "note",
)  # fmt: skip
CLOSE = 4  # differences below this are not told apart (Sivula et al. 2020, arXiv:2008.10296)


def compare(log_likelihoods: dict[str, xr.DataTree], passed: dict[str, bool]) -> pd.DataFrame:
    """Rank variants by expected log predictive density, the best first.

    Parameters
    ----------
    log_likelihoods : dict
        By variant, from :func:`by_row` or :func:`by_group`.
    passed : dict of str to bool
        Whether each variant's fit passed its checks.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, a row per variant.
        Differences are to the best variant, never above zero. Without variants
        (groups of a study that has none), the columns alone.
    """
    if not log_likelihoods:
        return pd.DataFrame(columns=COLUMNS)
    results = {
        variant: azs.loo(tree, pointwise=True, var_name="y")
        for variant, tree in log_likelihoods.items()
    }
    table = azs.compare(results, round_to="none") if len(results) > 1 else _alone(results)
    rows = []
    for variant, ranked in table.iterrows():
        result, tree = results[variant], log_likelihoods[variant]
        k = result.pareto_k.values
        over = int((k > result.good_k).sum())
        rows.append(
            {
                "variant": variant,
                "rank": int(ranked["rank"]),
                "elpd_loo": result.elpd,
                "se": result.se,
                "elpd_diff": ranked["elpd_diff"],
                "dse": ranked["dse"],
                "weight": ranked["weight"],
                "p": result.p,
                "pareto_k_max": float(k.max()),
                "pareto_k_threshold": result.good_k,
                "pareto_k_over": over,
                "units": k.size,
                "units_total": tree.attrs["units_total"],
                "fit_passed": passed[variant],
                "note": _note(ranked, over, k.size, passed[variant]),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _alone(results) -> pd.DataFrame:
    row = {"rank": 0, "elpd_diff": 0.0, "dse": 0.0, "weight": 1.0}
    return pd.DataFrame([row], index=list(results))


def _note(ranked, over: int, units: int, passed: bool) -> str:
    """What a reader must know before believing the row."""
    notes = []
    difference = abs(ranked["elpd_diff"])
    if ranked["rank"] > 0 and (difference < CLOSE or difference < 2 * ranked["dse"]):
        notes.append("too close to call")
    if over:
        notes.append(f"Pareto k too high for {over} of {units}: this estimate is optimistic")
    if not passed:
        notes.append(FAILED)
    return "; ".join(notes)


def by_row(
    posterior: xr.Dataset, design: Design, outcome: Outcome, values: dict, seed: int
) -> xr.DataTree:
    """Pointwise log likelihood of the rows, given exact draws of the deviations.

    Rows beyond a stated number are a random subset, the same for every variant;
    draws are thinned so that memory is bounded.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Of the fitted table.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        Its columns, from `families.columns`.
    seed : int
        Chooses the subset.

    Returns
    -------
    xarray.DataTree
        `log_likelihood`, `y` with dims `(chain, draw, unit)`; `posterior`, from
        which the relative efficiency is computed.
    """
    total = len(design.y)
    rows = np.arange(total)
    if total > ROWS:
        rows = np.sort(np.random.default_rng([seed, 4]).choice(total, ROWS, replace=False))
    thinned = _thinned(posterior, CELLS // len(rows))
    draws = Draws(thinned, design, outcome, values)
    eta = draws.linear_predictor(rows)
    density = draws.log_density(rows, design.y, eta, draws.parameters(rows))
    return _tree(density.T, thinned, total)


def by_group(
    posterior: xr.Dataset, data: Compressed | Rows, design: Design, values: dict, variant: str
) -> xr.DataTree | None:
    """Log density of each whole group with its deviations integrated out.

    Leaving a group out asks how well a new group is predicted.

    Parameters
    ----------
    posterior : xarray.Dataset
    data : Compressed or Rows
    design : Design
        Of the fitted table.
    values : dict of str to numpy.ndarray
        The outcome's columns, from `families.columns`.
    variant : str

    Returns
    -------
    xarray.DataTree or None
        As :func:`by_row`, a unit being a group. None without groups, with several factors,
        and where more coefficients vary than can be integrated over.
    """
    if not marginal.can_integrate(data):
        return None
    wanted = marginal.draws_wanted(posterior, data)
    if wanted:
        posterior = _thinned(posterior, wanted)
    density = marginal.group_log_density(posterior, data, design, values, variant)
    return _tree(density, posterior, len(data.factors[0].levels))


def _thinned(posterior: xr.Dataset, most: int) -> xr.Dataset:
    """At most so many draws, in equal steps, and at least two of each chain."""
    length = posterior.sizes["draw"]
    step = -(-posterior.sizes["chain"] * length // max(1, most))
    return posterior.isel(draw=slice(None, None, min(step, max(1, length // 2))))


def _tree(density: np.ndarray, posterior: xr.Dataset, total: int) -> xr.DataTree:
    """`density`, shape `(sample, unit)`, as arviz-stats wants it."""
    shape = posterior.sizes["chain"], posterior.sizes["draw"], density.shape[1]
    y = xr.DataArray(density.reshape(shape), dims=("chain", "draw", "unit"))
    tree = xr.DataTree.from_dict(
        {"log_likelihood": xr.Dataset({"y": y}), "posterior": posterior[["beta"]]}
    )
    tree.attrs["units_total"] = total
    return tree
