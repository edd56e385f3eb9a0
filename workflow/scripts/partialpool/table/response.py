"""Check the response of a table, and its columns such as trials, against the response family."""

import numpy as np
import pandas as pd

from partialpool.base.errors import UserError
from partialpool.base.text import join_words
from partialpool.design.design import HUGE, Design
from partialpool.model import families
from partialpool.model.family import ResponseFamily
from partialpool.model.links import LINKS
from partialpool.study.outcome import Outcome
from partialpool.table.reader import TableFile

LARGEST_COUNT = 1e15  # above, not every whole number is a float
LARGEST_OFFSET = 100  # on the scale of a logarithm


def check_columns(file: TableFile, table: pd.DataFrame, outcome: Outcome) -> None:
    """Check the values of the outcome's columns that the table has: trials, offset, weights, ...

    Parameters
    ----------
    file : TableFile
        For messages.
    table : pandas.DataFrame
    outcome : Outcome

    Raises
    ------
    UserError
        For the first value that is wrong.
    """
    for role, name in outcome.columns.items():
        if name not in table:
            continue
        values = table[name]
        if role == "trials":
            wrong = (values < 1) | (values != np.floor(values)) | (values > LARGEST_COUNT)
            needs = "trials must be whole numbers, 1 or more"
        elif role == "offset":
            link = families.family_of(outcome).link
            wrong = (values.abs() > LARGEST_OFFSET) & LINKS[link].has_ratio
            needs = (
                f"an offset is added on the scale of the {link} and must be between "
                f"-{LARGEST_OFFSET} and {LARGEST_OFFSET} (what counts are proportional to is "
                "an `exposure`)"
            )
        else:
            wrong = values < 1 / HUGE
            needs = f"{role} must be over 0"
        if wrong.any():
            raise file.error(
                f"{needs}; column {name!r} is {values[wrong].iloc[0]:g} in row {_row(wrong)}"
            )


def first_wrong(
    file: TableFile, table: pd.DataFrame, design: Design, outcome: Outcome
) -> UserError | None:
    """The error about the first response outside the support of its family; None if none is.

    Parameters
    ----------
    file : TableFile
    table : pandas.DataFrame
    design : Design
        Of the same rows, with the response.
    outcome : Outcome

    Returns
    -------
    UserError or None
    """
    y, family = design.y, families.family_of(outcome)
    trials = table[outcome.trials].to_numpy(dtype=float) if outcome.trials else None
    wrong = family.outside(y, trials)
    if family.discrete:
        wrong |= y > LARGEST_COUNT
    if not wrong.any():
        return None
    first = wrong.argmax()
    of = f", of {trials[first]:g} trials," if trials is not None else ""
    return file.error(
        f"the response {design.formula.response!r} is {y[first]:.15g}{of} in row "
        f"{table.index[first] + 1}; family {family.name} takes {family.words.support}"
        f"{_advice(family, y)}"
    )


def _advice(family: ResponseFamily, y: np.ndarray) -> str:
    """What to do about responses outside the family's support."""
    values = np.unique(y)
    counts, measurements = _others(y, discrete=True), _others(y, discrete=False)
    # Two labels written as numbers are no counts, but successes may be.
    correction = family.correction(values) if family.correction else None
    if correction and (family.binary or not counts):
        return f"; {correction}"
    if counts:
        return (
            f"; counts fit families {join_words(counts)}, scores and measurements {measurements[0]}"
        )
    return f"; other numbers fit families {join_words(measurements)}"


def _others(y: np.ndarray, discrete: bool) -> list[str]:
    """Names of the families of counts, or of any numbers, that have all responses as support.

    Those with a part for zeros are left out where their base will do.
    """
    fitting = [
        name
        for name, other in families.FAMILIES.items()
        if other.discrete == discrete and not other.bounded and not other.outside(y).any()
    ]
    bases = tuple(f"_{name}" for name in fitting)
    return [name for name in fitting if not name.endswith(bases)]


def _row(mask: pd.Series) -> int:
    """Number of the first row that is true, from 1, in the file."""
    return int(mask.index[np.flatnonzero(mask)[0]]) + 1
