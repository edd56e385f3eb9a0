"""Read CSV and Parquet files, and folders of Parquet parts, in batches of rows.

Only the wanted columns are read, as int64, float64 or text with missing values; memory does not
grow with the file. Whether a column may be what it is, `ingest` decides. Rows are counted from 1
after the header.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from partialpool.base import files
from partialpool.base.characters import looks_like, spelled
from partialpool.base.errors import UserError, nearest, quoted, quoted_list
from partialpool.table.complete_rows import as_text

MISSING = ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"]
BLOCK = 8 << 20  # bytes of a CSV file in a batch
BATCH = 1 << 19  # rows of a Parquet file in a batch
BUFFER = 1 << 20  # bytes of a column of a Parquet file that are read at a time
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
# Whole numbers that a gap does not turn into floats.
_WHOLE = {pa.int64(): pd.Int64Dtype()}
LABEL = pa.dictionary(pa.int32(), pa.string())
TOP = 200  # rows of a CSV file that are searched for numbers with leading zeros
csv.field_size_limit(1 << 30)  # a cell may be a long text in a column that is not used
_PADDED = re.compile(r"\s*0+[1-9]\d*\s*")
_UNDECODED = re.compile("[\udc80-\udcff]")
# Types of a CSV file's columns, tried in this order before text.
_GUESSES = (pa.int64(), pa.bool_(), pa.float64())


class TypesChanged(Exception):
    """The type of a column differs from that assumed: read the batches again from the first."""


class TableFile:
    """A CSV or Parquet file, or a folder of Parquet parts, that is read in batches.

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
        self.padded: dict[str, str] = {}  # a number with leading zeros, by column of a CSV file
        self._types = None  # of a CSV file's columns, once those inferred have not held

    def error(self, message: str) -> UserError:
        """An error about this file, which it names."""
        return UserError(f"{self.source}: {message}")

    def batches(
        self, wanted: list[str], text: set[str], others: bool = False
    ) -> Iterator[pd.DataFrame]:
        """Read columns in batches of rows, in the order of the file.

        Parameters
        ----------
        wanted : list of str
        text : set of str
            Wanted columns that are labels whatever they look like, and stay as written.
        others : bool
            Whether to read all other columns too, as they are.

        Yields
        ------
        pandas.DataFrame
            With at least one row, numbered from 0 in the file. Text is categorical.

        Raises
        ------
        UserError
            If the file cannot be read, or does not have each wanted column exactly once.
        TypesChanged
            If the inferred type of a CSV file's column does not hold: discard all batches so far.
        """
        path = self.path
        if not path.exists():
            near = nearest(path.name, (p.name for p in path.parent.glob("*")))
            raise self.error(f"no such file or folder{near}")
        try:
            if path.is_dir() or path.suffix.lower() in (".parquet", ".pq"):
                found = self._parquet_batches(wanted, text, others)
            elif self.is_csv:
                found = self._csv_batches(wanted, text, others)
            else:
                raise self.error(
                    "is neither .csv nor .parquet, nor a folder of Parquet parts; unpack it, or "
                    "save it as CSV"
                )
            rows = 0
            for batch in found:
                columns: dict[str, pa.Array] = {}
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    plain = self._plain(name, column, name in text) if name in wanted else column
                    columns.setdefault(name, plain)
                frame = pa.table(columns).to_pandas(types_mapper=_WHOLE.get)
                frame.index += rows
                rows += len(frame)
                if len(frame):
                    yield frame
            if not rows:
                raise self.error("has no rows")
        except (pa.ArrowException, OSError, ValueError, csv.Error) as problem:
            raise self.error(f"cannot be read ({quoted(problem)})") from None

    def columns(self) -> list[str]:
        """Names of its columns; none if they cannot be read, which :meth:`batches` explains."""
        with suppress(UserError, pa.ArrowException, OSError, ValueError, csv.Error):
            if self.path.is_dir():
                return pa.parquet.read_schema(min(files.parts(self.path))).names
            if self.path.is_file():  # not a pipe, which can be read only once
                return (
                    self._header([])[1] if self.is_csv else pa.parquet.read_schema(self.path).names
                )
        return []

    def read(self, wanted: list[str], text: set[str], others: bool = False) -> pd.DataFrame:
        """Read a small table at once; arguments as for :meth:`batches`."""
        while True:
            try:
                batches = [as_text(b) for b in self.batches(wanted, text, others)]
                return pd.concat(batches) if len(batches) > 1 else batches[0]
            except TypesChanged:
                continue

    def _parquet_batches(self, wanted, text, others) -> Iterator[pa.RecordBatch]:
        parts = [Path(part) for part in files.parts(self.path)]
        if not parts:
            raise self.error("is a folder without .parquet files")
        schemas = [self._schema(part, wanted) for part in parts]
        names = schemas[0].names if others else wanted
        kinds = [pa.schema([schema.field(name) for name in names]) for schema in schemas]
        schema = pa.unify_schemas(kinds, promote_options="permissive")
        labels = [f.name for f in schema if f.name in text and pa.types.is_string(f.type)]
        for part in parts:
            try:
                # By default the whole file is in memory before the first batch.
                file = pa.parquet.ParquetFile(
                    part, read_dictionary=labels, pre_buffer=False, buffer_size=BUFFER
                )
                for batch in file.iter_batches(BATCH, columns=names):
                    yield pa.record_batch(
                        [
                            batch.column(f.name)
                            if pa.types.is_dictionary(batch.column(f.name).type)
                            else batch.column(f.name).cast(f.type)
                            for f in schema
                        ],
                        names=names,
                    )
            except (pa.ArrowException, OSError) as problem:
                raise self._damaged(part, problem) from None

    def _schema(self, part: Path, wanted: list[str]) -> pa.Schema:
        try:
            schema = pa.parquet.read_schema(part)
        except (pa.ArrowException, OSError) as problem:
            raise self._damaged(part, problem) from None
        self._check_names(schema.names, wanted, self._where(part))
        return schema

    def _where(self, part: Path) -> str:
        return "" if part == self.path else f" in {part.relative_to(self.path)}"

    def _damaged(self, part: Path, problem: Exception) -> UserError:
        where = self._where(part).strip()
        what = f"{where}: {problem}" if where else problem
        return self.error(f"is not a Parquet file, or a damaged one ({quoted(what)})")

    def _csv_batches(self, wanted, text, others) -> Iterator[pa.RecordBatch]:
        separator, header = self._header(wanted)
        top = list(islice(self._records(separator), TOP + 1))
        if len(top) < 2:
            raise self.error("has no rows")
        self._check_names(header, wanted)
        for name in wanted:
            cells = (row[at] for row in top[1:] if (at := header.index(name)) < len(row))
            if padded := next(filter(_PADDED.fullmatch, cells), None):
                self.padded[name] = padded
        columns = list(dict.fromkeys(header)) if others else wanted
        as_written = [name for name in columns if name in text or name not in wanted]
        guessed = self._types is None
        types = self._types or {n: LABEL if n in wanted else pa.string() for n in as_written}
        try:
            reader = self._parse(separator, columns, types, not guessed)
            # Dates stay as written: they may be labels.
            dates = {f.name: LABEL for f in reader.schema if pa.types.is_temporal(f.type)}
            if dates:
                reader = self._parse(separator, columns, types | dates, not guessed)
            for batch in reader:
                if any(pa.types.is_binary(kind) for kind in batch.schema.types):
                    self._check_rows(separator, header)
                yield batch
        except pa.ArrowInvalid:
            if not guessed:
                self._check_rows(separator, header)
                raise
            # Types were inferred from the first rows and do not hold: infer them from all.
            self._types = self._infer_types(separator, header, wanted, columns, as_written)
            raise TypesChanged from None

    def _parse(self, separator, columns, types, newlines) -> pa.csv.CSVStreamingReader:
        return pa.csv.open_csv(
            self.path,
            read_options=pa.csv.ReadOptions(block_size=BLOCK),
            parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=newlines),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types=types,
                null_values=MISSING,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,  # so a label "NA" can be told from a gap
            ),
        )

    def _infer_types(
        self, separator, header, wanted, columns, as_written
    ) -> dict[str, pa.DataType]:
        """Types of columns that hold in all rows."""
        possible = {name: list(_GUESSES) for name in columns if name not in as_written}
        try:
            for batch in self._parse(separator, columns, dict.fromkeys(columns, pa.string()), True):
                for name, kinds in possible.items():
                    values = batch.column(name)
                    possible[name] = [kind for kind in kinds if _casts(values, kind)]
        except pa.ArrowInvalid:
            self._check_rows(separator, header)
            raise
        labels = dict.fromkeys(wanted, LABEL)
        text = {name: labels.get(name, pa.string()) for name in columns}
        return text | {name: kinds[0] for name, kinds in possible.items() if kinds}

    def _records(self, separator: str) -> Iterator[list[str]]:
        """The header and each row as text; bytes that are not UTF-8 are surrogate escapes."""
        with pa.input_stream(str(self.path), compression="detect") as stream:
            lines = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
            yield from filter(None, csv.reader(lines, delimiter=separator))

    def _header(self, wanted: list[str]) -> tuple[str, list[str]]:
        """The separator with which the header has most of the wanted columns, and its names."""
        headers = {separator: next(self._records(separator), []) for separator in SEPARATORS}
        separator, header = max(
            headers.items(), key=lambda item: (len({*item[1]} & {*wanted}), len(item[1]))
        )
        if not header:
            raise self.error("is empty")
        if "\0" in "".join(header):
            raise self.error("has NUL bytes, so it is not a CSV file in UTF-8; save it as one")
        if _UNDECODED.search("".join(header)):
            raise self.error("is not UTF-8: its header cannot be read; save it as UTF-8")
        return separator, header

    def _check_rows(self, separator: str, header: list[str]) -> None:
        """Raise an error about the row that stopped the parser."""
        for number, cells in enumerate(self._records(separator)):
            if len(cells) != len(header):
                raise self.error(
                    f"row {number} has {len(cells)} cells, the header has {len(header)} "
                    f"(separated by {SEPARATORS[separator]})"
                )
            for name, cell in zip(header, cells, strict=True):
                if _UNDECODED.search(cell):
                    read = cell.encode("utf-8", "surrogateescape").decode("latin-1")
                    raise self.error(
                        f"is not UTF-8: column {name!r} in row {number} may be {quoted(read)}; "
                        "save it as UTF-8"
                    )

    def _check_names(self, names: list[str], wanted: list[str], where: str = "") -> None:
        for name in wanted:
            if name not in names:
                hint = nearest(name, names) or f"; there are {quoted_list(names)}"
                for other in names:
                    if looks_like(other, name):
                        hint = (
                            f"; the table's {spelled(other)} only looks like {spelled(name)}: "
                            "rename it, or copy its name from there"
                        )
                raise self.error(f"no column {name!r}{where}{hint}")
            if names.count(name) > 1:
                raise self.error(f"two columns are called {name!r}{where}; rename one")

    def _plain(self, name: str, column: pa.Array, text: bool) -> pa.Array:
        """A column as int64, float64 or text; dates are text."""
        kind = column.type
        if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
            column, kind = _dates(column), pa.string()
        if text and not pa.types.is_dictionary(kind):
            if pa.types.is_floating(kind):
                column = pa.compute.if_else(pa.compute.is_nan(column), None, column)
            column, kind = column.cast(pa.string()), pa.string()
        if pa.types.is_dictionary(kind):
            return column
        if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
            return column.cast(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return column.cast(pa.float64(), safe=False)
        if pa.types.is_null(kind):
            return column.cast(pa.float64())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return column.cast(pa.string()).dictionary_encode()
        raise self.error(f"column {name!r} is of type {kind}; it must be numbers or text")


def _dates(column: pa.Array) -> pa.Array:
    """Dates and times as text, the same for every unit they are stored in."""
    text = column.cast(pa.string())
    text = pa.compute.replace_substring_regex(text, r"\.(\d*[1-9])?0+(Z|[-+]\d+)?$", r".\1\2")
    text = pa.compute.replace_substring_regex(text, r"\.(Z|[-+]\d+)?$", r"\1")
    return pa.compute.replace_substring_regex(text, r" 00:00:00$", "")


def _casts(values: pa.Array, kind: pa.DataType) -> bool:
    """Whether all these texts can be converted to a type."""
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
