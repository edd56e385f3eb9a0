"""The design matrix of a formula for a table, and for other rows with the same coding."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix
from formulae.terms import Response

from partialpool.base.characters import looks_like, spelled
from partialpool.base.errors import quoted, quoted_list
from partialpool.base.grouping_factor import GroupingFactor
from partialpool.design import factors
from partialpool.design.labels import categorical, column_names, labels_in
from partialpool.design.parsed_formula import ParsedFormula

HUGE = 1e50  # numbers stay below, so that squares and sums of them do


@dataclass(frozen=True)
class TableFactor(GroupingFactor):
    """A grouping factor, and the group of each row of one table.

    Attributes
    ----------
    name, blocks, levels
        See :class:`GroupingFactor`; the levels are those of the fitted table.
    labelled : pandas.Categorical
        Shape `(row,)`: each row's label.
    """

    labelled: pd.Categorical = field(repr=False)

    @property
    def groups(self) -> np.ndarray:
        """Shape `(row,)`: each row's label, as str."""
        return np.asarray(self.labelled, dtype=object)

    @property
    def index(self) -> np.ndarray:
        """Shape `(row,)`: position of each row's label in `levels`; -1 for a new group."""
        positions = pd.Index(self.levels, dtype=object).get_indexer(self.labelled.categories)
        return positions[self.labelled.codes]


@dataclass
class Design:
    """The design matrix of a formula for the rows of one table, with their groups.

    Attributes
    ----------
    y : numpy.ndarray or None
        Shape `(row,)`; None for new rows.
    matrix : numpy.ndarray
        Shape `(row, column)`.
    columns : list of str
        Names of its columns: those that vary by group, then the population-level
        ones that do not.
    coefficients : list of str
        Population-level columns, in the order of the formula.
    terms : dict of str to tuple of str
        Population-level coefficients of each term: `C(period)` has `C(period)[2]`, ...
    factors : tuple of TableFactor
        In the order of the formula.
    """

    y: np.ndarray | None
    matrix: np.ndarray
    columns: list[str]
    coefficients: list[str]
    terms: dict[str, tuple[str, ...]]
    factors: tuple[TableFactor, ...]
    formula: ParsedFormula = field(repr=False)
    # Evaluated terms with their state: of each group term as written, then of the population
    parts: list[CommonEffectsMatrix] = field(repr=False)
    response: Response | None = field(repr=False)  # likewise
    text: set[str] = field(repr=False)  # columns that are text in the fitted table

    @property
    def varying_predictors(self) -> set[str]:
        """Columns of the table whose coefficients vary by group."""
        terms = [term for part in self.parts[:-1] for term in part.terms.values()]
        return set().union(*(term.var_names for term in terms))

    @property
    def along(self) -> str | None:
        """The predictor that predictions vary along: the first varying by group, or the first."""
        varying, groups = self.varying_predictors, self.formula.group_columns
        found = [name for name in self.formula.predictors if name not in groups]
        return min(found, key=lambda name: name not in varying, default=None)

    @property
    def label_predictors(self) -> set[str]:
        """Predictors that are text, or labels in a term of the formula."""
        used = [one.var_names for part in self.parts for one in categorical(part)]
        return self.text.union(*used) & {*self.formula.predictors}

    @property
    def held(self) -> tuple[str, ...]:
        """Predictors that a grid of predictions holds fixed, in the order of the formula."""
        others = (self.along, *self.formula.group_columns)
        return tuple(name for name in self.formula.predictors if name not in others)

    def select_columns(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def rank_blocks(self) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks that must have full column rank, by their columns' names.

        Yields
        ------
        names : list of str
        matrix : numpy.ndarray
            Shape `(row, name)`: the columns of a group term, or those of the population.
        """
        for part in self.parts:
            names = column_names(part)
            yield names, self.select_columns(names)

    def for_rows(self, rows: pd.DataFrame, response: bool = False) -> "Design":
        """The same columns for other rows, with the transformations of the fitted table.

        Parameters
        ----------
        rows : pandas.DataFrame
            Must have the formula's columns. A group that was not fitted keeps its label.
        response : bool
            Whether they have the response; else `y` is None.

        Returns
        -------
        Design
            With the levels of the fitted table.

        Raises
        ------
        UserError
            If a column is missing or of another type, a label of a predictor was not in the
            fitted table, or a value of the design is not finite.
        """
        formula = self.formula
        names = formula.variables if response else formula.needed_to_predict
        mask = formula.mask(rows, names, self.text)
        with formula.evaluating():
            for part in self.parts:
                self._check_labels(part, mask)
            values = [
                np.asarray(part.evaluate_new_data(mask).design_matrix, dtype=float)
                for part in self.parts
            ]
            y = None
            if response:
                y = np.asarray(self.response.term.components[0].eval_new_data(mask), dtype=float)
        columns, matrix = join(formula, [column_names(part) for part in self.parts], values)
        groups = factors.labels(rows, formula.factors)
        labelled = tuple(replace(one, labelled=groups[one.name]) for one in self.factors)
        new = replace(self, y=y, matrix=matrix, columns=columns, factors=labelled)
        new.check_finite(rows.index)
        return new

    def check_finite(self, index: pd.Index) -> None:
        """Refuse infinite and missing values, and numbers from 1e50 on.

        Parameters
        ----------
        index : pandas.Index
            Numbers of the rows in their file, from 0, for the message.
        """
        columns = dict(zip(self.columns, self.matrix.T, strict=True))
        if self.y is not None:
            columns[self.formula.response] = self.y
        for name, values in columns.items():
            wrong = np.flatnonzero(~(np.abs(values) < HUGE))
            if len(wrong):
                where = f"{name!r} is {values[wrong[0]]} in row {index[wrong[0]] + 1}"
                raise self.formula.error(where)

    def _check_labels(self, part: CommonEffectsMatrix, mask: pd.DataFrame) -> None:
        """Check that the new rows' labels are among those of the fitted table."""
        for component in categorical(part):
            values = labels_in(component, mask)
            unseen = np.flatnonzero(~values.isin(component.levels))
            if len(unseen):
                label, known = (
                    str(values.iloc[unseen[0]]),
                    f"known: {quoted_list(component.levels)}",
                )
                for level in map(str, component.levels):
                    if looks_like(level, label):
                        known = f"{spelled(level)}, which was, only looks like {spelled(label)}"
                raise self.formula.error(
                    f"{quoted(label)} in row {unseen[0] + 1} of {component.name!r} was not in the "
                    f"fitted table; {known}"
                )


def join(
    formula: ParsedFormula, names: list[list[str]], matrices: list[np.ndarray]
) -> tuple[list[str], np.ndarray]:
    """Distinct columns of several matrices, in their order.

    Parameters
    ----------
    formula : ParsedFormula
        For the message.
    names : list of list of str
        Names of the columns of each matrix.
    matrices : list of numpy.ndarray
        Each of shape `(row, name)`.

    Returns
    -------
    names : list of str
    matrix : numpy.ndarray
        Shape `(row, name)`.

    Raises
    ------
    UserError
        If a name is there twice in one matrix, or means different columns in two.
    """
    joined: dict[str, np.ndarray] = {}
    for own, matrix in zip(names, matrices, strict=True):
        if len(set(own)) < len(own):
            twice = next(name for name in own if own.count(name) > 1)
            raise formula.error(f"two columns of the design are called {twice!r}")
        for name, column in zip(own, matrix.T, strict=True):
            if name in joined and not np.array_equal(joined[name], column, equal_nan=True):
                raise formula.error(
                    f"{name!r} means one thing inside the group term and another outside"
                )
            joined.setdefault(name, column)
    return list(joined), np.column_stack(list(joined.values()))
