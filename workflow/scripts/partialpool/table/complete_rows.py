"""Write and read the complete rows of a table: a Parquet file, in batches.

Rows keep their numbers in the file they came from, for messages.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

# Types in which text comes from pandas; all are plain text in the file.
_PLAIN = {
    pa.large_string(): pa.string(),
    **{
        pa.dictionary(index, text): pa.string()
        for index in (pa.int8(), pa.int16(), pa.int32(), pa.int64())
        for text in (pa.string(), pa.large_string())
    },
}


BATCH = 1 << 19  # rows of each batch, at least, but the last


class CompleteRows:
    """Complete rows of a table, which are written to a Parquet file and read from it.

    Parameters
    ----------
    path : path-like
        The Parquet file; an old one is overwritten.

    Attributes
    ----------
    rows : int
        Number of rows written.
    """

    def __init__(self, path):
        self.path, self.rows = path, 0
        self._writer, self._left_out, self._waiting = None, [], []

    def __enter__(self) -> "CompleteRows":
        return self

    def __exit__(self, *_) -> None:
        self._write()
        if self._writer is not None:
            self._writer.close()

    def add(self, batch: pd.DataFrame, left_out: np.ndarray) -> None:
        """Write a batch of rows.

        Parameters
        ----------
        batch : pandas.DataFrame
        left_out : numpy.ndarray
            Numbers of the incomplete rows in the same batch of the file.
        """
        if len(left_out):
            self._left_out.append(left_out)
        if batch.empty:
            return
        table = pa.Table.from_pandas(batch, preserve_index=False)
        plain = pa.schema([(f.name, _PLAIN.get(f.type, f.type)) for f in table.schema])
        self._waiting.append(table.cast(plain))
        self.rows += len(table)
        if sum(map(len, self._waiting)) >= BATCH:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        self._waiting = []
        if self._writer is None:
            self._writer = pa.parquet.ParquetWriter(self.path, table.schema)
        self._writer.write_table(table, row_group_size=len(table))

    def batches(self) -> Iterator[pd.DataFrame]:
        """Batches of the rows, numbered as in the file they came from."""
        left_out = np.concatenate([*self._left_out, np.array([], dtype=int)])
        before = left_out - np.arange(len(left_out))
        for batch in batches(self.path):
            batch.index += np.searchsorted(before, batch.index.to_numpy(), side="right")
            yield batch


def batches(path, first: int = 0, last: int | None = None) -> Iterator[pd.DataFrame]:
    """Batches of complete rows, numbered from 0; text is categorical.

    Parameters
    ----------
    path : path-like
        The Parquet file.
    first, last : int
        Number of the first row, and of the row after the last; all rows by default.
    """
    with pa.parquet.ParquetFile(path) as file:
        schema, total = file.schema_arrow, file.metadata.num_rows
    last = total if last is None else last
    labels = [field.name for field in schema if pa.types.is_string(field.type)]
    with pa.parquet.ParquetFile(path, read_dictionary=labels) as file:
        row = 0
        for group in range(file.num_row_groups):
            start, end = row, row + file.metadata.row_group(group).num_rows
            row = end
            if start < last and end > first:
                frame = file.read_row_group(group).to_pandas()
                frame.index += start
                yield frame.iloc[max(first - start, 0) : last - start]


def size(path) -> int:
    """Number of complete rows."""
    with pa.parquet.ParquetFile(path) as file:
        return file.metadata.num_rows


def chosen(path, rows: np.ndarray) -> pd.DataFrame:
    """Rows by their numbers, which are sorted; text is not categorical."""
    found, row = [], 0
    for batch in batches(path):
        own = rows[(rows >= row) & (rows < row + len(batch))] - row
        found.append(as_text(batch.iloc[own]))
        row += len(batch)
    return pd.concat(found)


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with its categorical columns as text."""
    labels = frame.select_dtypes("category").columns
    return frame.astype({name: frame[name].cat.categories.dtype for name in labels})
