"""Fit the stateful transforms of a formula to a table that is read in batches.

The levels of labels and groups, and parameters such as the mean in `center(x)`, come from the
whole table; with them, any part of it has the columns that it has within the whole. They are
stored as plain values. `formulae` wants a table to learn levels from: it gets a few rows that
have every level, the exemplars.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add, and_

import numpy as np
import pandas as pd
from formulae.terms import Call
from formulae.terms.call_resolver import LazyCall
from formulae.transforms import TRANSFORMS
from scipy.interpolate import CubicSpline

from partialpool.base import files
from partialpool.base.moments import Moments
from partialpool.design import factors
from partialpool.design.design import Design
from partialpool.design.formula import Formula
from partialpool.design.functions import ENVIRONMENT, EVERYTHING
from partialpool.design.labels import components, labels_in
from partialpool.design.parsed_formula import Terms

MOMENTS = ("center", "scale", "standardize")  # need a mean, and perhaps an sd
UNUSED = ("_random_state", "_penalty_matrix")  # of splines; as long as the table, and unused

Batches = Callable[[], Iterator[pd.DataFrame]]


@dataclass(frozen=True)
class FittedTransforms:
    """Parameters of a formula's terms, fitted to a table.

    Attributes
    ----------
    formula : Formula
    exemplars : pandas.DataFrame
        Rows of the table: the first, and one for each level of each label.
    levels : dict of str to tuple of str
        Levels of each grouping factor, sorted.
    transformations : dict of str to dict
        Parameters of each transform, by its text, such as `center(x)`.
    numeric : frozenset of str
        Predictors that are grouping columns too, and whose values are all numbers.
    location_scale : tuple of float, optional
        Robust location and scale of the response without offsets: see `moments.robust`.
    """

    formula: Formula
    exemplars: pd.DataFrame
    levels: dict[str, tuple[str, ...]]
    transformations: dict[str, dict]
    numeric: frozenset[str] = frozenset()
    location_scale: tuple[float, float] | None = None

    @classmethod
    def of(cls, formula: Formula, batches: Batches) -> "FittedTransforms":
        """Fit the transforms of a formula to a table.

        Parameters
        ----------
        formula : Formula
        batches : callable
            Gives the table's batches of rows anew at each call: one pass for the levels, and one
            for each depth of nested transforms. `center`, `scale` and `standardize` need only
            moments; splines and `poly` take their whole column into memory.

        Raises
        ------
        UserError
            If a column is missing or of the wrong type, or a term cannot be evaluated.
        """
        learned: dict[str, dict] = {}
        numeric = frozenset(formula.grouping_predictors)
        if numeric:
            numeric = reduce(
                and_, (formula.numeric_grouping_predictors(batch) for batch in batches())
            )
        while ready := _ready(formula, learned):
            learned |= _totals(formula, ready, batches, numeric)
        exemplars, levels = _exemplars(formula, learned, batches, numeric)
        return cls(formula, exemplars, levels, learned, numeric)

    @cached_property
    def design(self) -> Design:
        """Design of the exemplars, with the table's levels; see :meth:`Design.for_rows`."""
        terms = _fitted_terms(self.formula, self.transformations)
        design = self.formula.evaluate(terms, self.exemplars, numeric=self.numeric)
        own = (replace(one, levels=self.levels[one.name]) for one in design.factors)
        return replace(design, factors=tuple(own))

    def is_text(self, name: str) -> bool:
        """Whether a column of the formula is labels in the fitted table."""
        return name in self.exemplars and not pd.api.types.is_numeric_dtype(self.exemplars[name])

    def to_dict(self) -> dict:
        """As plain values."""
        return {
            "exemplars": {name: values.tolist() for name, values in self.exemplars.items()},
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "transformations": {n: _plain(state) for n, state in self.transformations.items()},
            "numeric": sorted(self.numeric),
            "location_scale": self.location_scale and list(self.location_scale),
        }

    @classmethod
    def read(cls, formula: str, path) -> "FittedTransforms":
        """Read from a JSON file."""
        return cls.from_dict(Formula(formula), files.read_json(path))

    @classmethod
    def from_dict(cls, formula: Formula, stored: dict) -> "FittedTransforms":
        """The inverse of :meth:`to_dict`."""
        return cls(
            formula,
            pd.DataFrame(stored["exemplars"]),
            {name: tuple(levels) for name, levels in stored["levels"].items()},
            {name: _full(state) for name, state in stored["transformations"].items()},
            frozenset(stored["numeric"]),
            stored["location_scale"] and tuple(stored["location_scale"]),
        )


def _components(terms: Terms) -> Iterator:
    """Columns and calls that terms are products of, the response's last."""
    for part in terms.parts:
        yield from components(part)
    yield from terms.response.term.components


def _transformations(terms: Terms) -> Iterator[LazyCall]:
    """Stateful transforms of the terms, inner ones first."""
    for component in _components(terms):
        if isinstance(component, Call):
            yield from _within(component.call)


def _within(lazy) -> Iterator[LazyCall]:
    for argument in _arguments(lazy):
        yield from _within(argument)
    if isinstance(lazy, LazyCall) and hasattr(
        TRANSFORMS.get(lazy.callee), "__stateful_transform__"
    ):
        yield lazy


def _arguments(lazy) -> list:
    """Arguments of a call, or operands of an operator."""
    return [*getattr(lazy, "args", ()), *getattr(lazy, "kwargs", {}).values()]


def _fitted_terms(formula: Formula, learned: dict[str, dict]) -> Terms:
    """The formula's terms, with the transforms fitted so far."""
    terms = formula.terms()
    for call in _transformations(terms):
        if str(call) in learned:
            call.stateful_transform = TRANSFORMS[call.callee]()
            call.stateful_transform.__dict__ |= learned[str(call)]
    return terms


def _ready(formula: Formula, learned: dict[str, dict]) -> dict[str, LazyCall]:
    """Transforms that can be fitted next, as all within them are fitted; by their text."""
    found = {}
    for call in _transformations(_fitted_terms(formula, learned)):
        inner = [str(one) for argument in _arguments(call) for one in _within(argument)]
        if str(call) not in learned and all(one in learned for one in inner):
            found[str(call)] = call
    return found


def _totals(formula: Formula, ready: dict[str, LazyCall], batches: Batches, numeric) -> dict:
    """Fit transforms in one pass over the table; returns their parameters by their text."""
    moments = {name: [] for name, call in ready.items() if call.callee in MOMENTS}
    whole = {name: [] for name in ready if name not in moments}
    with formula.evaluating():
        for batch in batches():
            mask = formula.mask(batch, formula.variables, numeric=numeric)
            for name in moments:
                values = _arguments(ready[name])[0].eval(mask, EVERYTHING)
                moments[name].append(Moments.of(np.asarray(values, dtype=float)))
            for name in whole:
                whole[name].append(mask[sorted(_columns(ready[name]))])
        for name in moments:
            total = reduce(add, moments[name])
            transformation = TRANSFORMS[ready[name].callee]()
            transformation.mean, transformation.params_set = float(total.mean), True
            if hasattr(transformation, "std"):
                transformation.std = float(total.sd)
            ready[name].stateful_transform = transformation
    for name, parts in whole.items():
        _learn(formula, ready[name], pd.concat(parts, ignore_index=True))
    return {
        name: {k: v for k, v in call.stateful_transform.__dict__.items() if k not in UNUSED}
        for name, call in ready.items()
    }


def _learn(formula: Formula, call: LazyCall, mask: pd.DataFrame) -> None:
    """Fit a spline or polynomial to its whole column."""
    with formula.evaluating(f"{call}"):
        values = np.unique(np.asarray(_arguments(call)[0].eval(mask, EVERYTHING), dtype=float))
    try:
        with np.errstate(all="ignore"):
            call.eval(mask, EVERYTHING)
        columns = getattr(call.stateful_transform, "degree", 0)
    except (ArithmeticError, ValueError, TypeError, np.linalg.LinAlgError):
        columns = len(values)
    if columns >= len(values):
        raise formula.error(
            f"{call} cannot be computed: its column has {len(values)} different values, from "
            f"{values.min():g} to {values.max():g}; take fewer columns, and bounds beyond these"
        )


def _columns(lazy) -> set[str]:
    """Columns of the table that a call depends on."""
    own = {lazy.name} if not hasattr(lazy, "args") and hasattr(lazy, "name") else set()
    return own.union(*(_columns(argument) for argument in _arguments(lazy)))


def _exemplars(formula: Formula, learned: dict[str, dict], batches: Batches, numeric):
    """Rows that have every level of every label, and the levels of each factor."""
    terms = _fitted_terms(formula, learned)
    chosen, seen, levels = [], {}, {name: set() for name in formula.factors}
    for batch in batches():
        mask = formula.mask(batch, formula.variables, numeric=numeric)
        rows = set() if chosen else {0}
        with formula.evaluating():
            components = [one for one in _components(terms) if _is_label(one, mask)]
        for component in components:
            values = labels_in(component, mask).reset_index(drop=True)
            known = seen.setdefault(component.name, set())
            new = values.drop_duplicates()
            new = new[~new.isin(known)]
            known |= set(new)
            rows |= {*new.index}
        for name, labelled in factors.labels(batch, formula.factors).items():
            levels[name] |= {*labelled.categories}
        if rows:
            chosen.append(batch[list(formula.variables)].iloc[sorted(rows)])
    exemplars = pd.concat(chosen, ignore_index=True)
    labels = exemplars.select_dtypes("category").columns
    exemplars = exemplars.astype({name: exemplars[name].cat.categories.dtype for name in labels})
    exemplars = exemplars.astype(dict.fromkeys(formula.group_columns, str))
    return exemplars, {name: tuple(sorted(found)) for name, found in levels.items()}


def _is_label(component, mask: pd.DataFrame) -> bool:
    """Whether a column or call is categorical; `formulae` is told its type if it has none yet."""
    if component.kind is None:
        head = mask.head(1)
        if isinstance(component, Call):
            component.set_type(head, ENVIRONMENT)
        else:
            component.set_type(head)
    return component.kind == "categoric"


def _plain(value):
    """A transform's parameters as values that JSON can store."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, CubicSpline):
        return {"spline": [value.x.tolist(), value.c.tolist()], "extrapolate": value.extrapolate}
    if isinstance(value, dict):
        return {"items": [[key, _plain(one)] for key, one in value.items()]}
    return value.item() if isinstance(value, np.generic) else value


def _full(value):
    """The inverse of :func:`_plain`."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"])
    if "spline" in value:
        x, c = map(np.array, value["spline"])
        return CubicSpline.construct_fast(c, x, extrapolate=value["extrapolate"])
    return {key: _full(one) for key, one in value["items"]}
