"""Predict: expected values and new observations for rows of known and new groups."""

import zlib

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.formula import Design, Formula

GRID_POINTS, GRID_ROWS = 20, 20_000
BATCH = 20_000_000  # rows x draws held at once
NO_NEW_GROUP = "no prediction: each group stands on its own, so nothing is said of a new one"
NO_NEW_SIGMA = "no interval for a new observation: sigma is by group, and this group is new"
NO_ERROR = "no interval for a new observation: the row has no standard error"
FAILED = "the fit failed its checks: do not rely on this"


def predict(
    posterior: xr.Dataset,
    rows: pd.DataFrame,
    design: Design,
    *,
    variant: str,
    passed: bool,
    interval: float,
    seed: int,
    standard_errors=None,
) -> pd.DataFrame:
    """Predict rows.

    A new group of a hierarchical fit gets a deviation drawn from the fitted
    between-group distribution, one draw shared by all its rows. A pooled fit
    ignores groups. An unpooled fit cannot say anything of a new group, so its
    row is empty, with the reason in `note`.

    Parameters
    ----------
    posterior : xarray.Dataset
        Of one fit.
    rows : pandas.DataFrame
        What is predicted; returned with the predictions beside it.
    design : Design
        Of those rows, with the levels of the fitted table.
    variant : str
    passed : bool
        Whether the fit passed its checks; said in `fit_passed` and `note`.
    interval : float
        Probability inside each interval, equal-tailed.
    seed : int
    standard_errors : numpy.ndarray, optional
        Shape `(row,)`, where sigma is a column; nan where unknown.

    Returns
    -------
    pandas.DataFrame
        The rows with `group_status` ("known", "new", or "none" without groups),
        `mean, sd, lower, upper` of the expected response, `outcome_lower,
        outcome_upper` of a new observation, `fit_passed` and `note`.
    """
    draws = Draws(posterior, design)
    known = np.isin(design.groups, design.levels)
    status = np.where(known, "known", "new") if design.factor else np.full(len(rows), "none")
    refused = (status == "new") & (variant == "unpooled")
    tails = [(1 - interval) / 2, (1 + interval) / 2]
    expected = np.full((len(rows), 4), np.nan)
    outcome = np.full((len(rows), 2), np.nan)
    noise = np.random.default_rng([seed, 1])
    for part in _batches(len(rows), draws.count):
        wanted = np.arange(len(rows))[part]
        wanted = wanted[~refused[wanted]]
        if not len(wanted):
            continue
        eta = draws.expected(wanted, lambda label: _new_group(draws, label, seed))
        quantiles = np.quantile(eta, tails, axis=1).T
        expected[wanted] = np.column_stack([eta.mean(axis=1), eta.std(axis=1), quantiles])
        sigma = draws.sigma(wanted, standard_errors)
        observed = eta + sigma * noise.standard_normal(eta.shape)
        outcome[wanted] = np.quantile(observed, tails, axis=1).T

    # Columns of the same name in the rows are replaced by the answer.
    answer = pd.DataFrame(expected, columns=["mean", "sd", "lower", "upper"])
    answer[["outcome_lower", "outcome_upper"]] = outcome
    answer["group_status"] = status
    answer["fit_passed"] = passed
    unsaid = np.isnan(outcome[:, 0]) & ~refused
    reason = NO_ERROR if standard_errors is not None else NO_NEW_SIGMA
    notes = [np.where(refused, NO_NEW_GROUP, ""), np.where(unsaid, reason, "")]
    notes.append(np.full(len(rows), "" if passed else FAILED))
    answer["note"] = ["; ".join(filter(None, said)) for said in zip(*notes, strict=True)]
    kept = rows.reset_index(drop=True).drop(columns=list(answer.columns), errors="ignore")
    return pd.concat([kept, answer], axis=1)


class Draws:
    """A posterior's draws, lined up with the rows of a design.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
    thin : int
        Keep every `thin`-th draw.
    """

    def __init__(self, posterior: xr.Dataset, design: Design, thin: int = 1):
        stacked = posterior.stack(sample=("chain", "draw")).isel(sample=slice(None, None, thin))
        self.design = design
        self.count = stacked.sizes["sample"]
        self._beta = stacked["beta"].transpose("sample", "coefficient").values
        self._population = [design.columns.index(name) for name in design.coefficients]
        self._sigma = (
            stacked["sigma"].transpose("sample", ...).values if "sigma" in stacked else None
        )
        self._where = {label: index for index, label in enumerate(design.levels)}
        self.factor = design.factor
        if self.factor:
            dims = f"{self.factor}_coefficient"
            self._u = stacked[f"u_{self.factor}"].transpose("sample", self.factor, dims).values
            self._sd = stacked[f"sd_{self.factor}"].transpose("sample", dims).values
            name = f"cor_{self.factor}"
            self._cor = (
                stacked[name].transpose("sample", dims, f"{dims}_bis").values
                if name in stacked
                else np.ones((self.count, 1, 1))
            )

    def scale(self) -> np.ndarray:
        """Cholesky factor of the covariance of the deviations, `(draw, varying, varying)`."""
        return self._sd[:, :, None] * np.linalg.cholesky(self._cor)

    def expected(self, rows: np.ndarray, new_group=None) -> np.ndarray:
        """Expected response of the design's rows with the given numbers, `(row, draw)`.

        `new_group` maps the label of a group that was not fitted to its
        deviations, `(draw, varying)`.
        """
        matrix, labels = self.design.matrix[rows], self.design.groups[rows]
        eta = matrix[:, self._population] @ self._beta.T
        if self.factor:
            varying = matrix[:, : len(self.design.varying)]
            for label in dict.fromkeys(labels):
                at = labels == label
                known = label in self._where
                u = self._u[:, self._where[label]] if known else new_group(label)
                eta[at] += varying[at] @ u.T
        return eta

    def sigma(self, rows: np.ndarray, standard_errors=None) -> np.ndarray:
        """Residual sd of the design's rows with the given numbers, broadcasting to `(row, draw)`.

        Not a number for a new group where sigma is by group, or a row without
        a standard error.
        """
        if standard_errors is not None:
            return standard_errors[rows][:, None]
        if self._sigma.ndim == 1:
            return self._sigma[None, :]
        padded = np.column_stack([self._sigma, np.full(self.count, np.nan)])
        return padded[:, [self._where.get(label, -1) for label in self.design.groups[rows]]].T


def _new_group(draws: Draws, label: str, seed: int) -> np.ndarray:
    """Deviations of a new group, `(draw, varying)`; its stream is its own, so rows share them."""
    rng = np.random.default_rng([seed, 2, zlib.crc32(label.encode())])
    scale = draws.scale()
    return np.einsum("sij,sj->si", scale, rng.standard_normal(scale.shape[:2]))


def _batches(rows: int, draws: int):
    step = max(1, BATCH // draws)
    return [slice(start, start + step) for start in range(0, rows, step)]


def grid(table: pd.DataFrame, formula: Formula, design: Design, errors=None) -> pd.DataFrame:
    """Rows to predict where the user gives none: each group, over its own range of one predictor.

    The predictor is the first one, varying by group if any does; the other
    predictors are at their mean or their commonest label, and standard errors
    at the group's mean.

    Parameters
    ----------
    table : pandas.DataFrame
        The fitted table.
    formula : Formula
    design : Design
        Of the fitted table.
    errors : str, optional
        Column of standard errors.

    Returns
    -------
    pandas.DataFrame
        With the factor, the predictors and the standard errors.
    """
    labels = table[formula.factor].astype(str) if formula.factor else pd.Series("all", table.index)
    predictors = sorted(formula.predictors, key=lambda name: name not in design.varying_predictors)
    fixed = {name: _typical(table[name]) for name in predictors[1:]}
    points = max(2, min(GRID_POINTS, GRID_ROWS // len(design.levels)))
    parts = []
    for label, rows in table.groupby(labels, sort=True):
        columns = {formula.factor: label} if formula.factor else {}
        along = _range(rows[predictors[0]], points) if predictors else [label]
        columns |= {predictors[0]: along} if predictors else {}
        columns |= fixed | ({errors: rows[errors].mean()} if errors else {})
        parts.append(pd.DataFrame(columns, index=range(len(along))))
    return pd.concat(parts, ignore_index=True)


def _typical(values: pd.Series):
    return values.mean() if pd.api.types.is_float_dtype(values) else values.mode().iloc[0]


def _range(values: pd.Series, points: int):
    """The distinct values where they are labels or few; else evenly spaced over the range."""
    distinct = np.sort(values.unique())
    if not pd.api.types.is_numeric_dtype(values) or len(distinct) <= min(points, 5):
        return distinct
    return np.linspace(distinct[0], distinct[-1], points)
