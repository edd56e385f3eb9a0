"""Notes on columns that may be something else than they are taken for.

Labels that may be one label, numbers, or a missing value; numbers that may be codes.
"""

import re

import pandas as pd

from partialpool.base.characters import alike, appearance, differ_in_case_or_spaces, plain, spelled
from partialpool.base.errors import listed
from partialpool.design.design import Design
from partialpool.table import column_types
from partialpool.table.cells import usually_missing
from partialpool.table.table_summary import ColumnSummary

SHOWN = 5  # pairs of labels that are named
TOTALS = {"total", "grand total", "subtotal", "sum", "all", "overall", "mean", "average"}

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def of_labels(name: str, levels: dict[str, int], grouping: bool, as_labels: bool) -> list[str]:
    """What is worth knowing of a column of labels.

    Parameters
    ----------
    name : str
    levels : dict of str to int
        Rows of each label.
    grouping, as_labels : bool
        Whether it is a grouping column, and whether the formula says that it is labels.

    Returns
    -------
    list of str
        Sentences.
    """
    said = []
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
            said.append(f"Column {name!r} has labels that {how}: {pairs}{more}.")
    if missing := [label for label in levels if usually_missing(label)]:
        said.append(
            f"Column {name!r} has labels that usually stand for a missing value: "
            f"{listed(missing)}. Leave such cells empty if they do."
        )
    totals = [n for n, rows in levels.items() if rows == 1 and plain(n).casefold() in TOTALS]
    if totals and max(levels.values()) > 1:
        said.append(
            f"The one row where column {name!r} is {totals[0]!r} may sum up the others: leave it "
            "out if it does."
        )
    numbers = [label for label in levels if _NUMBER.fullmatch(label)]
    if not grouping and not as_labels and numbers:
        if len(numbers) == len(levels):
            said.append(
                f"Column {name!r} is text, though all its labels are numbers, so each has a "
                "coefficient of its own: store it as numbers if it is a quantity."
            )
        else:
            said.append(f"Column {name!r} has labels of which some are numbers: {listed(numbers)}.")
    return said


def of_numbers(name: str, column: ColumnSummary, rows: int, padded: str | None) -> list[str]:
    """What is worth knowing of a column of numbers.

    Parameters
    ----------
    name : str
    column : Column
    rows : int
        Rows of the table.
    padded : str or None
        A number that is written with zeros before it.

    Returns
    -------
    list of str
        Sentences.
    """
    least, greatest = column.rest
    said = [
        f"Column {name!r} is {code:g} in {count} of {rows} rows, far from all other values "
        f"({least:g} to {greatest:g}): leave such cells empty if it stands for a missing value."
        for code, count in column.codes_far_out.items()
    ]
    if column.thousands.example is not None:
        said.append(
            f"Column {name!r} has numbers with three decimals, such as "
            f"{column.thousands.example:g}, among whole numbers: if the point separates "
            "thousands, leave it out."
        )
    if padded:
        said.append(
            f"Column {name!r} has numbers that begin with 0, such as {padded.strip()}: if they "
            f"are codes, write {column_types.as_labels(name)} in the formula."
        )
    return said


def constant_within_groups(design: Design) -> list[str]:
    """Varying slopes of predictors that are the same in all rows of each group.

    Parameters
    ----------
    design : Design
        Of some rows: groups with two or more of them count.
    """
    said = []
    for factor in design.factors:
        slopes = [name for name in factor.varying if name != "Intercept"]
        if not slopes or len(slopes) == len(factor.varying):
            continue
        by_group = pd.DataFrame(design.of(slopes), columns=slopes).groupby(factor.index)
        several = by_group.size() > 1
        same = (by_group.max() == by_group.min())[several].all() & several.any()
        if same.any():
            names = same.index[same]
            verb, slope = (
                ("does", "its slope varies") if len(names) == 1 else ("do", "their slopes vary")
            )
            said.append(
                f"Within groups of {factor.name!r}, {listed(names)} {verb} not vary, so how "
                f"{slope} by group cannot be told from how intercepts vary."
            )
    return said


def new_groups(factor: str, levels, new: list[str]) -> list[str]:
    """Groups to predict that are new, and look like a group of the fitted table.

    Parameters
    ----------
    factor : str
    levels : iterable of str
        Groups of the fitted table.
    new : list of str
        Groups that are not among them.
    """
    if not new:
        return []
    known = {appearance(level): level for level in levels}
    known |= {float(level): level for level in levels if _NUMBER.fullmatch(level)}
    said = []
    for label in new:
        number = float(label) if _NUMBER.fullmatch(label) else None
        level = known.get(appearance(label), known.get(number))
        if level is not None:
            how = (
                "in case, spaces or characters that look alike"
                if appearance(level) == appearance(label)
                else "in how a number is written"
            )
            said.append(
                f"The group {spelled(label)} of {factor!r} is new, and looks like "
                f"{spelled(level)} of the fitted table: they differ only {how}."
            )
    if len(said) > SHOWN:
        others = f"So do {len(said) - SHOWN} more new groups of {factor!r}."
        return [*said[:SHOWN], others]
    return said


def _same_numbers(levels) -> list[list[str]]:
    """Labels that are one number, such as 7, 07 and 7.0."""
    found: dict[float, list[str]] = {}
    for level in levels:
        if _NUMBER.fullmatch(level):
            found.setdefault(float(level), []).append(level)
    return [labels for labels in found.values() if len(labels) > 1]
