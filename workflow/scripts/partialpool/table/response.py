"""Check the response of a table against its family, and the columns with its trials, offset, ..."""

import numpy as np
import pandas as pd

from partialpool.base.errors import UserError
from partialpool.design.design import HUGE, Design
from partialpool.model import families
from partialpool.study.study import Outcome
from partialpool.table.reader import File

LARGEST_COUNT = 1e15  # above, not every whole number is a float
LARGEST_OFFSET = 100  # on the scale of a logarithm


def check_columns(file: File, table: pd.DataFrame, outcome: Outcome) -> None:
    """Refuse columns with trials, an offset and so on that cannot be, where the table has them.

    Parameters
    ----------
    file : File
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
            link = families.FAMILIES[outcome.family].link
            wrong = (values.abs() > LARGEST_OFFSET) & (link != "identity")
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
    file: File, table: pd.DataFrame, design: Design, outcome: Outcome
) -> UserError | None:
    """The error about the first response outside the support of its family; None if none is.

    Parameters
    ----------
    file : File
    table : pandas.DataFrame
    design : Design
        Of the same rows, with the response.
    outcome : Outcome

    Returns
    -------
    UserError or None
    """
    y, family = design.y, outcome.family
    trials = table[outcome.trials].to_numpy(dtype=float) if outcome.trials else None
    wrong = families.outside(family, y, trials)
    if families.FAMILIES[family].discrete:
        wrong |= y > LARGEST_COUNT
    if not wrong.any():
        return None
    at = wrong.argmax()
    of = f", of {trials[at]:g} trials," if trials is not None else ""
    return file.error(
        f"the response {design.formula.response!r} is {y[at]:.15g}{of} in row "
        f"{table.index[at] + 1}; family {family} takes {families.FAMILIES[family].support}"
        f"{_fitting(family, y)}"
    )


def _fitting(family: str, y: np.ndarray) -> str:
    """What would fit a response that the family cannot give."""
    values = np.unique(y)
    if family == "bernoulli" and len(values) == 2:
        return f"; make {values[0]:g} and {values[1]:g} 0 and 1"
    if not families.outside("poisson", y).any():
        return (
            "; counts fit families poisson and negative_binomial, scores and measurements gaussian"
        )
    if family == "binomial" and (values >= 0).all() and (values <= 1).all():
        return "; give the number of successes, not their share"
    return "; other numbers fit families gaussian and student_t"


def _row(mask: pd.Series) -> int:
    """Number of the first row that is true, from 1, in the file."""
    return int(mask.index[np.flatnonzero(mask)[0]]) + 1
