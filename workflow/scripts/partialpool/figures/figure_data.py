"""What the pictures of a study are drawn from, read once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.answers import prediction_grid
from partialpool.base import files
from partialpool.compress import compressed_file
from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms
from partialpool.figures.style import short
from partialpool.model import families
from partialpool.study.study import Outcome
from partialpool.table import table_summary


@dataclass(frozen=True)
class Fit:
    """One variant.

    Attributes
    ----------
    variant : str
    passed : bool
    summary : pandas.DataFrame
        One row per scalar, by its name.
    groups : pandas.DataFrame
        From :func:`partialpool.answers.group_estimates.estimates`.
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
    groups: pd.DataFrame
    scalars: dict
    statistics: xr.Dataset
    prior: np.ndarray
    replicated: np.ndarray
    predictions: pd.DataFrame

    def estimates(self, names) -> pd.DataFrame:
        """`mean, lower, upper` of the named scalars; nan for what the variant fixes."""
        return self.summary.reindex(names)[["mean", "lower", "upper"]]

    def of_groups(self, factor: "Factor", column: str) -> pd.DataFrame:
        """`mean, lower, upper, population` of a varying column's quantity, by group."""
        own = self.groups[self.groups["factor"] == factor.name]
        own = own[own["coefficient"] == ("" if column == "Intercept" else column)]
        found = own.set_index("group").reindex(factor.levels)
        return found[["mean", "lower", "upper", "population"]].reset_index(drop=True)


@dataclass(frozen=True)
class Factor:
    """A grouping factor, and the group of each row of the table.

    Attributes
    ----------
    name : str
    varying, levels : tuple of str
        Columns with group deviations; group labels.
    index : numpy.ndarray
        Shape `(row,)`: position of each row's group among the levels.
    rows, sizes, means : numpy.ndarray
        Shape `(group,)`, of the whole table: rows of each group; the same, or trials where rows
        have trials; its mean, share or rate.
    """

    name: str
    varying: tuple
    levels: tuple
    index: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray
    means: np.ndarray

    def coefficient_names(self, column: str) -> list[str]:
        """Names in the summary of what each group's own coefficient is."""
        return [f"coef_{self.name}[{level}, {column}]" for level in self.levels]


@dataclass(frozen=True)
class FigureData:
    """All variants of one study, and what they share.

    Attributes
    ----------
    table : pandas.DataFrame
        As fitted, or a random subset of its rows.
    total : int
        Rows of the whole table.
    average : float
        Mean, share or rate of the response in the whole table.
    formula : Formula
    coefficients : tuple of str
        Population-level columns.
    outcome : Outcome
    factors : tuple of Factor
    interval : float
        Probability inside every interval.
    own_rows : bool
        Whether the user gave the rows to predict.
    held : dict of str to str
        Predictors that are held fixed where they did not, and at what of each group.
    y, per, weights : numpy.ndarray
        Shape `(row,)`: the response; its trials or exposure, else one; how often a row counts.
    rows : numpy.ndarray
        Positions in `table` of the rows that were replicated.
    fits : list of Fit
    comparison, comparison_groups : pandas.DataFrame
    recovery : pandas.DataFrame or None
    """

    table: pd.DataFrame
    total: int
    average: float
    formula: Formula
    coefficients: tuple
    outcome: Outcome
    factors: tuple
    interval: float
    own_rows: bool
    held: dict
    y: np.ndarray
    per: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    fits: list
    comparison: pd.DataFrame
    comparison_groups: pd.DataFrame
    recovery: pd.DataFrame | None

    @property
    def family(self) -> families.ResponseFamily:
        """The distribution of the response."""
        return families.FAMILIES[self.outcome.family]

    @property
    def binary(self) -> bool:
        """Whether every response is 0 or 1."""
        return self.outcome.family == "bernoulli"

    @property
    def failed(self) -> list[str]:
        """Variants whose fit failed its checks."""
        return [fit.variant for fit in self.fits if not fit.passed]

    @property
    def texts(self) -> list[str]:
        """All that pictures may show of the data: names of columns and of groups."""
        levels = [level for factor in self.factors for level in factor.levels]
        return [*map(str, self.table.columns), *levels, *_labels(self.fits[0].predictions)]

    @property
    def measured(self) -> np.ndarray:
        """What pictures show of each row: the response, of one trial or one unit of exposure."""
        return self.y / self.per

    @property
    def counts(self) -> pd.Series:
        """Rows of each group of all factors together, by its labels; those of :attr:`table`,
        where it is a subset and a group is of several columns."""
        if len(self.formula.group_columns) == 1:
            [factor] = self.factors
            labels = pd.Index([(level,) for level in factor.levels], tupleize_cols=False)
            return pd.Series(factor.rows, index=labels)
        return self.keys(self.table).value_counts(sort=False)

    @property
    def counted(self) -> bool:
        """Whether :attr:`counts` are of all rows."""
        return len(self.formula.group_columns) == 1 or len(self.table) == self.total

    def keys(self, frame: pd.DataFrame) -> pd.Series:
        """The group of each row, of all factors together, as a tuple of labels."""
        columns = [frame[name].astype(str) for name in self.formula.group_columns]
        return pd.Series(list(zip(*columns, strict=True)), index=frame.index, dtype=object)

    def fit(self, variant: str) -> Fit | None:
        """The fit of a variant, if the study has it."""
        return next((fit for fit in self.fits if fit.variant == variant), None)

    def by_group(self, factor: Factor | None, y: np.ndarray, rows=slice(None)) -> np.ndarray:
        """Each group's mean, share or rate of the responses `(..., row)` of the given rows.

        Shape `(..., group)`; nan for groups without such rows. All rows are one group where
        `factor` is None.
        """
        weights, per = self.weights[rows], self.per[rows]
        index = np.zeros(len(per), dtype=int) if factor is None else factor.index[rows]
        groups = 1 if factor is None else len(factor.levels)
        over = np.bincount(index, weights=weights * per, minlength=groups)
        flat = [np.bincount(index, weights=one, minlength=groups) for one in _flat(weights * y)]
        with np.errstate(invalid="ignore"):
            return (np.array(flat) / over).reshape(*np.shape(y)[:-1], groups)

    @property
    def of_row(self) -> str:
        """Name of what :attr:`measured` is."""
        name = short(self.formula.response)
        if self.outcome.trials:
            return f"{name} as a share of {short(self.outcome.trials, 20)}"
        if self.outcome.exposure:
            return f"{name} per unit of {short(self.outcome.exposure, 20)}"
        return name

    @property
    def of_group(self) -> str:
        """Name of what :meth:`by_group` gives."""
        if self.binary:
            return f"share with {self.of_row} = 1"
        ratio = self.outcome.trials or self.outcome.exposure
        return self.of_row if ratio else f"mean {self.of_row}"

    @property
    def of_expected(self) -> str:
        """Name of the expected response, of one trial or one unit of exposure."""
        name = short(self.formula.response)
        if self.binary:
            return f"probability of {name} = 1"
        if self.outcome.trials:
            return f"probability ({name} of {short(self.outcome.trials, 20)})"
        return f"expected {self.of_row}"

    @property
    def size_unit(self) -> str:
        """What the sizes of groups count."""
        return "trials" if self.outcome.trials else "rows"


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _labels(rows: pd.DataFrame) -> list[str]:
    """Column names and labels of predicted rows."""
    text = rows.select_dtypes(include=["object", "string"])
    return [*map(str, rows.columns), *(str(cell) for name in text for cell in text[name].unique())]


def read(paths: dict, block: dict) -> FigureData:
    """Read a study's results.

    Parameters
    ----------
    paths : dict
        `learned, subset, groups, compressed, comparison, comparison_groups, recovery` (or None),
        and by variant, in the order of `variants`: `posteriors, summaries, diagnostics,
        predictive, predictions, group_estimates`.
    block : dict
        The study's `formula`, `variants`, `interval`, `new_data`, and what `Outcome` has.
    """
    outcome = Outcome.of(block)
    learned = FittedTransforms.read(block["formula"], paths["learned"])
    formula, table = learned.formula, pd.read_parquet(paths["subset"])
    design, groups = (
        learned.design.at(table, response=True),
        table_summary.read_groups(paths["groups"]),
    )
    data = compressed_file.read_description(paths["compressed"])
    values, ones = families.columns(table, outcome), np.ones(len(table))
    per = values.get("trials", values.get("exposure", ones))
    factors = tuple(
        Factor(
            name=factor.name,
            varying=factor.varying,
            levels=factor.levels,
            index=factor.index,
            rows=own["rows"].to_numpy(),
            sizes=own["size"].to_numpy(),
            means=own["mean"].to_numpy(),
        )
        for factor, own in ((f, groups[groups["factor"] == f.name]) for f in design.factors)
    )
    weights = families.share_of_mean(values, len(table))
    overall = (weights * design.y).sum() / (weights * per).sum()
    if factors:
        own = groups[groups["factor"] == factors[0].name]
        overall = np.average(own["mean"], weights=own["weight"])
    fits, rows = [], None
    for variant, posterior, summary, diagnostics, predictive, predictions, estimates in zip(
        block["variants"],
        paths["posteriors"],
        paths["summaries"],
        paths["diagnostics"],
        paths["predictive"],
        paths["predictions"],
        paths["group_estimates"],
        strict=True,
    ):
        replicates = files.read_netcdf(predictive)
        rows = table.index.get_indexer(replicates["observed_data"]["row"].values)
        scalars, statistics = _sampled(posterior, factors)
        described = pd.read_csv(summary, index_col="name")
        fits.append(
            Fit(
                variant=variant,
                passed=files.read_json(diagnostics)["passed"],
                summary=described,
                groups=_with_text(estimates, ("factor", "group", "coefficient")).fillna(
                    {"coefficient": ""}
                ),
                scalars={name: draws for name, draws in scalars.items() if name in described.index},
                statistics=statistics,
                prior=replicates["prior_predictive"]["y"].values[0],
                replicated=replicates["posterior_predictive"]["y"].values[0],
                predictions=_with_text(predictions, formula.group_columns),
            )
        )
    return FigureData(
        table=table.reset_index(drop=True),
        total=data.total,
        average=overall,
        formula=formula,
        coefficients=tuple(design.coefficients),
        outcome=outcome,
        factors=factors,
        interval=block["interval"],
        own_rows=block["new_data"] is not None,
        held={} if block["new_data"] else prediction_grid.held(table, design),
        y=design.y,
        per=per,
        weights=weights,
        rows=rows,
        fits=fits,
        comparison=pd.read_csv(paths["comparison"]),
        comparison_groups=pd.read_csv(paths["comparison_groups"]),
        recovery=pd.read_csv(paths["recovery"]) if paths.get("recovery") else None,
    )


def _with_text(path, columns) -> pd.DataFrame:
    """A table of which some columns are text: a group may be called 12 or NA."""
    kinds = dict.fromkeys(columns, str)
    return pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])


def _sampled(path, factors) -> tuple[dict, xr.Dataset]:
    """Population-level scalars, named as in the summary, and the sampler's statistics.

    Only these are read: the deviations of thousands of groups stay in the file.
    """
    names = ["beta", *(f"{kind}_{f.name}" for f in factors for kind in ("sd", "cor", "nu"))]
    names += ["sigma", "nu", "alpha", "sigma_median", "sd_log_sigma"]
    with xr.open_dataset(path, group="posterior", engine="netcdf4") as opened:
        posterior = opened[[name for name in names if name in opened]].load()
    with xr.open_dataset(path, group="sample_stats", engine="netcdf4") as opened:
        statistics = opened[["energy", "diverging"]].load()
    scalars = {}
    for name, variable in posterior.items():
        own = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        flat = variable.transpose(*own, "chain", "draw").values
        for index in np.ndindex(flat.shape[:-2]):
            if len(own) == 2 and index[0] >= index[1]:
                continue  # the diagonal of a correlation matrix is one, and it is symmetric
            at = ", ".join(str(posterior[d].values[i]) for d, i in zip(own, index, strict=True))
            scalars[f"{name}[{at}]" if own else name] = flat[index]
    return scalars, statistics
