"""From a formula and a table to the columns of the design.

`formulae` evaluates the terms, on the formula's own columns of the table and
nothing else; what may be written is said in `grammar`.
"""

import contextlib
import io
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix, DesignMatrices
from formulae.terms import Intercept, Model, Variable
from scipy import linalg

from partialpool.errors import UserError, nearest
from partialpool.grammar import ENVIRONMENT, fault, first_line, listed, parse, resolve, shown

# A column is independent of the others while this much of it, relative to its
# length, is left over: well above rounding, well below any real predictor.
_LEFT_OVER = 1e-11


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
    factor : str or None
        Column of the grouping factor.
    variables : tuple of str
        Columns of the table that are used, response and factor included.
    predictors : tuple of str
        Those of them on the right of `~`, without the factor.
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

        pipes = sum(1 for use in uses if use.role == "pipe")
        factors = sorted({term.factor.name for term in model.group_terms})
        if len(factors) > 1 or any(len(t.factor.components) > 1 for t in model.group_terms):
            raise self._error(f"only one grouping factor is supported, not {listed(factors)}")
        if pipes > 1:
            raise self._error("only one group term is supported; write it as (1 + x | group)")
        if pipes and not factors:
            raise self._error("a group term is added and taken away again")
        self.factor = factors[0] if factors else None
        self.response = model.response.term.name

        response_columns = model.response.term.var_names - {""}
        right = model.common_terms + [term.expr for term in model.group_terms]
        on_right = set().union(*(term.var_names for term in right))
        roles: dict[str, set[str]] = {}
        for use in uses:
            if use.name in on_right | response_columns | {self.factor}:
                roles.setdefault(use.name, set()).add(use.role)
        if self.factor is not None and self.factor not in roles:
            raise self._error(f"the grouping factor must be a column, not {self.factor!r}")
        for name in roles:
            if name == self.factor and name in on_right | response_columns:
                raise self._error(
                    f"{name!r} is the grouping factor and something else too; "
                    "copy the column under a second name"
                )
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
            Must have the formula's columns. Text columns are labels; the
            factor's values are used as text whatever their type.
        response : bool
            Whether the table has the response.

        Returns
        -------
        Design

        Raises
        ------
        UserError
            If a column is missing or of the wrong type, a value of the design
            is not finite, the response is constant, or population-level or
            varying columns are collinear.
        """
        mask = self._mask(table, self.variables if response else self._right)
        model = resolve(self.text, parse(self.text)[0])
        varying_model = Model(*(term.expr for term in model.group_terms))
        y = None
        with self._evaluating():
            population = DesignMatrices(Model(*model.common_terms), mask, ENVIRONMENT).common
            varying = DesignMatrices(varying_model, mask, ENVIRONMENT).common
            if response:
                answer = Model(response=model.response)
                answer = DesignMatrices(answer, mask, ENVIRONMENT).response
                if answer.kind != "numeric" or answer.design_matrix.ndim != 1:
                    raise self._error(f"the response {self.response!r} must be numbers")
                y = np.asarray(answer.design_matrix, dtype=float)
        parts = [part for part in (varying, population) if part is not None]
        design = Design(
            y=y,
            matrix=np.empty((0, 0)),
            columns=[],
            coefficients=_labels(population),
            varying=_labels(varying),
            terms={name: tuple(term.labels) for name, term in population.terms.items()},
            factor=self.factor,
            groups=self._groups(mask),
            levels=[],
            formula=self,
            parts=parts,
            text={name for name in mask if not pd.api.types.is_numeric_dtype(mask[name])},
        )
        design.levels = sorted(set(design.groups))
        values = [np.asarray(part.design_matrix, dtype=float) for part in parts]
        design.columns, design.matrix = self._join([_labels(part) for part in parts], values)
        self._check_finite(design)
        for part, matrix in zip(parts, values, strict=True):
            self._check_rank(_labels(part), matrix)
        if y is not None and np.ptp(y) == 0:
            raise self._error(f"the response {self.response!r} is {y[0]:g} in every row")
        return design

    @property
    def _right(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return self.predictors if self.factor is None else (*self.predictors, self.factor)

    def _mask(self, table: pd.DataFrame, names, text=None) -> pd.DataFrame:
        """The named columns: the factor as text, numbers that are not labels as float64.

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
            if name == self.factor or (text is not None and name in text):
                values = values.astype(str)
            elif not numeric and (text is not None or name in self.numbers):
                raise self._error(
                    f"column {name!r} must be numbers; row 1 is {shown(values.iloc[0])}"
                )
            elif numeric and name not in self.labels:
                values = values.astype(float)
            mask[name] = values
        return pd.DataFrame(mask, index=table.index).reset_index(drop=True)

    def _groups(self, mask: pd.DataFrame) -> np.ndarray:
        """The group label of each row; "all" where there is no factor."""
        if self.factor is None:
            return np.full(len(mask), "all", dtype=object)
        return mask[self.factor].to_numpy(dtype=object)

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

    def _check_finite(self, design: "Design") -> None:
        every = dict(zip(design.columns, design.matrix.T, strict=True))
        if design.y is not None:
            every[self.response] = design.y
        for name, values in every.items():
            wrong = np.flatnonzero(~np.isfinite(values))
            if len(wrong):
                raise self._error(f"{name!r} is {values[wrong[0]]} in row {wrong[0] + 1}")

    def _check_rank(self, names: list[str], matrix: np.ndarray) -> None:
        """Refuse collinear columns: their coefficients could not be told apart."""
        if len(matrix) < len(names):
            raise self._error(
                f"{len(matrix)} rows cannot tell {len(names)} coefficients apart: {listed(names)}"
            )
        length = np.linalg.norm(matrix, axis=0)
        for name, size in zip(names, length, strict=True):
            if size == 0:
                raise self._error(f"column {name!r} is zero in every row")
        triangle = np.linalg.qr(matrix, mode="r") / length
        _, pivoted, order = linalg.qr(triangle, pivoting=True, mode="economic")
        rank = int((np.abs(np.diag(pivoted)) > _LEFT_OVER).sum())
        if rank < len(names):
            # The first column left over is a combination of some of those before it.
            weights = linalg.solve_triangular(pivoted[:rank, :rank], pivoted[:rank, rank])
            culprits = {order[rank], *order[:rank][np.abs(weights) > 1e-6]}
            named = listed(names[index] for index in sorted(culprits))
            raise self._error(f"columns {named} are collinear; leave one out")

    def _error(self, message: str) -> UserError:
        return fault(self.text, message)


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
    varying : list of str
        Columns with group deviations; empty without a group term.
    terms : dict of str to tuple of str
        Population-level coefficients of each term: `C(period)` has `C(period)[2]`, ...
    factor : str or None
        Name of the grouping factor.
    groups : numpy.ndarray of str
        Shape `(row,)`: each row's group; "all" where there is no factor.
    levels : list of str
        Sorted labels of the table that is fitted.
    """

    y: np.ndarray | None
    matrix: np.ndarray
    columns: list[str]
    coefficients: list[str]
    varying: list[str]
    terms: dict[str, tuple[str, ...]]
    factor: str | None
    groups: np.ndarray
    levels: list[str]
    formula: Formula = field(repr=False)
    parts: list[CommonEffectsMatrix] = field(repr=False)  # evaluated terms, with their state
    text: set[str] = field(repr=False)  # columns that are text in the fitted table

    @property
    def varying_predictors(self) -> set[str]:
        """Columns of the table whose coefficients vary by group."""
        part = self.parts[0].terms.values() if self.varying else []
        return set().union(*(term.var_names for term in part))

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
            With `y` None, and `levels` those of the fitted table.

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
        new = replace(self, y=None, matrix=matrix, columns=columns, groups=formula._groups(mask))
        formula._check_finite(new)
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
