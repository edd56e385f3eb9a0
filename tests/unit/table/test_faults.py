"""Cells that are wrong: the error names the row of the file, and limits are exact."""

import numpy as np
import pandas as pd
import pytest
from tables import ingested

from partialpool.base.errors import UserError
from partialpool.design import labels

# A cell that is wrong, what it is wrong for, and what is said of it.
FAULTS = [
    ({"x": "high"}, {}, "column 'x' must be numbers; row {} is 'high'"),
    ({"x": "1,5"}, {}, "column 'x' must be numbers; row {} is '1,5'; write 1.5"),
    ({"x": np.inf}, {}, "column 'x' is infinite in row {}"),
    ({"x": -2e50}, {}, "column 'x' is too large (-2e+50) in row {}"),
    ({"x": -3.5}, {"formula": "y ~ log(x + 2) + (1 | g)"}, "'log(x + 2)' is nan in row {}"),
    ({"y": -3}, {"formula": "log(y + 2) ~ x"}, "'log(y + 2)' is nan in row {}"),
    ({"k": "a\0b"}, {"formula": "y ~ k"}, "column 'k' has a NUL byte in row {}"),
    ({"g": "a\0b"}, {}, "column 'g' has a NUL byte in row {}"),
    ({"y": -1}, {"family": "poisson"}, "'y' is -1 in row {}"),
    ({"y": 9}, {"family": "binomial", "trials": "n"}, "is 9, of 4 trials, in row {}"),
    ({"n": 0}, {"family": "binomial", "trials": "n"}, "column 'n' is 0 in row {}"),
    ({"n": 0}, {"weights": "n"}, "column 'n' is 0 in row {}"),
    ({"e": -1}, {"sigma": "e"}, "column 'e' is -1 in row {}"),
    ({"e": 0}, {"family": "poisson", "exposure": "e"}, "column 'e' is 0 in row {}"),
    ({"e": 101}, {"family": "poisson", "offset": "e"}, "column 'e' is 101 in row {}"),
    ({"e": np.nan}, {"weights": "e", "missing": "error"}, "2 missing values, the first in row {};"),
]


@pytest.mark.parametrize("gaps", [(5, 70), (108, 109)])
@pytest.mark.parametrize(("cell", "more", "telling"), FAULTS, ids=lambda one: str(one)[:40])
def test_an_error_names_the_row_of_the_file(frame, stored, cell, more, telling, gaps):
    """Whatever was left out before it, right before it too, and whichever batch it is in."""
    [[name, value]] = cell.items()
    frame = frame.ffill().bfill().assign(n=4.0)
    if "missing" not in more:
        frame.loc[[*gaps], "x" if name == "y" else "y"] = np.nan
    frame[name] = frame[name].astype(str) if isinstance(value, str) else frame[name]
    frame.loc[[110, 131], name] = value
    with pytest.raises(UserError) as caught:
        ingested(stored(frame), **{"formula": "y ~ x + (1 | g)"} | more)
    assert telling.format(111) in str(caught.value)


# A column, the last value it may have, one beyond, and what is said of that.
LIMITS = [
    ("x", 9.9e49, 1e50, {}, "column 'x' is too large (1e+50) in row 8"),
    ("x", -9.9e49, -1e50, {}, "column 'x' is too large (-1e+50) in row 8"),
    ("y", 1e15, 1e15 + 2, {"family": "poisson"}, "'y' is 1e+15 in row 8"),
    ("y", 0, -1, {"family": "negative_binomial"}, "'y' is -1 in row 8"),
    ("y", 4, 5, {"family": "binomial", "trials": "n"}, "'y' is 5, of 4 trials, in row 8"),
    ("n", 3, 1, {"family": "binomial", "trials": "n"}, "'y' is 2, of 1 trials, in row 8"),
    ("n", 1e15, 1e15 + 2, {"family": "binomial", "trials": "n"}, "'n' is 1e+15 in row 8"),
    ("n", 2, 0, {"family": "binomial", "trials": "n"}, "'n' is 0 in row 8"),
    ("e", 100, 100.1, {"family": "poisson", "offset": "e"}, "'e' is 100.1 in row 8"),
    ("e", -100, -100.1, {"family": "poisson", "offset": "e"}, "'e' is -100.1 in row 8"),
    ("e", -100.1, -1e50, {"offset": "e"}, "column 'e' is too large"),
    ("e", 1e-50, 9e-51, {"weights": "e"}, "weights must be over 0; column 'e' is 9e-51 in row 8"),
    ("e", 1e-50, 0, {"sigma": "e"}, "standard errors must be over 0; column 'e' is 0 in row 8"),
    ("k", "u", "x", {"formula": "y ~ k"}, "'k' has 4 labels; 3 are possible"),
]


@pytest.mark.parametrize(("name", "last", "beyond", "more", "telling"), LIMITS)
def test_values_at_a_limit_are_taken_and_those_beyond_are_not(
    tmp_path, monkeypatch, name, last, beyond, more, telling
):
    monkeypatch.setattr(labels, "MAX_LABELS", 3)
    columns = {"y": [0, 2, 1, 2.0], "x": [0.3, 1.7, 2, 1.1, 5, 3], "k": [*"uvw"], "g": [*"abcde"]}
    columns |= {"n": [4.0], "e": [1.5, 2.5]}
    frame = pd.DataFrame({key: np.resize(values, 24) for key, values in columns.items()})
    frame["k"] = frame["k"].astype(object)
    for value in (last, beyond):
        frame.loc[7, name] = value
        frame.to_parquet(tmp_path / "t.parquet")
        if value == last:
            ingested(tmp_path / "t.parquet", **{"formula": "y ~ x + (1 | g)"} | more)
    with pytest.raises(UserError) as caught:
        ingested(tmp_path / "t.parquet", **{"formula": "y ~ x + (1 | g)"} | more)
    assert telling in str(caught.value)
