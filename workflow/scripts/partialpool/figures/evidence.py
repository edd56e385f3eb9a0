"""What the pictures of a study are drawn from, read once."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from partialpool import files


@dataclass(frozen=True)
class Fit:
    """One variant.

    Attributes
    ----------
    variant : str
    passed : bool
    summary : pandas.DataFrame
        One row per scalar, by its name.
    scalars : dict of str to numpy.ndarray
        Draws of the population-level scalars, `(chain, draw)`, by their name.
    statistics : xarray.Dataset
        `energy`, `diverging`.
    prior, replicated : numpy.ndarray
        Predictive draws, `(draw, row)`.
    predictions : pandas.DataFrame
    """

    variant: str
    passed: bool
    summary: pd.DataFrame
    scalars: dict
    statistics: xr.Dataset
    prior: np.ndarray
    replicated: np.ndarray
    predictions: pd.DataFrame

    def estimates(self, names) -> pd.DataFrame:
        """`mean, lower, upper` of the named scalars; nan for what the variant fixes."""
        return self.summary.reindex(names)[["mean", "lower", "upper"]]


@dataclass(frozen=True)
class Evidence:
    """All variants of one study, and what they share.

    Attributes
    ----------
    table : pandas.DataFrame
        As fitted.
    response : str
        As the formula has it.
    factor : str or None
    varying, levels : list of str
        Columns with group deviations; group labels.
    sizes : numpy.ndarray
        Rows of each group.
    errors : str or None
        Column of known standard errors.
    interval : float
        Probability inside every interval.
    own_rows : bool
        Whether the user gave the rows to predict.
    y, groups : numpy.ndarray
        Response and group of the rows that were replicated.
    fits : list of Fit
    comparison, comparison_groups : pandas.DataFrame
    recovery : pandas.DataFrame or None
    """

    table: pd.DataFrame
    response: str
    factor: str | None
    varying: list
    levels: list
    sizes: np.ndarray
    errors: str | None
    interval: float
    own_rows: bool
    y: np.ndarray
    groups: np.ndarray
    fits: list
    comparison: pd.DataFrame
    comparison_groups: pd.DataFrame
    recovery: pd.DataFrame | None

    @property
    def failed(self) -> list[str]:
        """Variants whose fit failed its checks."""
        return [fit.variant for fit in self.fits if not fit.passed]

    @property
    def texts(self) -> list[str]:
        """All that pictures may show of the data: names of columns and of groups."""
        return [*map(str, self.table.columns), *self.levels, *_labels(self.fits[0].predictions)]

    def fit(self, variant: str) -> Fit | None:
        """The fit of a variant, if the study has it."""
        return next((fit for fit in self.fits if fit.variant == variant), None)

    def coefficient_names(self, column: str) -> list[str]:
        """Names in the summary of what each group's own coefficient is."""
        return [f"coef_{self.factor}[{level}, {column}]" for level in self.levels]


def _predictions(path, factor) -> pd.DataFrame:
    """Predicted rows; a group may be called 12 or NA."""
    kinds = {factor: str} if factor else None
    return pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])


def _labels(rows: pd.DataFrame) -> list[str]:
    """Column names and labels of predicted rows."""
    text = rows.select_dtypes(include=["object", "string"])
    return [*map(str, rows.columns), *(str(cell) for name in text for cell in text[name].unique())]


def read(paths: dict, variants, interval: float, own_rows: bool) -> Evidence:
    """Read a study's results.

    Parameters
    ----------
    paths : dict
        `table, compressed, comparison, comparison_groups, recovery` (or None), and by
        variant, in the order of `variants`: `posteriors, summaries, diagnostics,
        predictive, predictions`.
    variants : sequence of str
    interval : float
    own_rows : bool
        Whether the rows to predict are the user's.
    """
    compressed = files.read_netcdf(paths["compressed"])
    model = json.loads(compressed.attrs["model"])
    factor, sigma = model["factor"], model["sigma"]
    table = pd.read_parquet(paths["table"])
    fits, y, rows = [], None, None
    for variant, posterior, summary, diagnostics, predictive, predictions in zip(
        variants,
        paths["posteriors"],
        paths["summaries"],
        paths["diagnostics"],
        paths["predictive"],
        paths["predictions"],
        strict=True,
    ):
        replicates = files.read_netcdf(predictive)
        y, rows = (replicates["observed_data"][name].values for name in ("y", "row"))
        scalars, statistics = _sampled(posterior, factor)
        described = pd.read_csv(summary, index_col="name")
        fits.append(
            Fit(
                variant=variant,
                passed=files.read_json(diagnostics)["passed"],
                summary=described,
                scalars={name: draws for name, draws in scalars.items() if name in described.index},
                statistics=statistics,
                prior=replicates["prior_predictive"]["y"].values[0],
                replicated=replicates["posterior_predictive"]["y"].values[0],
                predictions=_predictions(predictions, factor),
            )
        )
    labels = table[factor].astype(str).to_numpy() if factor else np.full(len(table), "all")
    return Evidence(
        table=table,
        response=model["response"],
        factor=factor,
        varying=model["varying"],
        levels=[str(level) for level in compressed["group"].values],
        sizes=compressed["rows"].values,
        errors=sigma if isinstance(sigma, str) and sigma in table else None,
        interval=interval,
        own_rows=own_rows,
        y=y,
        groups=labels[rows],
        fits=fits,
        comparison=pd.read_csv(paths["comparison"]),
        comparison_groups=pd.read_csv(paths["comparison_groups"]),
        recovery=pd.read_csv(paths["recovery"]) if paths.get("recovery") else None,
    )


def _sampled(path, factor) -> tuple[dict, xr.Dataset]:
    """Population-level scalars, named as in the summary, and the sampler's statistics.

    Only these are read: the deviations of thousands of groups stay in the file.
    """
    with xr.open_dataset(path, group="posterior", engine="netcdf4") as opened:
        wanted = [
            name for name in ("beta", f"sd_{factor}", f"cor_{factor}", "sigma") if name in opened
        ]
        posterior = opened[wanted].load()
    with xr.open_dataset(path, group="sample_stats", engine="netcdf4") as opened:
        statistics = opened[["energy", "diverging"]].load()
    scalars = {}
    for name, variable in posterior.items():
        own = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        flat = variable.transpose(*own, "chain", "draw").values
        for index in np.ndindex(flat.shape[:-2]):
            if name.startswith("cor_") and index[0] >= index[1]:
                continue  # the diagonal is one, and the matrix symmetric
            at = ", ".join(str(posterior[d].values[i]) for d, i in zip(own, index, strict=True))
            scalars[f"{name}[{at}]" if own else name] = flat[index]
    return scalars, statistics
