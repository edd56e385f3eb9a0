"""The columns of a design, for the rows of one table, and how to have them for other rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix
from formulae.terms import Intercept, Response, Term, Variable

from partialpool.collinear import collinear
from partialpool.grammar import listed, shown

HUGE = 1e50  # numbers stay below, so that squares and sums of them do


@dataclass(frozen=True)
class Factor:
    """A grouping factor, and the group of each row of one table.

    Attributes
    ----------
    name : str
    blocks : tuple of tuple of str
        Columns of the design that have deviations by group: those of one block are correlated.
    levels : tuple of str
        Sorted labels of the table that is fitted.
    labelled : pandas.Categorical
        Shape `(row,)`: each row's label.
    """

    name: str
    blocks: tuple[tuple[str, ...], ...]
    levels: tuple[str, ...]
    labelled: pd.Categorical = field(repr=False)

    @property
    def varying(self) -> tuple[str, ...]:
        """Columns of all blocks."""
        return tuple(name for block in self.blocks for name in block)

    @property
    def groups(self) -> np.ndarray:
        """Shape `(row,)`: each row's label, as str."""
        return np.asarray(self.labelled, dtype=object)

    @property
    def index(self) -> np.ndarray:
        """Shape `(row,)`: position of each row's label in `levels`; -1 for a new group."""
        found = pd.Index(self.levels, dtype=object).get_indexer(self.labelled.categories)
        return found[self.labelled.codes]


@dataclass
class Design:
    """The columns of the design, for the rows of one table.

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
    factors : tuple of Factor
        In the order of the formula.
    """

    y: np.ndarray | None
    matrix: np.ndarray
    columns: list[str]
    coefficients: list[str]
    terms: dict[str, tuple[str, ...]]
    factors: tuple[Factor, ...]
    formula: "Formula" = field(repr=False)  # noqa: F821
    parts: list[CommonEffectsMatrix] = field(repr=False)  # evaluated terms, with their state
    response: Response | None = field(repr=False)  # likewise
    text: set[str] = field(repr=False)  # columns that are text in the fitted table

    @property
    def varying_predictors(self) -> set[str]:
        """Columns of the table whose coefficients vary by group."""
        terms = [term for part in self.parts[:-1] for term in part.terms.values()]
        return set().union(*(term.var_names for term in terms))

    @property
    def along(self) -> str | None:
        """The predictor that predictions go along: the first that varies by group, or the first."""
        varying, groups = self.varying_predictors, self.formula.group_columns
        found = [name for name in self.formula.predictors if name not in groups]
        return min(found, key=lambda name: name not in varying, default=None)

    @property
    def label_predictors(self) -> set[str]:
        """Predictors that the formula uses as labels, if only in one of its terms."""
        used = [one.var_names for part in self.parts for one in categorical(part)]
        return set().union(*used) & {*self.formula.predictors}

    @property
    def held(self) -> tuple[str, ...]:
        """Predictors that a prediction grid holds fixed, in the order of the formula."""
        own = (self.along, *self.formula.group_columns)
        return tuple(name for name in self.formula.predictors if name not in own)

    def of(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def of_parts(self) -> Iterator[tuple[list[str], np.ndarray]]:
        """Columns that must be told apart: of each factor's varying terms, and the population's."""
        for part in self.parts:
            names = labels(part)
            yield names, self.of(names)

    def at(self, rows: pd.DataFrame, response: bool = False) -> "Design":
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
        names = formula.variables if response else formula.right
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
        columns, matrix = formula.join([labels(part) for part in self.parts], values)
        groups = formula.group_labels(mask)
        factors = tuple(replace(factor, labelled=groups[factor.name]) for factor in self.factors)
        new = replace(self, y=y, matrix=matrix, columns=columns, factors=factors)
        new.check_finite(rows.index)
        return new

    def check_finite(self, index: pd.Index) -> None:
        """Refuse values that no model can have; rows are counted by the table's index."""
        every = dict(zip(self.columns, self.matrix.T, strict=True))
        if self.y is not None:
            every[self.formula.response] = self.y
        for name, values in every.items():
            wrong = np.flatnonzero(~(np.abs(values) < HUGE))
            if len(wrong):
                where = f"{name!r} is {values[wrong[0]]} in row {index[wrong[0]] + 1}"
                raise self.formula.error(where)

    def _check_labels(self, part: CommonEffectsMatrix, mask: pd.DataFrame) -> None:
        """Labels of the new rows must be those of the fitted table."""
        for component in categorical(part):
            values = labels_in(component, mask)
            unseen = np.flatnonzero(~values.isin(component.levels))
            if len(unseen):
                raise self.formula.error(
                    f"{shown(values.iloc[unseen[0]])} in row {unseen[0] + 1} of "
                    f"{component.name!r} was not in the fitted table; "
                    f"known: {listed(component.levels)}"
                )


def check_rank(formula, names: list[str], matrix: np.ndarray, rows: int) -> None:
    """Refuse collinear columns: their coefficients could not be told apart.

    Parameters
    ----------
    formula : Formula
        For the message.
    names : list of str
    matrix : numpy.ndarray
        Shape `(row, name)`: the columns, or the triangular factor of their QR.
    rows : int
        Rows of the table.

    Raises
    ------
    UserError
    """
    if rows < len(names):
        raise formula.error(
            f"{rows} rows cannot tell {len(names)} coefficients apart: {listed(names)}"
        )
    for name, size in zip(names, np.linalg.norm(matrix, axis=0), strict=True):
        if size == 0:
            raise formula.error(f"column {name!r} is zero in every row")
    found = collinear(matrix)
    if found:
        named = listed(names[index] for index in found)
        raise formula.error(f"columns {named} are collinear; leave one out")


def categorical(part: CommonEffectsMatrix) -> Iterator:
    """The components of evaluated terms that are labels."""
    for term in part.terms.values():
        if isinstance(term, Term) and not isinstance(term, Intercept):
            yield from (one for one in term.components if one.kind == "categoric")


def labels_in(component, mask: pd.DataFrame) -> pd.Series:
    """The label that a component has in each row."""
    if isinstance(component, Variable):
        return mask[component.name]
    values = component.call.eval(mask, component.env)
    return pd.Series(getattr(values, "data", values))


def labels(part: CommonEffectsMatrix | None) -> list[str]:
    """Names of the columns of evaluated terms."""
    return [label for term in part.terms.values() for label in term.labels] if part else []
