"""Evaluate a formula on a table: from names to the columns of a design matrix.

`formulae` evaluates the terms, on the formula's own columns of the table and on nothing else.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from formulae.matrices import ResponseMatrix

from partialpool.design import factors
from partialpool.design.coding import coded
from partialpool.design.design import Design, TableFactor, join
from partialpool.design.functions import ENVIRONMENT
from partialpool.design.grammar import check_columns
from partialpool.design.labels import check_labels, column_names
from partialpool.design.parsed_formula import ParsedFormula, Terms
from partialpool.design.rank import check_rank
from partialpool.design.terms import term_name


class Formula(ParsedFormula):
    """A model formula that gives the design of a table; see :class:`ParsedFormula`."""

    @classmethod
    def read(cls, text: str, columns: Iterable[str]) -> "Formula":
        """Read a formula for a table, and check that column names with signs are in backticks.

        Parameters
        ----------
        text : str
        columns : iterable of str
            Names of the table's columns.

        Raises
        ------
        UserError
        """
        check_columns(text, columns)
        return cls(text)

    def design(self, table: pd.DataFrame, response: bool = True) -> Design:
        """The design of a table, checked, with what its terms learn from the table.

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
            If a column is missing or of the wrong type, a value of the design is not finite, or
            population-level or varying columns are collinear.
        """
        design = self.evaluate(self.terms(), table, response)
        design.check_finite(table.index)
        for names, matrix in design.rank_blocks():
            check_rank(self, names, matrix, len(table))
        return design

    def evaluate(self, terms: Terms, table: pd.DataFrame, response=True, numeric=None) -> Design:
        """The design of a table; terms that have learned nothing learn from it.

        Parameters
        ----------
        terms : Terms
        table, response
            As for :meth:`design`.
        numeric : frozenset of str, optional
            Columns for which :meth:`numeric_grouping_predictors` holds in the whole table, if
            this is a part of it.

        Returns
        -------
        Design
            Its values are not checked.

        Raises
        ------
        UserError
            If a column is missing or of the wrong type.
        """
        names = self.variables if response else self.needed_to_predict
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
        columns, matrix = join(
            self,
            [column_names(part) for part in parts],
            [np.asarray(part.design_matrix, dtype=float) for part in parts],
        )
        groups = factors.labels(table, self.factors)
        return Design(
            y=y,
            matrix=matrix,
            columns=columns,
            coefficients=column_names(population),
            terms={name: tuple(term.labels) for name, term in population.terms.items()},
            factors=tuple(
                TableFactor(
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
        """Columns that vary by a factor: a block for each of its terms, or each column of `||`."""
        blocks = []
        for group, part in zip(self._parsed.groups, parts, strict=False):
            if term_name(group.factor) == factor:
                own = column_names(part)
                blocks += [tuple(own)] if group.correlated else [(column,) for column in own]
        varying = [column for block in blocks for column in block]
        for column in varying:
            if varying.count(column) > 1:
                raise self.error(
                    f"column {column!r} varies by {factor!r} in two terms; leave one out"
                )
        return tuple(blocks)
