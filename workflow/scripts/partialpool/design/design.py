"""The columns of a design, for the rows of one table, and how to have them for other rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix
from formulae.terms import Response, Term, Variable

from partialpool.base.characters import looks_like, spelled
from partialpool.base.errors import listed, shown
from partialpool.design import factors
from partialpool.design.functions import EVERYTHING, LABELLING
from partialpool.design.rank import collinear

WIDEST = 10_000  # labels of a term, or combinations of them
HUGE = 1e50  # numbers stay below, so that squares and sums of them do


@dataclass(frozen=True)
class Factor:
    """A grouping factor, and the group of each row of one table.

    Attributes
    ----------
    name : str
    blocks : tuple of tuple of str
        Columns of the design that have deviations by group. Those of one block are correlated,
        those of different blocks are not: a block for each `|` of the factor as written, and
        for each column of `||`.
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
        """The predictor that predictions go along: the first that varies by group, or the first."""
        varying, groups = self.varying_predictors, self.formula.group_columns
        found = [name for name in self.formula.predictors if name not in groups]
        return min(found, key=lambda name: name not in varying, default=None)

    @property
    def label_predictors(self) -> set[str]:
        """Predictors that are text, or that the formula uses as labels in one of its terms."""
        used = [one.var_names for part in self.parts for one in categorical(part)]
        return self.text.union(*used) & {*self.formula.predictors}

    @property
    def held(self) -> tuple[str, ...]:
        """Predictors that a prediction grid holds fixed, in the order of the formula."""
        own = (self.along, *self.formula.group_columns)
        return tuple(name for name in self.formula.predictors if name not in own)

    def of(self, names) -> np.ndarray:
        """The named columns of the matrix, shape `(row, name)`."""
        return self.matrix[:, [self.columns.index(name) for name in names]]

    def rank_blocks(self) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks that must have full column rank: of each group term, and the population's."""
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
        groups = factors.labels(rows, formula.factors)
        own = tuple(replace(factor, labelled=groups[factor.name]) for factor in self.factors)
        new = replace(self, y=y, matrix=matrix, columns=columns, factors=own)
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
                label, known = str(values.iloc[unseen[0]]), f"known: {listed(component.levels)}"
                for level in map(str, component.levels):
                    if looks_like(level, label):
                        known = f"{spelled(level)}, which was, only looks like {spelled(label)}"
                raise self.formula.error(
                    f"{shown(label)} in row {unseen[0] + 1} of {component.name!r} was not in the "
                    f"fitted table; {known}"
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
            raise formula.error(f"column {name!r} is zero in every row; {_remedy(formula, name)}")
    found = collinear(matrix)
    if found:
        crossed = [formula.crossed_labels(names[index]) for index in found]
        named = f"columns {listed(names[index] for index in found)} are collinear; leave one out"
        for columns in crossed:
            if len({*columns}) > 1:
                named += f", or make one column of {listed(columns)} if a combination has no row"
                break
        raise formula.error(named)


def _remedy(formula, name: str) -> str:
    """What to do about a column without any value other than zero."""
    crossed = formula.crossed_labels(name)
    if len({*crossed}) > 1:
        return (
            f"no row has that combination: make one column of the labels of {listed(crossed)} in "
            "the table, such as 'a & b', and use it instead of both, or leave out their interaction"
        )
    return "leave it out" if not crossed else "leave out the interaction"


def categorical(part: CommonEffectsMatrix) -> Iterator:
    """The components of evaluated terms that are labels."""
    yield from (one for one in components(part.terms.values()) if one.kind == "categoric")


def components(terms) -> Iterator:
    """The columns and calls that terms are products of."""
    for term in terms:
        if isinstance(term, Term):
            yield from term.components


def check_labels(formula, parts: list[list], mask: pd.DataFrame) -> None:
    """Refuse terms of too many labels, and a reference that is no label: `Treatment('a')`.

    Parameters
    ----------
    formula : Formula
        For the message.
    parts : list of list of formulae.terms.Term
    mask : pandas.DataFrame
        The predictors.
    """
    for term in (term for part in parts for term in part):
        size = 1
        for component in components([term]):
            known = _labels_of(formula, component, mask)
            if len(known) == 1:
                raise formula.error(
                    f"{component.name!r} is {str(known[0])!r} in every row; leave it out"
                )
            size *= len(known) or 1
        if size > WIDEST:
            raise formula.error(
                f"{term.name!r} has {size} labels; {WIDEST} are possible. If they are groups, "
                "write a group term such as (1 | g)"
            )


def _labels_of(formula, component, mask: pd.DataFrame) -> list:
    """The labels of a column or call; none if it is numbers."""
    call = getattr(component, "call", None)
    if call is None:
        values = mask[component.name]
        return [] if pd.api.types.is_numeric_dtype(values) else values.unique().tolist()
    if call.callee not in LABELLING:
        return []
    box = call.eval(mask, EVERYTHING)
    known = np.unique(box.data).tolist()
    wanted = getattr(box.contrast, "reference", getattr(box.contrast, "omit", None))
    if wanted is not None and wanted not in known:
        text = listed(known) if isinstance(known[0], str) else ", ".join(map(str, known[:10]))
        raise formula.error(f"{wanted!r} is not a label of {component.name}; there are {text}")
    return known


def labels_in(component, mask: pd.DataFrame) -> pd.Series:
    """The label that a component has in each row."""
    if isinstance(component, Variable):
        return mask[component.name]
    values = component.call.eval(mask, component.env)
    return pd.Series(getattr(values, "data", values))


def labels(part: CommonEffectsMatrix | None) -> list[str]:
    """Names of the columns of evaluated terms."""
    return [label for term in part.terms.values() for label in term.labels] if part else []
