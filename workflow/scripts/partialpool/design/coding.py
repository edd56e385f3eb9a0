"""Dummy coding of categorical terms with full rank, by the rules of R and patsy.

A term drops the reference level of a factor where other terms already span it. With a factor `a`
and a number `x`, `a + a:x` has an intercept, a column for each level of `a` but the first, and a
slope of `x` for each level.
"""

from copy import deepcopy

import pandas as pd
from formulae.contrasts import pick_contrasts
from formulae.matrices import CommonEffectsMatrix
from formulae.terms import Intercept, Term

from partialpool.design.functions import ENVIRONMENT


def coded(terms: list[Term | Intercept], table: pd.DataFrame) -> CommonEffectsMatrix:
    """Evaluate terms on a table.

    Parameters
    ----------
    terms : list of formulae.terms.Term or formulae.terms.Intercept
        Each with its own components, which learn from the table unless they have before.
    table : pandas.DataFrame
        Numbers as float64, labels as text.

    Returns
    -------
    formulae.matrices.CommonEffectsMatrix
        A term whose margins are missing, such as `a:b:c` without `a:b`, is split into several.
    """
    for term in terms:
        term.set_type(table, ENVIRONMENT)
    # Terms with the same numeric columns are coded together: 1, a and a:b; or x, x:a and x:a:b.
    groups: dict[frozenset, dict[int, list[str]]] = {}
    for at in sorted(range(len(terms)), key=lambda at: len(_components(terms[at]))):
        kinds = {one.name: one.kind for one in _components(terms[at])}
        numbers = frozenset(name for name, kind in kinds.items() if kind != "categoric")
        group = groups.setdefault(numbers, {})
        group[at] = [name for name in kinds if name not in numbers]
    codings: dict[int, list[dict[str, bool]]] = {}
    for group in groups.values():
        codings |= pick_contrasts(group)
    found = []
    for at, term in enumerate(terms):
        for coding in codings[at]:
            own = term if len(codings[at]) == 1 else _part(term, coding, table)
            own.set_data(coding)
            found.append(own)
    matrix = CommonEffectsMatrix(found)
    matrix.evaluate(table, ENVIRONMENT)
    return matrix


def _components(term) -> list:
    return [] if isinstance(term, Intercept) else term.components


def _part(term: Term, coding: dict[str, bool], table: pd.DataFrame) -> Term:
    """The numeric components of a term, and the categorical ones that a coding has."""
    own = Term(
        *(deepcopy(one) for one in term.components if one.name in coding or one.kind == "numeric")
    )
    own.set_type(table, ENVIRONMENT)
    return own
