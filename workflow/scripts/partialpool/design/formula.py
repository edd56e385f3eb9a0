"""From a formula and a table to the columns of the design.

`formulae` evaluates the terms, on the formula's own columns of the table and
nothing else; what may be written is said in `grammar`.
"""

import contextlib
import io
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from formulae.matrices import ResponseMatrix
from formulae.terms import Intercept, Response, Term

from partialpool.base.errors import UserError, nearest, shown
from partialpool.design import algebra, factors
from partialpool.design.coding import coded
from partialpool.design.design import Design, Factor, check_labels, check_rank, labels
from partialpool.design.functions import ENVIRONMENT
from partialpool.design.grammar import check_columns, error, parse
from partialpool.design.tokens import Refused


class Terms(NamedTuple):
    """What the parser made of a formula; its terms keep what they learn from a table."""

    parts: list[
        list[Term | Intercept]
    ]  # of each group term as written, then of the population's terms
    response: Response


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
        Those of them on the right of `~`, outside of grouping factors.
    both : tuple of str
        Predictors that are part of a grouping factor too: as groups, text as it is written.
    labels : tuple of str
        Predictors used as labels only, inside `C()`, `S()` or `T()`.
    numbers : tuple of str
        Columns that must be numbers: the response, and those inside other functions.
        A column in neither tuple is whichever its column is.

    Raises
    ------
    UserError
        If the formula cannot be read or asks for what is not supported.
    """

    def __init__(self, text: str):
        self.text = text
        self._parsed = parsed = parse(text)
        self.response = algebra.name(parsed.response)
        try:
            self.factors = factors.of_terms(parsed.groups)
        except Refused as refused:
            raise self.error(str(refused)) from None
        self.group_columns = tuple(dict.fromkeys(c for cs in self.factors.values() for c in cs))
        if not parsed.population:
            raise self.error("no population-level coefficient; write `~ 1 + ...`")

        of_response = {use.name for atom in parsed.response for use in atom.uses}
        terms = [*parsed.population, *(term for group in parsed.groups for term in group.terms)]
        on_right = {use.name for term in terms for atom in term for use in atom.uses}
        used = of_response | on_right | set(self.group_columns)
        roles: dict[str, set[str]] = {use.name: set() for use in parsed.uses if use.name in used}
        for use in parsed.uses:
            if use.name in used and use.role != "group":
                roles[use.name].add(use.role)
        self.variables = tuple(roles)
        self.predictors = tuple(name for name in roles if name in on_right)
        self.both = tuple(name for name in self.predictors if name in self.group_columns)
        self.labels = tuple(name for name in self.predictors if roles[name] == {"label"})
        plain = of_response & {self.response}
        self.numbers = tuple(name for name in roles if name in plain or "number" in roles[name])
        for name in of_response:
            if name in self.group_columns:
                raise self.error(f"{name!r} is the response and a grouping factor too")
            if name in on_right:
                raise self.error(f"{name!r} is on both sides of `~`")

    def crossed_labels(self, column: str) -> list[str]:
        """Predictors whose labels a column of the design is a combination of."""
        terms = [*self._parsed.population, *(t for g in self._parsed.groups for t in g.terms)]
        for term in terms:
            pattern = ":".join(re.escape(atom.name) + r"(\[.*\])?" for atom in term)
            found = re.fullmatch(pattern, column) if len(term) > 1 else None
            if found:
                labelled = [atom for atom, own in zip(term, found.groups(), strict=True) if own]
                uses = (use for atom in labelled for use in atom.uses)
                return [use.name for use in uses if use.role != "number"]
        return []

    @classmethod
    def read(cls, text: str, columns: Iterable[str]) -> "Formula":
        """The formula of a table, whose columns with signs in their names are in backticks.

        Parameters
        ----------
        text : str
        columns : iterable of str
            Names of the table's columns.
        """
        check_columns(text, columns)
        return cls(text)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def design(self, table: pd.DataFrame, response: bool = True) -> Design:
        """Evaluate the formula, and remember what other rows will need.

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
        design = self.evaluate(self.terms(), table, response)
        design.check_finite(table.index)
        for names, matrix in design.rank_blocks():
            check_rank(self, names, matrix, len(table))
        return design

    def terms(self) -> "Terms":
        """The formula's terms, which have learned nothing yet."""
        parsed = self._parsed
        parts = [*(group.terms for group in parsed.groups), parsed.population]
        parts = [[_term(term) for term in part] for part in parts]
        return Terms(parts, Response(_term(parsed.response)))

    def numeric(self, table: pd.DataFrame) -> frozenset[str]:
        """Those of `both` that are numbers as predictors, as far as these rows tell."""
        return frozenset(
            name
            for name in self.both
            if name not in self.labels
            and (name in self.numbers or not _as_numbers(table[name]).isna().any())
        )

    def evaluate(self, terms: "Terms", table: pd.DataFrame, response=True, numeric=None) -> Design:
        """The design of a table; terms that have learned nothing learn from it.

        Parameters
        ----------
        terms : Terms
        table, response
            As for :meth:`design`.
        numeric : frozenset of str, optional
            See :meth:`numeric`, of the whole table, if this is a part of it.

        Returns
        -------
        Design
            Its values are not checked.

        Raises
        ------
        UserError
            If a column is missing or of the wrong type.
        """
        names = self.variables if response else self.right
        mask = self.mask(table, names, numeric=numeric)
        y = None
        with self.evaluating():
            check_labels(self, terms.parts, mask)
            parts = [coded(part, mask) for part in terms.parts]
            if response:
                answer = ResponseMatrix(terms.response)
                answer.evaluate(mask, ENVIRONMENT)
                if answer.kind != "numeric" or answer.design_matrix.ndim != 1:
                    raise self.error(f"the response {self.response!r} must be numbers")
                y = np.asarray(answer.design_matrix, dtype=float)
        population = parts[-1]
        columns, matrix = self.join(
            [labels(part) for part in parts],
            [np.asarray(part.design_matrix, dtype=float) for part in parts],
        )
        groups = factors.labels(table, self.factors)
        return Design(
            y=y,
            matrix=matrix,
            columns=columns,
            coefficients=labels(population),
            terms={name: tuple(term.labels) for name, term in population.terms.items()},
            factors=tuple(
                Factor(
                    name, self._blocks(name, parts), factors.levels_of(groups[name]), groups[name]
                )
                for name in self.factors
            ),
            formula=self,
            parts=parts,
            response=terms.response,
            text={name for name in mask if not pd.api.types.is_numeric_dtype(mask[name])},
        )

    def _blocks(self, factor: str, parts: list) -> tuple[tuple[str, ...], ...]:
        """What varies by a factor: the columns of each of its terms, or each column of `||`."""
        blocks = []
        for group, part in zip(self._parsed.groups, parts, strict=False):
            if algebra.name(group.factor) == factor:
                own = labels(part)
                blocks += [tuple(own)] if group.correlated else [(column,) for column in own]
        varying = [column for block in blocks for column in block]
        for column in varying:
            if varying.count(column) > 1:
                raise self.error(
                    f"column {column!r} varies by {factor!r} in two terms; leave one out"
                )
        return tuple(blocks)

    @property
    def right(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return (*self.predictors, *self.group_columns)

    def mask(self, table: pd.DataFrame, names, text=None, numeric=None) -> pd.DataFrame:
        """The named predictors, and response: labels as text, numbers as float64.

        `text` names the columns that were text in the fitted table, if this is not it; `numeric`
        those of `both` that are numbers in the whole table, if this is a part of it.
        """
        mask = {}
        if text is not None:
            numeric = {*self.both} - {*text}
        elif numeric is None:
            numeric = self.numeric(table)
        for name in names:
            values = self._column(table, name)
            if name in self.group_columns and name not in self.both:
                continue
            if isinstance(values.dtype, pd.CategoricalDtype):
                # Python's strings, of which those of one level are one: `formulae` looks at each.
                levels = values.cat.categories.to_numpy(dtype=object)
                values = pd.Series(levels[values.cat.codes], values.index, dtype=object)
            is_number = pd.api.types.is_numeric_dtype(values)
            if name in numeric:
                numbers = _as_numbers(values)
                if numbers.isna().any():
                    row = int(numbers.isna().argmax())
                    found = shown(values.iloc[row])
                    raise self.error(f"column {name!r} must be numbers; row {row + 1} is {found}")
                values = numbers
            elif name in self.both or (text is not None and name in text):
                values = values if values.dtype == object else values.astype(str)
            elif not is_number and (text is not None or name in self.numbers):
                raise self.error(
                    f"column {name!r} must be numbers; row 1 is {shown(values.iloc[0])}"
                )
            elif is_number and name not in self.labels:
                values = values.astype(float)
            mask[name] = values
        return pd.DataFrame(mask, index=table.index).reset_index(drop=True)

    def _column(self, table: pd.DataFrame, name: str) -> pd.Series:
        """A column of the table, which must have one value a row."""
        if name not in table.columns:
            raise self.error(f"no column {name!r} in the table{nearest(name, table.columns)}")
        missing = np.flatnonzero(table[name].isna())
        if len(missing):
            raise self.error(f"column {name!r} has a missing value in row {missing[0] + 1}")
        return table[name]

    @contextlib.contextmanager
    def evaluating(self, what: str = "a term"):
        """Say what went wrong in a term, in the words of this module."""
        try:
            # formulae prints before it raises
            with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                yield
        except UserError:
            raise
        except Exception as problem:
            raise self.error(
                f"{what} cannot be computed from this table; make such columns in the table"
            ) from problem

    def join(self, labels, values) -> tuple[list[str], np.ndarray]:
        """Distinct columns of several matrices, in order; the same name must be the same column."""
        joined: dict[str, np.ndarray] = {}
        for names, matrix in zip(labels, values, strict=True):
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise self.error(f"two columns of the design are called {twice!r}")
            for name, column in zip(names, matrix.T, strict=True):
                if name in joined and not np.array_equal(joined[name], column, equal_nan=True):
                    raise self.error(
                        f"{name!r} means one thing inside the group term and another outside"
                    )
                joined.setdefault(name, column)
        return list(joined), np.column_stack(list(joined.values()))

    def error(self, message: str) -> UserError:
        return error(self.text, message)


def _as_numbers(values: pd.Series) -> pd.Series:
    """A grouping column, which is text, as the numbers it spells; NaN where it does not."""
    return pd.to_numeric(values.astype(str), errors="coerce").astype(float)


def _term(term: algebra.Term) -> Term | Intercept:
    """For `formulae`, with components of its own."""
    return Term(*(atom.component() for atom in term)) if term else Intercept()
