"""Files as tables: CSV, Parquet and folders of Parquet parts, read into columns of three types.

Only the columns that are asked for are read, and come as int64, float64 or text, gaps as gaps.
What they must be is judged in `ingest`. Rows are counted from 1 after the header.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from partialpool.errors import UserError, nearest
from partialpool.grammar import listed, shown

MISSING = ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"]
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
# Whole numbers that a gap does not turn into floats.
_WHOLE = {pa.int64(): pd.Int64Dtype()}
_UNDECODED = re.compile("[\udc80-\udcff]")


class File:
    """One file, or folder of parts, and what to call it in messages.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8; separated by commas, semicolons or tabs), Parquet, or a folder of Parquet parts.
    source : str
        Its name in messages.
    """

    def __init__(self, path, source: str):
        self.path, self.source = Path(path), source
        self.is_csv = self.path.name.lower().endswith(CSV) and not self.path.is_dir()

    def fault(self, message: str) -> UserError:
        """An error about this file, which it names."""
        return UserError(f"{self.source}: {message}")

    def read(self, wanted: list[str], text: set[str], others: bool = False) -> pd.DataFrame:
        """Read columns.

        Parameters
        ----------
        wanted : list of str
        text : set of str
            Those of them that are labels whatever they look like, and stay as written.
        others : bool
            Whether to read all other columns too, as they are.

        Raises
        ------
        UserError
            If the file cannot be read, or has not all wanted columns exactly once.
        """
        path = self.path
        if not path.exists():
            near = nearest(path.name, (p.name for p in path.parent.glob("*")))
            raise self.fault(f"no such file or folder{near}")
        try:
            if path.is_dir():
                table = self._read_parts(wanted, others)
            elif path.suffix.lower() in (".parquet", ".pq"):
                table = self._read_parquet(path, wanted, others)
            elif self.is_csv:
                table = self._read_csv(wanted, text, others)
            else:
                raise self.fault("is neither .csv nor .parquet, nor a folder of Parquet parts")
            columns: dict[str, pa.ChunkedArray] = {}
            for name, column in zip(table.column_names, table.columns, strict=True):
                plain = self._plain(name, column, name in text) if name in wanted else column
                columns.setdefault(name, plain)
            return pa.table(columns).to_pandas(types_mapper=_WHOLE.get)
        except (pa.ArrowException, OSError, ValueError, csv.Error) as problem:
            raise self.fault(f"cannot be read ({shown(problem)})") from None

    def _read_parts(self, wanted: list[str], others: bool) -> pa.Table:
        parts = sorted(p for p in self.path.rglob("*.parquet") if not p.name.startswith((".", "_")))
        if not parts:
            raise self.fault("is a folder without .parquet files")
        tables = [self._read_parquet(part, wanted, others) for part in parts]
        return pa.concat_tables(tables, promote_options="permissive")

    def _read_parquet(self, path: Path, wanted: list[str], others: bool) -> pa.Table:
        where = "" if path == self.path else f" in {path.relative_to(self.path)}"
        try:
            names = pa.parquet.read_schema(path).names
            self._check_names(names, wanted, where)
            return pa.parquet.ParquetFile(path).read(columns=None if others else wanted)
        except (pa.ArrowException, OSError) as problem:
            what = f"{where.strip()}: {problem}" if where else problem
            raise self.fault(f"is not a Parquet file, or a damaged one ({shown(what)})") from None

    def _read_csv(self, wanted: list[str], text: set[str], others: bool) -> pa.Table:
        separator, header = self._header(wanted)
        if len(list(islice(self._records(separator), 2))) < 2:
            raise self.fault("has no rows")
        self._check_names(header, wanted)
        columns = list(dict.fromkeys(header)) if others else wanted
        as_written = [name for name in columns if name in text or name not in wanted]
        try:
            table = self._parse(separator, columns, as_written)
        except pa.ArrowInvalid:
            # A type was guessed from the first rows and does not hold: read text, decide later.
            try:
                table = self._parse(separator, columns, columns)
            except pa.ArrowInvalid:
                self._check_rows(separator, header)
                raise
        if any(pa.types.is_binary(column.type) for column in table.columns):
            self._check_rows(separator, header)
        typed = [
            column if name in as_written or not pa.types.is_string(column.type) else _guess(column)
            for name, column in zip(table.column_names, table.columns, strict=True)
        ]
        return pa.table(typed, names=table.column_names)

    def _parse(self, separator: str, columns: list[str], as_text: list[str]) -> pa.Table:
        return pa.csv.read_csv(
            self.path,
            parse_options=pa.csv.ParseOptions(
                delimiter=separator, newlines_in_values=as_text == columns
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(as_text, pa.string()),
                null_values=MISSING,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,  # so a label "NA" can be told from a gap
            ),
        )

    def _records(self, separator: str) -> Iterator[list[str]]:
        """The header and each row, as text; what is not UTF-8 in them is marked."""
        with pa.input_stream(str(self.path), compression="detect") as stream:
            lines = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
            yield from filter(None, csv.reader(lines, delimiter=separator))

    def _header(self, wanted: list[str]) -> tuple[str, list[str]]:
        """The separator that finds most of the wanted columns, and the names it gives."""
        headers = {separator: next(self._records(separator), []) for separator in SEPARATORS}
        separator, header = max(
            headers.items(), key=lambda item: (len({*item[1]} & {*wanted}), len(item[1]))
        )
        if not header:
            raise self.fault("is empty")
        if "\0" in "".join(header):
            raise self.fault("has NUL bytes, so it is not a CSV file in UTF-8; save it as one")
        if _UNDECODED.search("".join(header)):
            raise self.fault("is not UTF-8: its header cannot be read; save it as UTF-8")
        return separator, header

    def _check_rows(self, separator: str, header: list[str]) -> None:
        """Name the row that stopped the parser."""
        for number, cells in enumerate(self._records(separator)):
            if len(cells) != len(header):
                raise self.fault(
                    f"row {number} has {len(cells)} cells, the header has {len(header)} "
                    f"(separated by {SEPARATORS[separator]})"
                )
            for name, cell in zip(header, cells, strict=True):
                if _UNDECODED.search(cell):
                    read = cell.encode("utf-8", "surrogateescape").decode("latin-1")
                    raise self.fault(
                        f"is not UTF-8: column {name!r} in row {number} may be {shown(read)}; "
                        "save it as UTF-8"
                    )

    def _check_names(self, names: list[str], wanted: list[str], where: str = "") -> None:
        for name in wanted:
            if name not in names:
                hint = nearest(name, names) or f"; there are {listed(names)}"
                raise self.fault(f"no column {name!r}{where}{hint}")
            if names.count(name) > 1:
                raise self.fault(f"two columns are called {name!r}{where}; rename one")

    def _plain(self, name: str, column: pa.ChunkedArray, text: bool) -> pa.ChunkedArray:
        """int64, float64 or text, whatever the file has."""
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if text:
            if pa.types.is_floating(kind):
                column = pa.compute.if_else(pa.compute.is_nan(column), None, column)
            return column.cast(pa.string())
        if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
            return column.cast(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return column.cast(pa.float64(), safe=False)
        if pa.types.is_null(kind):
            return column.cast(pa.float64())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return column.cast(pa.string())
        if pa.types.is_temporal(kind):
            raise self.fault(f"column {name!r} holds dates; make them numbers, such as days")
        raise self.fault(f"column {name!r} is of type {kind}; it must be numbers or text")


def _guess(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as the type that a CSV file's own guess would have been, had it seen all rows."""
    for kind in (pa.int64(), pa.bool_(), pa.timestamp("s"), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column
