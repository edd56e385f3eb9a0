"""From a formula and a table to the columns of the design.

`formulae` evaluates the terms, on the formula's own columns of the table and
nothing else; what may be written is said in `grammar`.
"""

import contextlib
import io
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from formulae.matrices import DesignMatrices
from formulae.terms import Model, Response

from partialpool.design import Design, Factor, check_rank, labels
from partialpool.errors import UserError, nearest
from partialpool.grammar import (
    ENVIRONMENT,
    fault,
    first_line,
    group_terms,
    parse,
    resolve,
    shown,
)


class Terms(NamedTuple):
    """What the parser made of a formula; its terms keep what they learn from a table."""

    parts: list[Model]  # of each factor's varying terms, then of the population's
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
                raise self.error("a group term is written (1 + x | group)")
            for name, columns in written.items():
                for other, those in self.factors.items():
                    if other == name or set(those) == set(columns):
                        raise self.error(
                            f"two group terms are of {other!r}; write one (1 + x | {other})"
                        )
                self.factors[name] = columns
        kept = {term.factor.name for term in model.group_terms}
        if kept != set(self.factors):
            raise self.error("a group term is added and taken away again")
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
                raise self.error(f"the grouping factor must be a column, not {name!r}")
            if name in on_right | response_columns:
                raise self.error(
                    f"{name!r} is the grouping factor and something else too; "
                    "copy the column under a second name"
                )
        for name in roles:
            if name in on_right & response_columns:
                raise self.error(f"{name!r} is on both sides of `~`")
        if not model.common_terms:
            raise self.error("no population-level coefficient; write `~ 1 + ...`")
        self.variables = tuple(roles)
        self.predictors = tuple(name for name in roles if name in on_right)
        self.labels = tuple(name for name in self.predictors if roles[name] == {"label"})
        self.numbers = tuple(
            name for name in roles if name in response_columns or "number" in roles[name]
        )

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
        for names, matrix in design.of_parts():
            check_rank(self, names, matrix, len(table))
        return design

    def terms(self) -> "Terms":
        """The formula's terms, which have learned nothing yet."""
        model = resolve(self.text, parse(self.text)[0])
        varying = [
            Model(*(term.expr for term in model.group_terms if term.factor.name == name))
            for name in self.factors
        ]
        return Terms([*varying, Model(*model.common_terms)], model.response)

    def evaluate(self, terms: "Terms", table: pd.DataFrame, response: bool = True) -> Design:
        """The design of a table; terms that have learned nothing learn from it.

        Parameters
        ----------
        terms : Terms
        table, response
            As for :meth:`design`.

        Returns
        -------
        Design
            Its values are not checked.

        Raises
        ------
        UserError
            If a column is missing or of the wrong type.
        """
        mask = self.mask(table, self.variables if response else self.right)
        y = None
        with self.evaluating():
            parts = [DesignMatrices(part, mask, ENVIRONMENT).common for part in terms.parts]
            if response:
                answer = Model(response=terms.response)
                answer = DesignMatrices(answer, mask, ENVIRONMENT).response
                if answer.kind != "numeric" or answer.design_matrix.ndim != 1:
                    raise self.error(f"the response {self.response!r} must be numbers")
                y = np.asarray(answer.design_matrix, dtype=float)
        population = parts[-1]
        groups = self.group_labels(mask)
        columns, matrix = self.join(
            [labels(part) for part in parts],
            [np.asarray(part.design_matrix, dtype=float) for part in parts],
        )
        return Design(
            y=y,
            matrix=matrix,
            columns=columns,
            coefficients=labels(population),
            terms={name: tuple(term.labels) for name, term in population.terms.items()},
            factors=tuple(
                Factor(name, (tuple(labels(part)),), levels_of(groups[name]), groups[name])
                for name, part in zip(self.factors, parts, strict=False)
            ),
            formula=self,
            parts=parts,
            response=terms.response,
            text={name for name in mask if not pd.api.types.is_numeric_dtype(mask[name])},
        )

    @property
    def right(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return (*self.predictors, *self.group_columns)

    def mask(self, table: pd.DataFrame, names, text=None) -> pd.DataFrame:
        """The named columns: factors as text, numbers that are not labels as float64.

        `text` names the columns that were text in the fitted table, if this is not it.
        """
        mask = {}
        for name in names:
            if name not in table.columns:
                raise self.error(f"no column {name!r} in the table{nearest(name, table.columns)}")
            values = table[name]
            missing = np.flatnonzero(values.isna())
            if len(missing):
                raise self.error(f"column {name!r} has a missing value in row {missing[0] + 1}")
            if name in self.group_columns:
                mask[name] = values.astype("category").cat.rename_categories(str)
                continue
            if isinstance(values.dtype, pd.CategoricalDtype):
                # Python's strings, of which those of one level are one: `formulae` looks at each.
                levels = values.cat.categories.to_numpy(dtype=object)
                values = pd.Series(levels[values.cat.codes], values.index, dtype=object)
            numeric = pd.api.types.is_numeric_dtype(values)
            if text is not None and name in text:
                values = values if values.dtype == object else values.astype(str)
            elif not numeric and (text is not None or name in self.numbers):
                raise self.error(
                    f"column {name!r} must be numbers; row 1 is {shown(values.iloc[0])}"
                )
            elif numeric and name not in self.labels:
                values = values.astype(float)
            mask[name] = values
        return pd.DataFrame(mask, index=table.index).reset_index(drop=True)

    def group_labels(self, mask: pd.DataFrame) -> dict[str, pd.Categorical]:
        """The group of each row, by factor; of several columns, their labels joined by `:`."""
        found = {}
        for name, columns in self.factors.items():
            parts = [pd.Categorical(mask[column]) for column in columns]
            if len(parts) == 1:
                found[name] = parts[0].remove_unused_categories()
                continue
            # A colon in a label is marked, or two pairs of labels might read the same.
            marked = [
                [re.sub(r"([\\:])", r"\\\1", label) for label in part.categories] for part in parts
            ]
            joined, of_row = marked[0], parts[0].codes.astype(int)
            for own, part in zip(marked[1:], parts[1:], strict=True):
                pairs, of_row = np.unique(of_row * len(own) + part.codes, return_inverse=True)
                joined = [f"{joined[p // len(own)]}:{own[p % len(own)]}" for p in pairs]
            found[name] = pd.Categorical.from_codes(of_row, joined)
        return found

    @contextlib.contextmanager
    def evaluating(self):
        """Say what went wrong in a term, in the words of this module."""
        try:
            # formulae prints before it raises
            with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                yield
        except UserError:
            raise
        except Exception as problem:
            raise self.error(f"cannot be evaluated ({first_line(problem)})") from None

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
        return fault(self.text, message)


def levels_of(groups: pd.Categorical) -> tuple[str, ...]:
    """The labels there are, sorted."""
    return tuple(sorted(groups.categories))
