"""Tables to be read, and what is read of them."""

import tempfile

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import ingest

ROWS = 150  # of the tables made in tests/unit/table/conftest.py
MANY_ROWS = 997  # of `many_rows`
Y = np.random.default_rng(3).normal(size=60).round(4)
FORMULA = Formula("y ~ x + kind + C(period) + (1 | county)")
GOOD = """county,y,x,kind,period,note
01,1.5,2,a,1,q
02,2.5,3,b,2,
01,3,4.5,a,1,
02,1,5,b,2,"two
lines"
01,4,1,a,2,r
2,7,9,b,1,z
"""


def many_rows():
    """A table with columns of all kinds, and labels that are numbers in its first half."""
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "y": rng.poisson(3, MANY_ROWS),
            "x": rng.uniform(2, 8, MANY_ROWS),
            "z": rng.uniform(1, 9, MANY_ROWS) + 1e3,
            "w": rng.choice([0.5, 1.0, 2.0], MANY_ROWS),
            "kind": rng.choice(list("abcd"), MANY_ROWS),
            "period": rng.integers(1, 4, MANY_ROWS),
            "g": rng.choice([f"g {i}" for i in range(30)], MANY_ROWS),
            "h": rng.integers(0, 5, MANY_ROWS).astype(str),
            "late": np.where(np.arange(MANY_ROWS) < 450, ["7", *"89" * 498], ["a", *"bc" * 498]),
        }
    )


def ingested(path, formula, missing="drop", key=(), **outcome):
    """A file as the step `ingest` reads it; the complete rows are beside it."""
    named = {"to": path.with_name("used.parquet"), "missing": missing, "key": key, "source": "t"}
    return ingest.ingest(path, Formula(formula), Outcome(**outcome), **named)


def used_and_report(path, formula, outcome, **more):
    """The table as it is used, and the report on it."""
    with tempfile.TemporaryDirectory() as folder:
        found = ingest.ingest(path, formula, outcome, to=f"{folder}/data.parquet", **more)
        return pd.read_parquet(f"{folder}/data.parquet"), found.report


def read(path, text=None, formula=FORMULA, encoding="utf-8", missing="error", key=(), **outcome):
    """The same, of a file with the given text; of the file as it is, without."""
    if text is not None:
        path.write_text(text, encoding=encoding, newline="")
    formula = Formula(formula) if isinstance(formula, str) else formula
    more = {"missing": missing, "key": key, "source": path.name}
    return used_and_report(path, formula, Outcome(**outcome), **more)


def warnings(path, text, formula, **more):
    """The warnings about a table, as one text."""
    return "\n".join(read(path, text, formula, **more)[1]["warnings"])


def warnings_or_error(tmp_path, frame, formula, **outcome):
    """The warnings about a table, or why it is refused."""
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    try:
        return "\n".join(ingested(tmp_path / "t.csv", formula, **outcome).report["warnings"])
    except UserError as error:
        return str(error)


def complaint(call, *arguments, **named):
    """The error of a call, in one line."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)
