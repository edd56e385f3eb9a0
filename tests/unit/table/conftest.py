"""Tables that are stored and read in small batches."""

import numpy as np
import pandas as pd
import pytest
from tables import ROWS

from partialpool.table import complete_rows, reader


@pytest.fixture
def in_small_batches(monkeypatch):
    """Files of some kilobytes take many batches."""
    monkeypatch.setattr(reader, "BLOCK", 2000)
    monkeypatch.setattr(reader, "BATCH", 130)
    monkeypatch.setattr(complete_rows, "BATCH", 100)


@pytest.fixture
def frame():
    """Gaps in all columns, a group of one row, and a number that is whole at first."""
    rng = np.random.default_rng(14)
    x = rng.integers(0, 9, ROWS) + np.where(np.arange(ROWS) < 70, 0, 0.5)
    columns = {
        "y": rng.integers(0, 4, ROWS),
        "x": x,
        "k": rng.choice(list("uvw"), ROWS),
        "g": rng.choice(list("abcdefg"), ROWS),
        "h": rng.choice(["1", "02", "three"], ROWS),
        "p": rng.choice([f"p{i}" for i in range(5)], ROWS),
        "n": rng.integers(3, 6, ROWS),
        "e": rng.choice([0.5, 1.5, 4.0], ROWS),
    }
    found = pd.DataFrame(columns).mask(rng.random((ROWS, len(columns))) < 0.03)
    found.loc[ROWS - 5] = [2, 7.5, "u", "alone", "1", "p1", 4, 0.5]
    return found


@pytest.fixture(params=["csv", "csv with blanks", "parquet", "parts"])
def stored(request, tmp_path, monkeypatch):
    """A function that stores a table, to be read in small batches, some of them twice."""
    monkeypatch.setattr(reader, "BLOCK", 700)
    monkeypatch.setattr(reader, "BATCH", 31)
    monkeypatch.setattr(complete_rows, "BATCH", 20)

    def store(frame, name="t"):
        if "csv" in request.param:
            path = tmp_path / f"{name}.csv"
            # With a space in one of them, Arrow takes all cells of a column for text.
            gap = " " if "blanks" in request.param else "NA"
            frame.to_csv(path, index=False, na_rep=gap, float_format="%g")
        elif request.param == "parquet":
            path = tmp_path / f"{name}.parquet"
            frame.to_parquet(path)
        else:
            path = tmp_path / name
            path.mkdir(exist_ok=True)
            for number, rows in enumerate(np.array_split(np.arange(len(frame)), 3)):
                frame.iloc[rows].to_parquet(path / f"{number}.parquet")
            # What is still being written, or is no part of the table, is left alone.
            (path / ".0.parquet").write_bytes(b"PAR1")
            frame.to_parquet(path / "_metadata.parquet")
        return path

    return store
