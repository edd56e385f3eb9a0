"""From a formula and a table to the columns of the design.

`formulae` evaluates the terms, on the formula's own columns of the table and
nothing else; what may be written is said in `grammar`.
"""

import contextlib
import io
import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix, DesignMatrices
from formulae.terms import Intercept, Model, Variable

from partialpool.collinear import collinear
from partialpool.errors import UserError, nearest
from partialpool.grammar import (
    ENVIRONMENT,
    fault,
    first_line,
    group_terms,
    listed,
    parse,
    resolve,
    shown,
)

HUGE = 1e50  # numbers stay below, so that squares and sums of them do


class Formula:
    """A model formula with the meaning it has in lme4, brms and Bambi.

    Parameters
    ----------
    text : str
        For example `"y ~ floor + (1 + floor | county)"`.

    Attributes
    ----------
    text : str
    response : str
        As written: a column, or a function of one, such as `log(y)`.
    factors : dict of str to tuple of str
        Grouping factors, in their order, and the columns each is made of: `school`, and
        `school:class` of classes within schools.
    group_columns : tuple of str
        Columns of all of them.
    variables : tuple of str
        Columns of the table that are used, response and factors included.
    predictors : tuple of str
        Those of them on the right of `~`, without the factors.
    labels : tuple of str
        Predictors used as labels only, inside `C()`, `S()` or `T()`.
    numbers : tuple of str
        Columns that must be numbers: the response's, and those inside other functions.
        A predictor in neither tuple is whichever its column is.

    Raises
    ------
    UserError
        If the formula cannot be read or asks for what is not supported.
    """

    def __init__(self, text: str):
        self.text = text
        tree, uses = parse(text)
        model = resolve(text, tree)

        self.factors: dict[str, tuple[str, ...]] = {}
        for written in group_terms(tree):
            if not written:
                raise self._error("a group term is written (1 + x | group)")
            for name, columns in written.items():
                for other, those in self.factors.items():
                    if other == name or set(those) == set(columns):
                        raise self._error(
                            f"two group terms are of {other!r}; write one (1 + x | {other})"
                        )
                self.factors[name] = columns
        kept = {term.factor.name for term in model.group_terms}
        if kept != set(self.factors):
            raise self._error("a group term is added and taken away again")
        self.group_columns = tuple(dict.fromkeys(c for cs in self.factors.values() for c in cs))
        self.response = model.response.term.name

        response_columns = model.response.term.var_names - {""}
        right = model.common_terms + [term.expr for term in model.group_terms]
        on_right = set().union(*(term.var_names for term in right))
        roles: dict[str, set[str]] = {}
        for use in uses:
            if use.name in on_right | response_columns | set(self.group_columns):
                roles.setdefault(use.name, set()).add(use.role)
        for name in self.group_columns:
            if name not in roles:
                raise self._error(f"the grouping factor must be a column, not {name!r}")
            if name in on_right | response_columns:
                raise self._error(
                    f"{name!r} is the grouping factor and something else too; "
                    "copy the column under a second name"
                )
        for name in roles:
            if name in on_right & response_columns:
                raise self._error(f"{name!r} is on both sides of `~`")
        if not model.common_terms:
            raise self._error("no population-level coefficient; write `~ 1 + ...`")
        self.variables = tuple(roles)
        self.predictors = tuple(name for name in roles if name in on_right)
        self.labels = tuple(name for name in self.predictors if roles[name] == {"label"})
        self.numbers = tuple(
            name for name in roles if name in response_columns or "number" in roles[name]
        )

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def design(self, table: pd.DataFrame, response: bool = True) -> "Design":
        """Evaluate the formula, and remember what new rows will need.

        Parameters
        ----------
        table : pandas.DataFrame
            Must have the formula's columns. Text columns are labels, and so are factors'.
        response : bool
            Whether the table has the response.

        Returns
        -------
        Design

        Raises
        ------
        UserError
            If a column is missing or of the wrong type, a value of the design
            is not finite, or population-level or
            varying columns are collinear.
        """
        mask = self._mask(table, self.variables if response else self._right)
        model = resolve(self.text, parse(self.text)[0])
        y = None
        with self._evaluating():
            population = DesignMatrices(Model(*model.common_terms), mask, ENVIRONMENT).common
            varying = [
                DesignMatrices(
                    Model(*(term.expr for term in model.group_terms if term.factor.name == name)),
                    mask,
                    ENVIRONMENT,
                ).common
                for name in self.factors
            ]
            if response:
                answer = Model(response=model.response)
                answer = DesignMatrices(answer, mask, ENVIRONMENT).response
                if answer.kind != "numeric" or answer.design_matrix.ndim != 1:
                    raise self._error(f"the response {self.response!r} must be numbers")
                y = np.asarray(answer.design_matrix, dtype=float)
        parts = [*varying, population]
        labels = self._group_labels(mask)
        design = Design(
            y=y,
            matrix=np.empty((0, 0)),
            columns=[],
            coefficients=_labels(population),
            terms={name: tuple(term.labels) for name, term in population.terms.items()},
            factors=tuple(
                Factor(name, tuple(_labels(part)), tuple(sorted(set(labels[name]))), labels[name])
                for name, part in zip(self.factors, varying, strict=True)
            ),
            formula=self,
            parts=parts,
            text={name for name in mask if not pd.api.types.is_numeric_dtype(mask[name])},
        )
        values = [np.asarray(part.design_matrix, dtype=float) for part in parts]
        design.columns, design.matrix = self._join([_labels(part) for part in parts], values)
        self._check_finite(design, table.index)
        for part, matrix in zip(parts, values, strict=True):
            self._check_rank(_labels(part), matrix)
        return design

    @property
    def _right(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return (*self.predictors, *self.group_columns)

    def _mask(self, table: pd.DataFrame, names, text=None) -> pd.DataFrame:
        """The named columns: factors as text, numbers that are not labels as float64.

        `text` names the columns that were text in the fitted table, if this is not it.
        """
        mask = {}
        for name in names:
            if name not in table.columns:
                raise self._error(f"no column {name!r} in the table{nearest(name, table.columns)}")
            values = table[name]
            missing = np.flatnonzero(values.isna())
            if len(missing):
                raise self._error(f"column {name!r} has a missing value in row {missing[0] + 1}")
            numeric = pd.api.types.is_numeric_dtype(values)
            if name in self.group_columns or (text is not None and name in text):
                values = values.astype(str)
            elif not numeric and (text is not None or name in self.numbers):
                raise self._error(
                    f"column {name!r} must be numbers; row 1 is {shown(values.iloc[0])}"
                )
            elif numeric and name not in self.labels:
                values = values.astype(float)
            mask[name] = values
        return pd.DataFrame(mask, index=table.index).reset_index(drop=True)

    def _group_labels(self, mask: pd.DataFrame) -> dict[str, np.ndarray]:
        """The group of each row, by factor; of several columns, their labels joined by `:`."""
        found = {}
        for name, columns in self.factors.items():
            parts = [mask[column].to_numpy(dtype=object) for column in columns]
            if len(parts) > 1:
                # A colon in a label is marked, or two pairs of labels might read the same.
                marked = [[re.sub(r"([\\:])", r"\\\1", label) for label in part] for part in parts]
                parts = [np.array([":".join(row) for row in zip(*marked, strict=True)], object)]
            found[name] = parts[0]
        return found

    @contextlib.contextmanager
    def _evaluating(self):
        """Say what went wrong in a term, in the words of this module."""
        try:
            # formulae prints before it raises
            with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                yield
        except UserError:
            raise
        except Exception as problem:
            raise self._error(f"cannot be evaluated ({first_line(problem)})") from None

    def _join(self, labels, values) -> tuple[list[str], np.ndarray]:
        """Distinct columns of several matrices, in order; the same name must be the same column."""
        joined: dict[str, np.ndarray] = {}
        for names, matrix in zip(labels, values, strict=True):
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise self._error(f"two columns of the design are called {twice!r}")
            for name, column in zip(names, matrix.T, strict=True):
                if name in joined and not np.array_equal(joined[name], column, equal_nan=True):
                    raise self._error(
                        f"{name!r} means one thing inside the group term and another outside"
                    )
                joined.setdefault(name, column)
        return list(joined), np.column_stack(list(joined.values()))

    def _check_finite(self, design: "Design", index: pd.Index) -> None:
        every = dict(zip(design.columns, design.matrix.T, strict=True))
        if design.y is not None:
            every[self.response] = design.y
        for name, values in every.items():
            wrong = np.flatnonzero(~(np.abs(values) < HUGE))
            if len(wrong):
                raise self._error(f"{name!r} is {values[wrong[0]]} in row {index[wrong[0]] + 1}")

    def _check_rank(self, names: list[str], matrix: np.ndarray) -> None:
        """Refuse collinear columns: their coefficients could not be told apart."""
        if len(matrix) < len(names):
            raise self._error(
                f"{len(matrix)} rows cannot tell {len(names)} coefficients apart: {listed(names)}"
            )
        for name, size in zip(names, np.linalg.norm(matrix, axis=0), strict=True):
            if size == 0:
                raise self._error(f"column {name!r} is zero in every row")
        found = collinear(matrix)
        if found:
            named = listed(names[index] for index in found)
            raise self._error(f"columns {named} are collinear; leave one out")

    def _error(self, message: str) -> UserError:
        return fault(self.text, message)


@dataclass(frozen=True)
class Factor:
    """A grouping factor, and the group of each row of one table.

    Attributes
    ----------
    name : str
    varying : tuple of str
        Columns of the design that have deviations by group.
    levels : tuple of str
        Sorted labels of the table that is fitted.
    groups : numpy.ndarray of str
        Shape `(row,)`: each row's label.
    """

    name: str
    varying: tuple[str, ...]
    levels: tuple[str, ...]
    groups: np.ndarray = field(repr=False)

    @property
    def index(self) -> np.ndarray:
        """Shape `(row,)`: position of each row's label in `levels`; -1 for a new group."""
        return pd.Index(self.levels).get_indexer(self.groups)


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
    formula: Formula = field(repr=False)
    parts: list[CommonEffectsMatrix] = field(repr=False)  # evaluated terms, with their state
    text: set[str] = field(repr=False)  # columns that are text in the fitted table

    @property
    def varying_predictors(self) -> set[str]:
        """Columns of the table whose coefficients vary by group."""
        terms = [term for part in self.parts[:-1] for term in part.terms.values()]
        return set().union(*(term.var_names for term in terms))

    def of(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def at(self, rows: pd.DataFrame) -> "Design":
        """The same columns for new rows, with the transformations of the fitted table.

        Parameters
        ----------
        rows : pandas.DataFrame
            Must have the formula's columns, the response excepted. A group that
            was not fitted keeps its label.

        Returns
        -------
        Design
            With `y` None, and the levels of the fitted table.

        Raises
        ------
        UserError
            If a column is missing or of another type, or a label of a
            predictor was not in the fitted table.
        """
        formula = self.formula
        mask = formula._mask(rows, formula._right, self.text)
        with formula._evaluating():
            for part in self.parts:
                self._check_labels(part, mask)
            values = [
                np.asarray(part.evaluate_new_data(mask).design_matrix, dtype=float)
                for part in self.parts
            ]
        columns, matrix = formula._join([_labels(part) for part in self.parts], values)
        labels = formula._group_labels(mask)
        factors = tuple(replace(factor, groups=labels[factor.name]) for factor in self.factors)
        new = replace(self, y=None, matrix=matrix, columns=columns, factors=factors)
        formula._check_finite(new, rows.index)
        return new

    def _check_labels(self, part: CommonEffectsMatrix, mask: pd.DataFrame) -> None:
        """Labels of the new rows must be those of the fitted table."""
        terms = [term for term in part.terms.values() if not isinstance(term, Intercept)]
        for component in (c for term in terms for c in term.components if c.kind == "categoric"):
            if isinstance(component, Variable):
                values = mask[component.name]
            else:
                values = component.call.eval(mask, component.env)
                values = pd.Series(getattr(values, "data", values))
            unseen = np.flatnonzero(~values.isin(component.levels))
            if len(unseen):
                raise self.formula._error(
                    f"{shown(values.iloc[unseen[0]])} in row {unseen[0] + 1} of "
                    f"{component.name!r} was not in the fitted table; "
                    f"known: {listed(component.levels)}"
                )


def _labels(part: CommonEffectsMatrix | None) -> list[str]:
    return [label for term in part.terms.values() for label in term.labels] if part else []
