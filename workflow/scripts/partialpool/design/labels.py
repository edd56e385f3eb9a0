"""Categorical terms of a formula: their levels, the level of each row, and how many may be."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from formulae.matrices import CommonEffectsMatrix
from formulae.terms import Term, Variable

from partialpool.base.errors import quoted_list
from partialpool.design.functions import EVERYTHING, LABELLING
from partialpool.design.parsed_formula import ParsedFormula

MAX_LABELS = 10_000  # of a term; of an interaction, combinations of labels


def categorical(part: CommonEffectsMatrix) -> Iterator:
    """The categorical components of evaluated terms."""
    yield from (one for one in components(part.terms.values()) if one.kind == "categoric")


def components(terms) -> Iterator:
    """The components of terms: columns and calls."""
    for term in terms:
        if isinstance(term, Term):
            yield from term.components


def check_labels(formula: ParsedFormula, parts: list[list], mask: pd.DataFrame) -> None:
    """Refuse terms with one label or too many, and a reference that is no label.

    Parameters
    ----------
    formula : ParsedFormula
        For the message.
    parts : list of list of formulae.terms.Term
    mask : pandas.DataFrame
        The predictors, from :meth:`ParsedFormula.mask`.

    Raises
    ------
    UserError
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
        if size > MAX_LABELS:
            raise formula.error(
                f"{term.name!r} has {size} labels; {MAX_LABELS} are possible. If they are groups, "
                "write a group term such as (1 | g)"
            )


def _labels_of(formula: ParsedFormula, component, mask: pd.DataFrame) -> list:
    """The labels of a column or call; none if it is numeric."""
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
        text = quoted_list(known) if isinstance(known[0], str) else ", ".join(map(str, known[:10]))
        raise formula.error(f"{wanted!r} is not a label of {component.name}; there are {text}")
    return known


def labels_in(component, mask: pd.DataFrame) -> pd.Series:
    """The label of a categorical component in each row, shape `(row,)`."""
    if isinstance(component, Variable):
        return mask[component.name]
    values = component.call.eval(mask, component.env)
    return pd.Series(getattr(values, "data", values))


def column_names(part: CommonEffectsMatrix) -> list[str]:
    """Names of the columns of evaluated terms."""
    return [label for term in part.terms.values() for label in term.labels]
