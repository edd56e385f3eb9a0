"""Read a formula: its response, its grouping factors, and the columns of a table that it uses."""

import contextlib
import io
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from formulae.terms import Intercept, Response, Term

from partialpool.base.errors import UserError, error_text, nearest, quoted
from partialpool.design import factors, terms
from partialpool.design.grammar import error, parse
from partialpool.design.tokens import InvalidFormula


class Terms(NamedTuple):
    """A formula's terms as objects of `formulae`, which keep what they learn from a table."""

    parts: list[list[Term | Intercept]]  # of each group term as written, then the population's
    response: Response


class ParsedFormula:
    """A model formula, with the meaning it has in lme4, brms and Bambi.

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
        Columns that grouping factors are made of.
    variables : tuple of str
        All columns of the table that are used: response, predictors and grouping columns.
    response_columns : frozenset of str
        Columns that the response is made of.
    predictors : tuple of str
        Columns on the right of `~`, outside of grouping factors.
    grouping_predictors : tuple of str
        Predictors that are grouping columns too. As groups, they are text as it is written.
    labels : tuple of str
        Predictors used as labels only, inside `C()`, `S()` or `T()`.
    numbers : tuple of str
        Columns that must be numbers: the response, and those inside other functions.
        A predictor in neither tuple is numbers or labels, as its column is.

    Raises
    ------
    UserError
        If the formula cannot be read or asks for what is not supported.
    """

    def __init__(self, text: str):
        self.text = text
        self._parsed = parsed = parse(text)
        self.response = terms.term_name(parsed.response)
        try:
            self.factors = factors.of_terms(parsed.groups)
        except InvalidFormula as problem:
            raise self.error(str(problem)) from None
        self.group_columns = tuple(dict.fromkeys(c for cs in self.factors.values() for c in cs))
        if not parsed.population:
            raise self.error("no population-level coefficient; write `~ 1 + ...`")

        of_response = frozenset(use.name for atom in parsed.response for use in atom.uses)
        right = [*parsed.population, *(term for group in parsed.groups for term in group.terms)]
        on_right = {use.name for term in right for atom in term for use in atom.uses}
        used = of_response | on_right | set(self.group_columns)
        roles: dict[str, set[str]] = {use.name: set() for use in parsed.uses if use.name in used}
        for use in parsed.uses:
            if use.name in used and use.role != "group":
                roles[use.name].add(use.role)
        self.variables = tuple(roles)
        self.response_columns = of_response
        self.predictors = tuple(name for name in roles if name in on_right)
        self.grouping_predictors = tuple(n for n in self.predictors if n in self.group_columns)
        self.labels = tuple(name for name in self.predictors if roles[name] == {"label"})
        plain = of_response & {self.response}
        self.numbers = tuple(name for name in roles if name in plain or "number" in roles[name])
        for name in of_response:
            if name in self.group_columns:
                raise self.error(f"{name!r} is the response and a grouping factor too")
            if name in on_right:
                raise self.error(f"{name!r} is on both sides of `~`")

    def crossed_labels(self, column: str) -> list[str]:
        """Predictors of which a column of the design is a combination of labels."""
        right = [*self._parsed.population, *(t for g in self._parsed.groups for t in g.terms)]
        for term in right:
            pattern = ":".join(re.escape(atom.name) + r"(\[.*\])?" for atom in term)
            found = re.fullmatch(pattern, column) if len(term) > 1 else None
            if found:
                labelled = [atom for atom, own in zip(term, found.groups(), strict=True) if own]
                uses = (use for atom in labelled for use in atom.uses)
                return [use.name for use in uses if use.role != "number"]
        return []

    @property
    def needed_to_predict(self) -> tuple[str, ...]:
        """Columns that rows to predict must have."""
        return (*self.predictors, *self.group_columns)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def terms(self) -> Terms:
        """The formula's terms, before they have learned anything from a table."""
        parsed = self._parsed
        parts = [*(group.terms for group in parsed.groups), parsed.population]
        parts = [[_term(term) for term in part] for part in parts]
        return Terms(parts, Response(_term(parsed.response)))

    def numeric_grouping_predictors(self, table: pd.DataFrame) -> frozenset[str]:
        """Grouping predictors whose values in these rows are all numbers."""
        return frozenset(
            name
            for name in self.grouping_predictors
            if name not in self.labels
            and (name in self.numbers or not _as_numbers(table[name]).isna().any())
        )

    def mask(self, table: pd.DataFrame, names, text=None, numeric=None) -> pd.DataFrame:
        """The columns that `formulae` evaluates terms on: labels as text, numbers as float64.

        Parameters
        ----------
        table : pandas.DataFrame
        names : iterable of str
            Columns of the table; grouping columns that are no predictors are left out.
        text : set of str, optional
            Columns that are text in the fitted table, if this is another one.
        numeric : set of str, optional
            Grouping predictors that are numbers in the whole table, if this is a part of it.

        Raises
        ------
        UserError
            If a column is missing, has a gap, or is text where it must be numbers.
        """
        mask = {}
        if text is not None:
            numeric = {*self.grouping_predictors} - {*text}
        elif numeric is None:
            numeric = self.numeric_grouping_predictors(table)
        for name in names:
            values = self._column(table, name)
            if name in self.group_columns and name not in self.grouping_predictors:
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
                    found = quoted(values.iloc[row])
                    raise self.error(f"column {name!r} must be numbers; row {row + 1} is {found}")
                values = numbers
            elif name in self.grouping_predictors or (text is not None and name in text):
                values = values if values.dtype == object else values.astype(str)
            elif not is_number and (text is not None or name in self.numbers):
                raise self.error(
                    f"column {name!r} must be numbers; row 1 is {quoted(values.iloc[0])}"
                )
            elif is_number and name not in self.labels:
                values = values.astype(float)
            mask[name] = values
        return pd.DataFrame(mask, index=table.index).reset_index(drop=True)

    def _column(self, table: pd.DataFrame, name: str) -> pd.Series:
        """A column of the table, which must be there and have no gaps."""
        if name not in table.columns:
            raise self.error(f"no column {name!r} in the table{nearest(name, table.columns)}")
        missing = np.flatnonzero(table[name].isna())
        if len(missing):
            raise self.error(f"column {name!r} has a missing value in row {missing[0] + 1}")
        return table[name]

    @contextlib.contextmanager
    def evaluating(self, what: str = "a term"):
        """Turn errors of `formulae` and NumPy into one that quotes the formula.

        Parameters
        ----------
        what : str
            What is evaluated, for the message.

        Raises
        ------
        UserError
        """
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

    @error_text
    def error(self, message: str) -> UserError:
        """An error about this formula, which it quotes."""
        return error(self.text, message)


def _as_numbers(values: pd.Series) -> pd.Series:
    """Text as numbers; NaN where it is none."""
    return pd.to_numeric(values.astype(str), errors="coerce").astype(float)


def _term(term: terms.Term) -> Term | Intercept:
    """A term as an object of `formulae`, with components of its own."""
    return Term(*(atom.component() for atom in term)) if term else Intercept()
