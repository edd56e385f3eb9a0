"""Compare variants by leave-one-out cross-validation, of rows and of whole groups.

By Pareto-smoothed importance sampling (Vehtari,
Gelman & Gabry 2017, https://doi.org/10.1007/s11222-016-9696-4; Vehtari,
Simpson, Gelman, Yao & Gabry 2024, https://jmlr.org/papers/v25/19-556.html),
computed by arviz-stats.
"""

import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

from partialpool.answers import group_density
from partialpool.answers.predict import FAILED
from partialpool.answers.predictor import Predictor
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.study.comparison_columns import COLUMNS, too_close
from partialpool.study.outcome import Outcome

CELLS = 8_000_000  # rows x draws of a pointwise log likelihood
LEAST_DRAWS = 25  # a fifth of which makes a tail that a Pareto distribution can be fitted to


def compare(
    log_likelihoods: dict[str, xr.DataTree],
    passed: dict[str, bool],
    outcome: Outcome | None = None,
    unit: str = "rows",
) -> pd.DataFrame:
    """Rank variants by expected log predictive density, the best first.

    Parameters
    ----------
    log_likelihoods : dict
        By variant, from :func:`by_row` or :func:`by_group`.
    passed : dict of str to bool
        Whether each variant's fit passed its checks.
    outcome : Outcome, optional
        Whether rows have weights, for the notes.
    unit : {"rows", "groups"}
        The unit that is left out.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS` of :mod:`partialpool.study.comparison_columns`, a row per variant.
        Differences are to the best variant, never above zero; `too_close` is whether one is too
        small to decide. Variants whose importance sampling cannot be done come last, with no
        numbers and the reason in `missing_reason` and `note`. Without
        variants (groups of a study that has none), the columns alone.
    """
    results, reasons = {}, {}
    for variant, tree in log_likelihoods.items():
        result, reason = _loo(tree, unit)
        if result is None:
            reasons[variant] = reason
        else:
            results[variant] = result
    ranked = sorted(results, key=lambda variant: -results[variant].elpd)
    weights = _stacked(results) if results else {}
    rows = []
    for rank, variant in enumerate(ranked):
        result, total = results[variant], log_likelihoods[variant].attrs["units_total"]
        k = result.pareto_k.values
        elpd, se, subsampling_se = _of_all(result.elpd_i, total)
        best = results[ranked[0]].elpd_i
        difference, dse, subsampling_dse = _of_all(result.elpd_i - best, total)
        rows.append(
            {
                "variant": variant,
                "rank": rank,
                "elpd_loo": elpd,
                "se": se,
                "subsampling_se": subsampling_se,
                "elpd_diff": difference,
                "dse": dse,
                "subsampling_dse": subsampling_dse,
                "weight": weights[variant],
                "p": result.p * total / k.size,
                # Where no Pareto distribution fits a tail, there is no k: not a number.
                "pareto_k_max": float(k.max()),
                "pareto_k_threshold": result.good_k,
                "pareto_k_over": int((~(k <= result.good_k)).sum()),
                "units": k.size,
                "units_total": total,
                "fit_passed": passed[variant],
                "too_close": rank > 0 and too_close(difference, np.hypot(dse, subsampling_dse)),
                "missing_reason": "",
            }
        )
        rows[-1]["note"] = "; ".join(_notes(rows[-1], outcome or Outcome(), unit))
    for variant, reason in reasons.items():
        row = {"variant": variant, "fit_passed": passed[variant], "missing_reason": reason}
        note = f"not compared: {reason}"
        rows.append(row | {"note": note if passed[variant] else f"{note}; {FAILED}"})
    types = dict.fromkeys(("rank", "pareto_k_over", "units", "units_total"), "Int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype(types | {"too_close": "boolean"})


def _loo(tree: xr.DataTree, unit: str):
    """Pareto-smoothed leave-one-out of one variant; or None, and the reason."""
    y = tree["log_likelihood"]["y"].values
    draws = y[..., 0].size
    if draws < LEAST_DRAWS:
        return None, f"{draws} draws are too few for importance sampling"
    wrong = int((~np.isfinite(y)).any(axis=(0, 1)).sum())
    if wrong:
        of = f"{wrong:,} of {y.shape[-1]:,} {unit}"
        return None, f"the log density of {of} is not a finite number in every draw"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # high Pareto k are counted
            return azs.loo(tree, pointwise=True, var_name="y"), ""
    except ValueError:  # "All tail values are the same"
        return None, f"the log density of some of the {unit} is the same in too many draws"


def _stacked(results: dict) -> dict[str, float]:
    """Stacking weights: of the mixture of variants that predicts best."""
    if len(results) == 1:
        return dict.fromkeys(results, 1.0)
    # A term common to all variants changes no weight, but its exponential might be zero.
    best = reduce(np.maximum, (result.elpd_i for result in results.values()))
    shifted = {variant: deepcopy(result) for variant, result in results.items()}
    for result in shifted.values():
        result.elpd_i = result.elpd_i - best
        result.elpd = float(result.elpd_i.sum())
    return azs.compare(shifted, round_to="none")["weight"].to_dict()


def _of_all(by_unit: xr.DataArray, total: int) -> tuple[float, float, float]:
    """Sum over all units estimated from a random subset, its standard error as in arviz-stats,
    and the part of it due to the subset (Magnusson et al. 2019, arXiv:1904.10679)."""
    values = by_unit.values.ravel()
    if values.size == total:
        return values.sum(), np.sqrt(total * values.var()), 0.0
    estimate, from_subset, variance = by_unit.azstats.srs_estimator(n_data_points=total)
    return float(estimate), float(np.sqrt(variance)), float(np.sqrt(from_subset))


def _notes(row: dict, outcome: Outcome, unit: str) -> Iterator[str]:
    """Notes on the reliability of a row of the comparison."""
    if row["too_close"]:
        yield "too close to call"
    if over := row["pareto_k_over"]:
        which = "too high or not a number" if np.isnan(row["pareto_k_max"]) else "too high"
        many = f"{over:,} of {row['units']:,}"
        yield f"Pareto k {which} for {many}: this estimate is optimistic"
    many = f"p_loo ({row['p']:,.0f}) exceeds the {unit} ({row['units_total']:,})"
    if row["p"] > row["units_total"] and outcome.weights:
        has_sigma = families.family_of(outcome).has_sigma
        means = "; if weights are the sizes of means, use precision_weights"
        yield f"{many}: rows count for more than one each{means if has_sigma else ''}"
    elif row["p"] > row["units_total"] and unit == "rows":
        yield f"{many}: the model does not describe the data"
    if not row["fit_passed"]:
        yield FAILED


def only_rows(design: Design, groups: pd.DataFrame) -> np.ndarray:
    """Whether each row is the only one of its group, `(factor, row)`.

    Parameters
    ----------
    design : Design
        Design of the fitted table, or of some of its rows.
    groups : pandas.DataFrame
        See `table_summary.TableSummary.groups`: the groups of the whole table.
    """
    found = np.zeros((len(design.factors), len(design.y)), dtype=bool)
    for alone, factor in zip(found, design.factors, strict=True):
        of_factor = groups[groups["factor"] == factor.name]
        alone[:] = of_factor["rows"].to_numpy()[factor.index] == 1
    return found


def by_row(
    posterior: xr.Dataset,
    design: Design,
    outcome: Outcome,
    values: dict,
    alone: np.ndarray,
    variant: str,
    total: int,
) -> xr.DataTree:
    """Pointwise log likelihood of rows, given draws of the deviations of their groups.

    Where a row is the only one of its group, the group's deviations are integrated out: their
    posterior rests on that row, so that importance weights would not recover it without the row.
    Draws are thinned so that memory is bounded.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Design of the fitted table, or of a random subset of its rows: the same for every variant.
    outcome : Outcome
    values : dict of str to numpy.ndarray
        The outcome's columns, from `families.columns`.
    alone : numpy.ndarray
        From :func:`only_rows`.
    variant : str
    total : int
        Rows of the table.

    Returns
    -------
    xarray.DataTree
        `log_likelihood`, `y` with dims `(chain, draw, unit)`; `posterior`, for the relative
        efficiency.
    """
    rows = np.arange(len(design.y))
    thinned = _thinned(posterior, CELLS // len(rows))
    draws = Predictor(thinned, design, outcome, values)
    eta = draws.linear_predictor(rows)
    density = draws.log_density(rows, design.y, eta, draws.parameters(rows))
    if variant != "pooled":
        at = np.flatnonzero(alone.any(axis=0))
        density[at] = group_density.row_log_density(draws, at, design.y[at], alone[:, at])
    return _tree(density.T, thinned, total)


def by_group(
    posterior: xr.Dataset, data: GroupTriangles | MergedRows, variant: str
) -> xr.DataTree | None:
    """Log density of each whole group with its deviations integrated out.

    Leaving a group out measures how well a new group is predicted.

    Parameters
    ----------
    posterior : xarray.Dataset
    data : GroupTriangles or MergedRows
    variant : str

    Returns
    -------
    xarray.DataTree or None
        As :func:`by_row`, a unit being a group. None without groups, with several factors,
        and where more coefficients vary than can be integrated over.
    """
    if not group_density.can_integrate(data):
        return None
    wanted = group_density.draws_wanted(posterior, data, variant)
    if wanted:
        posterior = _thinned(posterior, wanted)
    density = group_density.group_log_density(posterior, data, variant)
    return _tree(density, posterior, len(data.factors[0].levels))


def _thinned(posterior: xr.Dataset, most: int) -> xr.Dataset:
    """Thin to at most so many draws, in equal steps, and at least two of each chain."""
    length = posterior.sizes["draw"]
    step = -(-posterior.sizes["chain"] * length // max(1, most))
    return posterior.isel(draw=slice(None, None, min(step, max(1, length // 2))))


def _tree(density: np.ndarray, posterior: xr.Dataset, total: int) -> xr.DataTree:
    """Log densities, shape `(sample, unit)`, as a DataTree for arviz-stats."""
    shape = posterior.sizes["chain"], posterior.sizes["draw"], density.shape[1]
    y = xr.DataArray(density.reshape(shape), dims=("chain", "draw", "unit"))
    tree = xr.DataTree.from_dict(
        {"log_likelihood": xr.Dataset({"y": y}), "posterior": posterior[["beta"]]}
    )
    tree.attrs["units_total"] = total
    return tree
