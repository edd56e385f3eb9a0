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
from partialpool.design import Design
from partialpool.draws import Draws
from partialpool.predict import FAILED
from partialpool.rows import Rows
from partialpool.study import Outcome

CELLS = 8_000_000  # rows x draws of a pointwise log likelihood
COLUMNS = (
    "variant", "rank", "elpd_loo", "se", "subsampling_se", "elpd_diff", "dse", "subsampling_dse",
    "weight", "p", "pareto_k_max", "pareto_k_threshold", "pareto_k_over", "units", "units_total",
    "fit_passed", "note",
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
    best, rows = results[table.index[0]].elpd_i, []
    for variant, ranked in table.iterrows():
        result, tree = results[variant], log_likelihoods[variant]
        k = result.pareto_k.values
        over = int((k > result.good_k).sum())
        total = tree.attrs["units_total"]
        elpd, se, subsampling_se = _of_all(result.elpd_i, total)
        difference, dse, subsampling_dse = _of_all(result.elpd_i - best, total)
        rows.append(
            {
                "variant": variant,
                "rank": int(ranked["rank"]),
                "elpd_loo": elpd,
                "se": se,
                "subsampling_se": subsampling_se,
                "elpd_diff": difference,
                "dse": dse,
                "subsampling_dse": subsampling_dse,
                "weight": ranked["weight"],
                "p": result.p * total / k.size,
                "pareto_k_max": float(k.max()),
                "pareto_k_threshold": result.good_k,
                "pareto_k_over": over,
                "units": k.size,
                "units_total": total,
                "fit_passed": passed[variant],
            }
        )
        rows[-1]["note"] = _note(rows[-1])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_all(by_unit: xr.DataArray, total: int) -> tuple[float, float, float]:
    """Sum over all units of which some are a random subset, its standard error as arviz-stats
    has it, and what the subset adds to that (Magnusson et al. 2019, arXiv:1904.10679)."""
    values = by_unit.values.ravel()
    if values.size == total:
        return values.sum(), np.sqrt(total * values.var()), 0.0
    estimate, from_subset, variance = by_unit.azstats.srs_estimator(n_data_points=total)
    return float(estimate), float(np.sqrt(variance)), float(np.sqrt(from_subset))


def _alone(results) -> pd.DataFrame:
    row = {"rank": 0, "weight": 1.0}
    return pd.DataFrame([row], index=list(results))


def _note(row: dict) -> str:
    """What a reader must know before believing the row."""
    notes = []
    difference = abs(row["elpd_diff"])
    unsure = np.hypot(row["dse"], row["subsampling_dse"])
    if row["rank"] > 0 and (difference < CLOSE or difference < 2 * unsure):
        notes.append("too close to call")
    if over := row["pareto_k_over"]:
        many = f"{over:,} of {row['units']:,}"
        notes.append(f"Pareto k too high for {many}: this estimate is optimistic")
    if not row["fit_passed"]:
        notes.append(FAILED)
    return "; ".join(notes)


def by_row(
    posterior: xr.Dataset, design: Design, outcome: Outcome, values: dict, total: int
) -> xr.DataTree:
    """Pointwise log likelihood of rows, given exact draws of the deviations.

    Draws are thinned so that memory is bounded.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Of the fitted table, or of a random subset of its rows: the same for every variant.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        The columns of the outcome of these rows, from `families.columns`.
    total : int
        Rows of the table.

    Returns
    -------
    xarray.DataTree
        `log_likelihood`, `y` with dims `(chain, draw, unit)`; `posterior`, from
        which the relative efficiency is computed.
    """
    rows = np.arange(len(design.y))
    thinned = _thinned(posterior, CELLS // len(rows))
    draws = Draws(thinned, design, outcome, values)
    eta = draws.linear_predictor(rows)
    density = draws.log_density(rows, design.y, eta, draws.parameters(rows))
    return _tree(density.T, thinned, total)


def by_group(posterior: xr.Dataset, data: Compressed | Rows, variant: str) -> xr.DataTree | None:
    """Log density of each whole group with its deviations integrated out.

    Leaving a group out asks how well a new group is predicted.

    Parameters
    ----------
    posterior : xarray.Dataset
    data : Compressed or Rows
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
    density = marginal.group_log_density(posterior, data, variant)
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
