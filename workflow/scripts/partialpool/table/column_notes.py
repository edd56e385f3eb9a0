"""Warnings about columns: labels that may be the same, numbers that may be codes, and the like."""

import re

import pandas as pd

from partialpool.base.characters import alike, appearance, differ_in_case_or_spaces, plain, spelled
from partialpool.base.errors import quoted_list
from partialpool.design.design import Design
from partialpool.table import column_types
from partialpool.table.cells import usually_missing
from partialpool.table.column_summary import NumberSummary

SHOWN = 5  # examples in a warning
TOTALS = {"total", "grand total", "subtotal", "sum", "all", "overall", "mean", "average"}

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def label_notes(name: str, levels: dict[str, int], grouping: bool, as_labels: bool) -> list[str]:
    """Warnings about a column of labels.

    Parameters
    ----------
    name : str
    levels : dict of str to int
        Rows of each label.
    grouping, as_labels : bool
        Whether it is a grouping column, and whether the formula takes it as labels.

    Returns
    -------
    list of str
        Sentences.
    """
    notes = []
    cased, odd = [], []
    for labels in alike(levels):
        (cased if differ_in_case_or_spaces(labels) else odd).append(labels)
    for groups, how, written in (
        (cased, "differ only in case or spaces", repr),
        (odd, "look alike and are not the same characters", spelled),
        (_same_numbers(levels), "are the same number", repr),
    ):
        if groups:
            pairs = "; ".join(" and ".join(map(written, labels)) for labels in groups[:SHOWN])
            more = f"; and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
            notes.append(f"Column {name!r} has labels that {how}: {pairs}{more}.")
    if missing := [label for label in levels if usually_missing(label)]:
        notes.append(
            f"Column {name!r} has labels that usually stand for a missing value: "
            f"{quoted_list(missing)}. Leave such cells empty if they do."
        )
    totals = [n for n, rows in levels.items() if rows == 1 and plain(n).casefold() in TOTALS]
    if totals and max(levels.values()) > 1:
        notes.append(
            f"The one row where column {name!r} is {totals[0]!r} may sum up the others: leave it "
            "out if it does."
        )
    numbers = [label for label in levels if _NUMBER.fullmatch(label)]
    if not grouping and not as_labels and numbers:
        if len(numbers) == len(levels):
            notes.append(
                f"Column {name!r} is text, though all its labels are numbers, so each has a "
                "coefficient of its own: store it as numbers if it is a quantity."
            )
        else:
            notes.append(
                f"Column {name!r} has some labels that are numbers: {quoted_list(numbers)}."
            )
    return notes


def number_notes(name: str, column: NumberSummary, rows: int, padded: str | None) -> list[str]:
    """Warnings about a numeric column.

    Parameters
    ----------
    name : str
    column : NumberSummary
    rows : int
        Rows of the table.
    padded : str or None
        A number of the column that is written with leading zeros.

    Returns
    -------
    list of str
        Sentences.
    """
    least, greatest = column.rest
    notes = [
        f"Column {name!r} is {code:g} in {count} of {rows} rows, far from all other values "
        f"({least:g} to {greatest:g}): leave such cells empty if it stands for a missing value."
        for code, count in column.codes_far_out.items()
    ]
    if column.thousands.example is not None:
        notes.append(
            f"Column {name!r} has numbers with three decimals, such as "
            f"{column.thousands.example:g}, among whole numbers: if the point separates "
            "thousands, leave it out."
        )
    if padded:
        notes.append(
            f"Column {name!r} has numbers that begin with 0, such as {padded.strip()}: if they "
            f"are codes, write {column_types.as_labels(name)} in the formula."
        )
    return notes


def constant_within_groups(design: Design) -> list[str]:
    """Warnings about varying slopes of predictors that are constant within groups.

    Parameters
    ----------
    design : Design
        Design of a sample of rows; groups with at least two of them count.

    Returns
    -------
    list of str
        Sentences.
    """
    notes = []
    for factor in design.factors:
        slopes = [name for name in factor.varying if name != "Intercept"]
        if not slopes or len(slopes) == len(factor.varying):
            continue
        by_group = pd.DataFrame(design.select_columns(slopes), columns=slopes).groupby(factor.index)
        several = by_group.size() > 1
        same = (by_group.max() == by_group.min())[several].all() & several.any()
        if same.any():
            names = same.index[same]
            verb, slope = (
                ("does", "its slope varies") if len(names) == 1 else ("do", "their slopes vary")
            )
            notes.append(
                f"Within groups of {factor.name!r}, {quoted_list(names)} {verb} not vary, so how "
                f"{slope} by group cannot be separated from how intercepts vary."
            )
    return notes


def new_groups(factor: str, levels, new: list[str]) -> list[str]:
    """Warnings about new groups that look like a group of the fitted table.

    Parameters
    ----------
    factor : str
    levels : iterable of str
        Groups of the fitted table.
    new : list of str
        Groups of the rows to predict that are not among them.

    Returns
    -------
    list of str
        Sentences.
    """
    if not new:
        return []
    known = {appearance(level): level for level in levels}
    known |= {float(level): level for level in levels if _NUMBER.fullmatch(level)}
    notes = []
    for label in new:
        number = float(label) if _NUMBER.fullmatch(label) else None
        level = known.get(appearance(label), known.get(number))
        if level is not None:
            how = (
                "in case, spaces or characters that look alike"
                if appearance(level) == appearance(label)
                else "in how a number is written"
            )
            notes.append(
                f"The group {spelled(label)} of {factor!r} is new, and looks like "
                f"{spelled(level)} of the fitted table: they differ only {how}."
            )
    if len(notes) > SHOWN:
        others = f"So do {len(notes) - SHOWN} more new groups of {factor!r}."
        return [*notes[:SHOWN], others]
    return notes


def _same_numbers(levels) -> list[list[str]]:
    """Groups of labels that are the same number, such as 7, 07 and 7.0."""
    found: dict[float, list[str]] = {}
    for level in levels:
        if _NUMBER.fullmatch(level):
            found.setdefault(float(level), []).append(level)
    return [labels for labels in found.values() if len(labels) > 1]
