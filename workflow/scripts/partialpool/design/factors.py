"""Grouping factors of a formula, and the group of each row."""

import re

import numpy as np
import pandas as pd

from partialpool.design.terms import GroupTerm, Term, group_text, term_key, term_name
from partialpool.design.tokens import InvalidFormula


def of_terms(groups: list[GroupTerm]) -> dict[str, tuple[str, ...]]:
    """The grouping factors of group terms, and the columns each is made of.

    Raises
    ------
    InvalidFormula
        If a factor has two names, or a coefficient varies twice by one factor.
    """
    found: dict[str, tuple[str, ...]] = {}
    seen: dict[str, list[GroupTerm]] = {}
    for group in groups:
        name, columns = term_name(group.factor), tuple(atom.name for atom in group.factor)
        for other, those in found.items():
            if other != name and set(those) == set(columns):
                raise InvalidFormula(
                    f"{other!r} and {name!r} are the same groups; write {other} in both terms"
                )
        if found.get(name, columns) != columns:
            raise InvalidFormula(f"{name!r} is a column and another factor; rename the column")
        for before in seen.setdefault(name, []):
            _check_different(name, before.terms, group.terms)
        seen[name].append(group)
        found[name] = columns
    return found


def _check_different(factor: str, before: list[Term], terms: list[Term]) -> None:
    """Check that two terms of one factor have no coefficient in common."""
    keys = [term_key(term) for term in before]
    twice = [term for term in terms if term_key(term) in keys]
    if not twice:
        return
    both = sorted([*before, *(t for t in terms if term_key(t) not in keys)], key=len)
    one = group_text(both, factor)
    if len(both) == 1:
        raise InvalidFormula(f"{one} is there twice; leave one out")
    raise InvalidFormula(
        f"{term_name(twice[0])!r} varies by {factor!r} in two terms; write {one} for one term "
        f"with correlations, or {group_text(both, factor, '||')} without"
    )


def labels(table: pd.DataFrame, factors: dict[str, tuple[str, ...]]) -> dict[str, pd.Categorical]:
    """The group of each row, by factor; labels of several columns are joined by `:`.

    Parameters
    ----------
    table : pandas.DataFrame
    factors : dict of str to tuple of str
        Columns of each factor.
    """
    text = {
        column: pd.Categorical(table[column].astype("category").cat.rename_categories(str))
        for columns in factors.values()
        for column in columns
    }
    found = {}
    for name, columns in factors.items():
        parts = [text[column] for column in columns]
        if len(parts) == 1:
            found[name] = parts[0].remove_unused_categories()
            continue
        # A colon in a label is escaped, or two pairs of labels might read the same.
        escaped = [
            [re.sub(r"([\\:])", r"\\\1", label) for label in part.categories] for part in parts
        ]
        joined, of_row = escaped[0], parts[0].codes.astype(int)
        for own, part in zip(escaped[1:], parts[1:], strict=True):
            pairs, of_row = np.unique(of_row * len(own) + part.codes, return_inverse=True)
            joined = [f"{joined[p // len(own)]}:{own[p % len(own)]}" for p in pairs]
        found[name] = pd.Categorical.from_codes(of_row, joined)
    return found


def levels_of(groups: pd.Categorical) -> tuple[str, ...]:
    """The labels of groups, sorted."""
    return tuple(sorted(groups.categories))
