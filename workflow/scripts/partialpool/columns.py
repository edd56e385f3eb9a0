"""Columns: what each column of a table is, and what it must be, batch by batch.

A column is numbers, or labels, or whichever its cells are. Of a CSV file's column that holds
text, that is known at its end only, so it is taken for labels until then.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from partialpool.design import HUGE
from partialpool.grammar import listed, shown
from partialpool.table import Again, File

# Looks like a number to people: 1,5 or 1.234,5 or 12 % and so on.
_NEARLY_NUMBER = re.compile(r"\s*[-+]?\d[\d.,' ]*\s*%?\s*")


@dataclass
class Roles:
    """What columns are for.

    Attributes
    ----------
    wanted : list of str
        All of them.
    numbers, labels : set of str
        Those that must be numbers, and those that are labels whatever they look like. Others
        are whichever their cells are.
    response : set of str
        Those that the response is made of.
    text : set of str
        Labels that stay as written, whatever the file takes them for.
    """

    wanted: list[str]
    numbers: set[str]
    labels: set[str]
    response: set[str]
    text: set[str]


@dataclass
class _Cells:
    """What the text of one column has been so far."""

    rows: int = 0
    odd: int = 0  # rows that are no numbers
    first: tuple[int, str] | None = None  # such a row and its cell
    nearly: int = 0  # labels that are numbers to people, though not to us
    strange: int = 0  # and that are not


class Columns:
    """The columns of a table, as its batches pass.

    Parameters
    ----------
    file : File
        For messages.
    roles : Roles
    remedy : str
        What to do about a gap; empty where gaps may be.
    """

    def __init__(self, file: File, roles: Roles, remedy: str):
        self.file, self.roles, self.remedy = file, roles, remedy
        self.forget()
        self.numbers: set[str] = set()  # columns of text that turned out to be numbers
        self.floats: set[str] = set()  # and those that are not whole in every batch

    def forget(self) -> None:
        """Begin again with the first batch."""
        self.rows = 0
        self.gaps = dict.fromkeys(self.roles.wanted, 0)
        self.first_gap: dict[str, int] = {}
        self.cells: dict[str, _Cells] = {}
        self.whole: dict[str, bool] = {}

    def check(self, batch: pd.DataFrame) -> pd.DataFrame:
        """The columns of a batch as numbers or labels; gaps stay gaps.

        Raises
        ------
        UserError
            With the column, the row and the cell that is wrong.
        """
        self.rows += len(batch)
        checked = pd.DataFrame({name: self._column(batch[name]) for name in self.roles.wanted})
        for name, values in checked.items():
            gaps = values.isna().to_numpy()
            if gaps.any():
                self.gaps[name] += int(gaps.sum())
                self.first_gap.setdefault(name, int(values.index[gaps.argmax()]) + 1)
        return checked

    def finish(self) -> None:
        """Decide what only the whole table says.

        Raises
        ------
        UserError
            If a column holds the wrong thing, is empty, or has gaps where none may be.
        Again
            If a column that was taken for labels is numbers.
        """
        for name, cells in self.cells.items():
            meant = self.file.is_csv and cells.odd < cells.rows / 2
            if cells.odd and (meant or cells.nearly > cells.strange):
                self._refuse(name, *cells.first, set())
            if cells.rows and not cells.odd and self.file.is_csv and name not in self.roles.text:
                self.numbers.add(name)
        if self.numbers & {*self.cells}:
            raise Again
        for name, count in self.gaps.items():
            if count == self.rows > 1:
                raise self.file.fault(f"column {name!r} is empty")
            if count and self.remedy:
                many = f"{count} missing values, the first" if count > 1 else "a missing value"
                where = f"column {name!r} has {many} in row {self.first_gap[name]}"
                raise self.file.fault(f"{where}; {self.remedy}")

    def _column(self, values: pd.Series) -> pd.Series:
        name = values.name
        if not pd.api.types.is_numeric_dtype(values):
            values = self._text(values)
            if not pd.api.types.is_numeric_dtype(values):
                return values
        plain = values.to_numpy(dtype=float, na_value=np.nan)
        for wrong, what in ((np.isinf(plain), "infinite"), (np.abs(plain) >= HUGE, "too large")):
            if wrong.any():
                at = wrong.argmax()
                size = f" ({plain[at]:g})" if what == "too large" else ""
                raise self.file.fault(
                    f"column {name!r} is {what}{size} in row {values.index[at] + 1}"
                )
        return self._of_one_type(name, values)

    def _of_one_type(self, name: str, values: pd.Series) -> pd.Series:
        """Whole numbers in all batches, or in none; what has no value yet is either."""
        whole = not pd.api.types.is_float_dtype(values)
        if name in self.floats:
            return values.astype(float)
        if values.notna().any() and self.whole.setdefault(name, whole) != whole:
            self.floats.add(name)
            raise Again
        return values

    def _text(self, values: pd.Series) -> pd.Series:
        """A column of text: labels, or the numbers it spells."""
        name, roles = values.name, self.roles
        codes, labels = pd.factorize(values)  # there are fewer of them than rows

        def rows(flags: pd.Series) -> np.ndarray:
            return np.append(flags.to_numpy(dtype=bool), False)[codes]

        labels = pd.Series(labels, dtype=str)
        blank = labels.str.strip().eq("")
        if blank.any():
            values = values.mask(rows(blank))
        null = labels.str.contains("\0", regex=False)
        if null.any():
            row = values.index[rows(null).argmax()] + 1
            raise self.file.fault(f"column {name!r} has a NUL byte in row {row}")
        if name in roles.labels or blank.all():
            return values
        known = labels[~blank]
        converted = pd.to_numeric(known, errors="coerce")
        odd = converted.isna()
        wrong = rows(odd.reindex(labels.index, fill_value=False))
        number = name in roles.numbers or name in self.numbers
        if number and wrong.any():
            at = wrong.argmax()
            self._refuse(name, values.index[at] + 1, labels[codes[at]], set(known))
        if not number:
            self._count(name, values, wrong, known, odd)
            return values
        if name in roles.text:
            return values  # numbers that are groups too
        converted = converted.astype("Int64" if converted.dtype == "int64" else float)
        converted = converted.reindex(labels.index)
        return pd.Series(converted.take(codes).array, values.index).mask(codes < 0)

    def _count(self, name: str, values: pd.Series, wrong: np.ndarray, known, odd) -> None:
        cells = self.cells.setdefault(name, _Cells())
        cells.rows += int(values.count())
        cells.odd += int(wrong.sum())
        if wrong.any() and cells.first is None:
            at = wrong.argmax()
            cells.first = int(values.index[at]) + 1, values.iloc[at]
        nearly = sum(_NEARLY_NUMBER.fullmatch(label) is not None for label in known[odd])
        cells.nearly += nearly
        cells.strange += int(odd.sum()) - nearly

    def _refuse(self, name: str, row: int, cell: str, known: set) -> None:
        """Say what is wrong with text where numbers are needed, and what to do about it."""
        hint = ""
        if _NEARLY_NUMBER.fullmatch(cell):
            hint = "; write decimals with a point, and no thousands separators or units"
        elif name in self.roles.response and len(known) == 2:
            hint = f"; it is {listed(sorted(known))}: make it 0 and 1, for family bernoulli"
        elif name in self.roles.response:
            hint = f"; one label against the others is I({name} == {cell!r}), for family bernoulli"
        if name not in self.roles.numbers:
            hint += f"; if it is a set of labels, write C({name}) in the formula"
        raise self.file.fault(f"column {name!r} must be numbers; row {row} is {shown(cell)}{hint}")
