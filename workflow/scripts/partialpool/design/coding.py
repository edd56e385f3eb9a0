"""Code labels as columns: for each term, in which of its labels a reference is left out.

Together the columns of the terms span what the terms mean and no column is a combination of the
others, as in patsy: of `a + a:x` with labels a and a number x, a has a column for each label but
the first, beside the intercept, and `a:x` one for each.
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
        With components of their own; those learn from the table what they have not learned yet.
    table : pandas.DataFrame
        Numbers as float64, labels as text.

    Returns
    -------
    formulae.matrices.CommonEffectsMatrix
        A term that has to stand for others too, such as `a:b:c` without `a:b`, is several ones.
    """
    for term in terms:
        term.set_type(table, ENVIRONMENT)
    # Terms with the same numbers share them out: 1, a and a:b; or x, x:a and x:a:b.
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
    """The numbers of a term, and those of its labels that a coding has."""
    own = Term(
        *(deepcopy(one) for one in term.components if one.name in coding or one.kind == "numeric")
    )
    own.set_type(table, ENVIRONMENT)
    return own
