"""Decide whether each column of a table is numeric or labels, and check its cells, in batches.

The formula may require either; else the cells decide. Whether a CSV file's column of text is
numeric is known only at its end, so it is taken for labels until then.
"""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd

from partialpool.base.characters import spelled
from partialpool.base.errors import quoted, quoted_list
from partialpool.design.design import HUGE
from partialpool.table import cells
from partialpool.table.cells import CellKind
from partialpool.table.reader import TableFile, TypesChanged

KEPT = 10_000  # distinct cells at most by which the type of a column of text is decided
DAYS = ("dates", "days")
DATES = 3  # distinct numbers such as 20240131 that make a column one of dates


@dataclass
class Roles:
    """Roles of the columns that a study reads.

    Attributes
    ----------
    wanted : list of str
        All columns that are read.
    numbers, labels : set of str
        Columns that must be numeric, and columns that are labels whatever their cells look
        like. For others, the cells decide.
    response : set of str
        Columns that the response is made of.
    text : set of str
        Labels that stay as written, whatever their type in the file.
    """

    wanted: list[str]
    numbers: set[str]
    labels: set[str]
    response: set[str]
    text: set[str]


@dataclass
class _Cells:
    """Cells of a column of text in the batches so far.

    Attributes
    ----------
    rows, odd : int
        Rows with text, and rows whose text is not a number.
    numbers : set of str
        The first `KEPT` distinct cells that are numbers.
    others : dict of str to list of int
        The first `KEPT` distinct cells that are not: number of rows, and first row.
    """

    rows: int = 0
    odd: int = 0
    numbers: set[str] = field(default_factory=set)
    others: dict[str, list[int]] = field(default_factory=dict)

    @property
    def labels(self) -> bool:
        """Whether the column is labels.

        It is numbers or dates if they are more than half of all rows or of all distinct cells,
        or if all others are words for missing values or bounds such as `<0.1`.
        """
        of_kind = {kind: [] for kind in CellKind}
        for cell, kind in cells.kinds(self.others).items():
            of_kind[kind].append(cell)
        fine = of_kind[CellKind.NUMBER] + of_kind[CellKind.DATE]
        missing = of_kind[CellKind.MISSING]
        strange = len(of_kind[CellKind.LABEL] + of_kind[CellKind.BOUND])
        counted = self.rows - sum(self.others[cell][0] for cell in missing)
        odd = self.odd - sum(self.others[cell][0] for cell in fine + missing)
        count = len(self.numbers) + len(fine)
        return not count or bool(
            of_kind[CellKind.LABEL] and strange >= count and odd >= counted / 2
        )


class ColumnTypes:
    """Types of the columns of a table, from one batch after another.

    Parameters
    ----------
    file : TableFile
        For messages.
    roles : Roles
    remedy : str
        What to do about a missing value; empty where these are allowed.
    """

    def __init__(self, file: TableFile, roles: Roles, remedy: str):
        self.file, self.roles, self.remedy = file, roles, remedy
        self.forget()
        self.numbers: set[str] = set()  # columns of text that turned out to be numeric
        self.floats: set[str] = set()  # and those that are not whole numbers in every batch

    def forget(self) -> None:
        """Discard all batches so far."""
        self.rows = 0
        self.gaps = dict.fromkeys(self.roles.wanted, 0)
        self.first_gap: dict[str, int] = {}
        self.cells: dict[str, _Cells] = {}
        self.whole: dict[str, bool] = {}
        self.dates: dict[str, set[float] | None] = {}  # some of its dates; None if not all are

    def check(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Check a batch.

        Parameters
        ----------
        batch : pandas.DataFrame
            Rows of the file; the index is their number from 0.

        Returns
        -------
        pandas.DataFrame
            The wanted columns as numbers or labels, with missing values.

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
        """Check what is known only after the last batch.

        Raises
        ------
        UserError
            If a column has cells of the wrong type, is empty, or has missing values that are not
            allowed.
        TypesChanged
            If a column that was taken for labels is numeric.
        """
        for name, found in self.cells.items():
            if found.odd and not found.labels:
                first = next(iter(found.others))
                row = found.others[first][1]
                self._refuse(name, row, first, found.others, len(found.numbers))
            if found.rows and not found.odd and self.file.is_csv and name not in self.roles.text:
                self.numbers.add(name)
        if self.numbers & {*self.cells}:
            raise TypesChanged
        for name, dates in self.dates.items():
            if dates is not None and len(dates) >= DATES:
                self._refuse_dates(name, f"numbers like {min(dates):.0f}", *DAYS)
        for name, count in self.gaps.items():
            if count == self.rows > 1:
                raise self.file.error(f"column {name!r} is empty")
            if count and self.remedy:
                many = f"{count} missing values, the first" if count > 1 else "a missing value"
                where = f"column {name!r} has {many} in row {self.first_gap[name]}"
                raise self.file.error(f"{where}; {self.remedy}")

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
                raise self.file.error(
                    f"column {name!r} is {what}{size} in row {values.index[at] + 1}"
                )
        self._watch_dates(name, plain[~np.isnan(plain)])
        return self._of_one_type(name, values)

    def _watch_dates(self, name: str, numbers: np.ndarray) -> None:
        """Keep some of a column's numbers as long as all of them are dates such as 20240131."""
        dates = self.dates.setdefault(name, set())
        if name in self.roles.labels or (len(numbers) and not cells.compact_dates(numbers)):
            self.dates[name] = None
        elif dates is not None:
            dates.update(np.unique(numbers)[:DATES])

    def _of_one_type(self, name: str, values: pd.Series) -> pd.Series:
        """Whole numbers in all batches, or in none; a column without values yet may be either."""
        whole = not pd.api.types.is_float_dtype(values)
        if name in self.floats:
            return values.astype(float)
        if values.notna().any() and self.whole.setdefault(name, whole) != whole:
            self.floats.add(name)
            raise TypesChanged
        return values

    def _text(self, values: pd.Series) -> pd.Series:
        """A column of text as labels, or as numbers."""
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
            raise self.file.error(f"column {name!r} has a NUL byte in row {row}")
        if name in roles.labels or blank.all():
            return values
        known = labels[~blank]
        converted = pd.to_numeric(known, errors="coerce")
        odd = converted.isna()
        wrong = rows(odd.reindex(labels.index, fill_value=False))
        # Text with anything else in it is no such date; NaN is none either.
        self._watch_dates(name, converted.to_numpy(dtype=float))
        number = name in roles.numbers or name in self.numbers
        if number and wrong.any():
            at = wrong.argmax()
            row, others = values.index[at] + 1, known[odd].iloc[:KEPT]
            self._refuse(name, row, labels[codes[at]], others, int((~odd).sum()), known)
        if not number:
            found = self.cells.setdefault(name, _Cells())
            found.rows += int(values.count())
            found.odd += int(wrong.sum())
            new = (cell for cell in known[~odd] if cell not in found.numbers)
            found.numbers |= {*islice(new, KEPT - len(found.numbers))}
            which, first, count = np.unique(codes[wrong], return_index=True, return_counts=True)
            numbers = values.index[wrong][first] + 1
            for at in np.argsort(first):
                cell = labels[which[at]]
                if cell in found.others:
                    found.others[cell][0] += int(count[at])
                elif len(found.others) < KEPT:
                    found.others[cell] = [int(count[at]), int(numbers[at])]
            return values
        if name in roles.text:
            return values  # numbers that are groups too
        converted = converted.astype("Int64" if converted.dtype == "int64" else float)
        converted = converted.reindex(labels.index)
        return pd.Series(converted.take(codes).array, values.index).mask(codes < 0)

    def _refuse(self, name: str, row: int, cell: str, others, numbers: int, known=()) -> None:
        """Raise an error about text where numbers are needed, with what to write instead.

        Parameters
        ----------
        name, row, cell
            The first text that is not a number, and where it is.
        others : iterable of str
            All distinct texts that are not numbers.
        numbers : int
            Number of distinct texts that are.
        known : sequence of str
            All distinct texts, where the column must be numeric.
        """
        kinds = cells.kinds(others)
        kind = kinds[cell]
        if kind is CellKind.DATE and [*kinds.values()].count(kind) > numbers:
            what = ("times", "minutes") if cells.is_time(cell) else DAYS
            self._refuse_dates(name, f"row {row} is {quoted(cell)}", *what)
        hint = ""
        if kind is CellKind.NUMBER:
            how = "decimals with a point, and no thousands separators, units or symbols"
            right = cells.plain_number(cell)
            if not cells.in_one_unit(one for one in kinds if kinds[one] is CellKind.NUMBER):
                right, how = "", f"numbers of one unit in all rows: {how}"
            hint = f"; write {right} ({how})" if right else f"; write {how}"
        elif kind is CellKind.MISSING:
            hint = "; write NA, without quotation marks, for a missing value"
        elif kind is CellKind.BOUND:
            hint = "; a bound is no number: write the one it stands for, or NA"
        elif cell == name:
            hint = ", the name of the column again; leave out this row"
        elif name in self.roles.response and len(known) == 2:
            hint = f"; it is {quoted_list(sorted(known))}: make it 0 and 1, for family bernoulli"
        elif name in self.roles.response and len(kinds) > numbers:
            hint = f"; one label against the others is I({name} == {cell!r}), for family bernoulli"
        hint += self._as_labels(name)
        # A tab or a no-break space would be shown as a plain space, or not at all.
        odd = cell.replace(" ", "")
        seen = spelled(cell) if odd != "".join(odd.split()) else quoted(cell)
        raise self.file.error(f"column {name!r} must be numbers; row {row} is {seen}{hint}")

    def _refuse_dates(self, name: str, example: str, what: str, unit: str) -> None:
        raise self.file.error(
            f"column {name!r} holds {what}; make them numbers, such as {unit} since the first "
            f"({example}){self._as_labels(name)}"
        )

    def _as_labels(self, name: str) -> str:
        """What to write in the formula if a column is labels after all, for a message."""
        if name in self.roles.numbers:
            return ""
        return f"; if it is a set of labels, write {as_labels(name)} in the formula"


def as_labels(name: str) -> str:
    """The term of a formula that takes a column as labels."""
    return f"C({name})" if name.isidentifier() else f"C(`{name}`)"
