"""Results of a study as its figures use them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.base.grouping_factor import GroupingFactor, unit
from partialpool.design.formula import Formula
from partialpool.figures.style import fit_label
from partialpool.model import families, parameter_names
from partialpool.model.family import ResponseFamily
from partialpool.study.outcome import Outcome


@dataclass(frozen=True)
class FigureFit:
    """The fit of one variant.

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

    def of_groups(self, factor: "GroupedTable", column: str) -> pd.DataFrame:
        """`mean, lower, upper, population` of a varying column's quantity, by group."""
        own = self.groups[self.groups["factor"] == factor.name]
        own = own[own["coefficient"] == ("" if column == "Intercept" else column)]
        found = own.set_index("group").reindex(factor.levels)
        return found[["mean", "lower", "upper", "population"]].reset_index(drop=True)


@dataclass(frozen=True)
class GroupedTable(GroupingFactor):
    """A grouping factor, and the group of each row of the table.

    Attributes
    ----------
    name, blocks, levels
        See :class:`GroupingFactor`.
    columns : tuple of str
        Columns of the table that it is made of.
    index : numpy.ndarray
        Shape `(row,)`: position of each row's group among the levels.
    rows, sizes, means : numpy.ndarray
        Shape `(group,)`, of the whole table: rows of each group; the same, or trials where rows
        have trials; its mean, share or rate.
    """

    columns: tuple[str, ...]
    index: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray
    means: np.ndarray

    @property
    def unit(self) -> str:
        """One of its groups in words, such as `class within school`."""
        return unit(fit_label(column, 40) for column in self.columns)

    def coefficient_names(self, column: str) -> list[str]:
        """Names in the summary of what each group's own coefficient is."""
        return [parameter_names.coef(self.name, level, column) for level in self.levels]


@dataclass(frozen=True)
class FigureData:
    """All fits of one study, and its data.

    Attributes
    ----------
    table : pandas.DataFrame
        As fitted, or a random subset of its rows.
    total : int
        Rows of the whole table.
    average : float
        Mean, share or rate of the response in the whole table.
    formula : Formula
    outcome : Outcome
    factors : tuple of GroupedTable
    interval : float
        Probability inside every interval.
    new_data : str or None
        The user's file of rows to predict; without one they are a grid.
    held : dict of str to str
        Predictors held fixed in the grid, and the statistic of each group they are held at.
    y, per, weights : numpy.ndarray
        Shape `(row,)`: the response; its trials or exposure, else one; how often a row counts.
    rows : numpy.ndarray
        Positions in `table` of the rows that were replicated.
    fits : list of FigureFit
    comparison, comparison_groups : pandas.DataFrame
    recovery : pandas.DataFrame or None
    """

    table: pd.DataFrame
    total: int
    average: float
    formula: Formula
    outcome: Outcome
    factors: tuple
    interval: float
    new_data: str | None
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
    def family(self) -> ResponseFamily:
        """The distribution of the response."""
        return families.family_of(self.outcome)

    @property
    def binary(self) -> bool:
        """Whether every response is 0 or 1."""
        return self.family.binary

    @property
    def failed(self) -> list[str]:
        """Variants whose fit failed its checks."""
        return [fit.variant for fit in self.fits if not fit.passed]

    @property
    def own_rows(self) -> bool:
        """Whether the user gave the rows to predict."""
        return self.new_data is not None

    @property
    def percent(self) -> str:
        """Probability inside every interval, such as 95%."""
        return f"{100 * self.interval:g}%"

    @property
    def subset(self) -> str:
        """A sentence for captions where not all rows were replicated; empty where all were."""
        if len(self.rows) == self.total:
            return ""
        return f" Shown: {len(self.rows):,} of the {self.total:,} rows, drawn at random."

    @property
    def texts(self) -> list[str]:
        """Text from the data that figures may show: names of columns and of groups."""
        levels = [level for factor in self.factors for level in factor.levels]
        return [*map(str, self.table.columns), *levels, *_labels(self.fits[0].predictions)]

    @property
    def measured(self) -> np.ndarray:
        """The response of each row per trial or per unit of exposure, as figures show it."""
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

    def fit(self, variant: str) -> FigureFit | None:
        """The fit of a variant, if the study has it."""
        return next((fit for fit in self.fits if fit.variant == variant), None)

    def by_group(self, factor: GroupedTable | None, y: np.ndarray, rows=slice(None)) -> np.ndarray:
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
    def row_label(self) -> str:
        """Axis label of :attr:`measured`."""
        name = fit_label(self.formula.response)
        if self.outcome.trials:
            return f"{name} as a share of {fit_label(self.outcome.trials, 20)}"
        if self.outcome.exposure:
            return f"{name} per unit of {fit_label(self.outcome.exposure, 20)}"
        return name

    @property
    def group_label(self) -> str:
        """Axis label of :meth:`by_group`."""
        if self.binary:
            return f"share with {self.row_label} = 1"
        ratio = self.outcome.trials or self.outcome.exposure
        if ratio:
            return self.row_label
        weights = self.outcome.precision_weights
        return (
            f"{fit_label(weights, 20)}-weighted mean {self.row_label}"
            if weights
            else f"mean {self.row_label}"
        )

    @property
    def expected_label(self) -> str:
        """Axis label of the expected response, per trial or per unit of exposure."""
        name = fit_label(self.formula.response)
        if self.binary:
            return f"probability of {name} = 1"
        if self.outcome.trials:
            return f"probability ({name} of {fit_label(self.outcome.trials, 20)})"
        return f"expected {self.row_label}"

    @property
    def size_unit(self) -> str:
        """Unit of the groups' sizes."""
        return "trials" if self.outcome.trials else "rows"


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _labels(rows: pd.DataFrame) -> list[str]:
    """Column names and labels of predicted rows."""
    text = rows.select_dtypes(include=["object", "string"])
    return [*map(str, rows.columns), *(str(cell) for name in text for cell in text[name].unique())]
