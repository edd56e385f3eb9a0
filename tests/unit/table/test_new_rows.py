"""Rows to predict: the columns they need, and errors that name their rows."""

import numpy as np
import pytest
from tables import FORMULA, GOOD, ROWS, complaint, ingested

from partialpool.base.errors import UserError
from partialpool.study.outcome import Outcome
from partialpool.table import ingest


@pytest.mark.parametrize(
    ("cell", "more", "telling"),
    [
        ({"x": "high"}, {}, "column 'x' must be numbers; row {} is 'high'"),
        ({"x": np.nan}, {}, "column 'x' has 2 missing values, the first in row {};"),
        ({"g": np.nan}, {}, "column 'g' has 2 missing values, the first in row {};"),
        ({"x": -2}, {"formula": "y ~ log(x + 2)"}, "'log(x + 2)' is -inf in row {}"),
        ({"k": "z"}, {"formula": "y ~ k"}, "'z' in row {} of 'k' was not in the fitted table"),
        ({"n": 0.5}, {"family": "binomial", "trials": "n"}, "column 'n' is 0.5 in row {}"),
        ({"e": 0}, {"sigma": "e"}, "column 'e' is 0 in row {}"),
    ],
    ids=str,
)
def test_an_error_names_the_row_of_the_rows_to_predict(frame, stored, cell, more, telling):
    frame = frame.ffill().bfill().assign(n=4.0)
    more = {"formula": "y ~ x + (1 | g)"} | more
    learned = ingested(stored(frame), **more).learned
    [[name, value]] = cell.items()
    frame[name] = frame[name].astype(str) if isinstance(value, str) else frame[name]
    frame.loc[[110, 131], name] = value
    new = stored(frame.drop(columns="y"), "new")
    outcome = Outcome(**{key: more[key] for key in {*more} - {"formula"}})
    with pytest.raises(UserError) as caught:
        ingest.ingest_new(new, learned, outcome, source="new")
    assert telling.format(111) in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "outcome", "needed"),
    [
        ("y ~ x + k + (1 | g/h)", {}, "xkgh"),
        ("y ~ 1 + (1 + x | g)", {"weights": "n"}, "xg"),
        ("log(y) ~ C(x) + I(n > 7)", {"sigma": "e"}, "xn"),
        ("y ~ x", {"precision_weights": "e", "weights": "n", "offset": "z"}, "xz"),
        ("y ~ x + (1 | g)", {"offset": "z", "sigma": "by_group"}, "xgz"),
        ("y ~ 1", {"family": "binomial", "trials": "n", "weights": "e"}, "n"),
        ("y ~ k", {"family": "poisson", "exposure": "e", "offset": "z", "weights": "n"}, "kez"),
    ],
)
def test_rows_to_predict_need_what_predictions_need_and_nothing_else(
    frame, tmp_path, formula, outcome, needed
):
    frame = frame.ffill().bfill().assign(n=frame["e"].fillna(4) * 2 + 3, z=np.arange(ROWS) / 9)
    frame["y"] += formula.startswith("log")
    frame.to_csv(tmp_path / "t.csv", index=False)
    learned, outcome = ingested(tmp_path / "t.csv", formula, **outcome).learned, Outcome(**outcome)
    path = tmp_path / "new.csv"

    def read(columns):
        frame[list(columns)].head(3).to_csv(path, index=False)
        return ingest.ingest_new(path, learned, outcome, source="new.csv")

    assert [*read(needed)] == [*needed]
    for name in needed if len(needed) > 1 else ():
        with pytest.raises(UserError, match=f"no column '{name}'"):
            read(needed.replace(name, ""))


def test_columns_that_label_rows_to_predict_are_as_written(frame, stored):
    """Also where other columns are numbers of another kind far down."""
    frame = frame.ffill().bfill()
    learned = ingested(stored(frame), "y ~ x + (1 | g)").learned
    labels = {"id": [f"{i:03}" for i in range(ROWS)], "n": ["1.50"] * ROWS, "p": ["true"] * ROWS}
    rows = ingest.ingest_new(stored(frame.assign(**labels), "n"), learned, Outcome(), source="new")
    for name, cells in labels.items():
        assert rows[name].tolist() == cells
    np.testing.assert_array_equal(rows["x"], frame["x"])


def test_new_rows(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    to = tmp_path / "data.parquet"
    learned = ingest.ingest(tmp_path / "t.csv", FORMULA, Outcome(), to=to, source="t.csv").learned
    path = tmp_path / "new.csv"

    def new(text):
        path.write_text(text)
        return ingest.ingest_new(path, learned, Outcome(), source="new.csv")

    rows = new("id,county,x,kind,period\n007,99,1,a,2\n008,01,2,b,1\n")
    assert list(rows) == ["id", "county", "x", "kind", "period"]
    assert list(rows["id"]) == ["007", "008"]
    assert list(rows["county"]) == ["99", "01"]
    assert np.issubdtype(rows["x"].dtype, np.number)
    for text, telling in (
        ("county,x,kind,period\n1,1,z,2\n", "'z' in row 1 of 'kind' was not in the fitted table"),
        ("x,kind,period\n1,a,2\n", "no column 'county'"),
        ("county,x,kind,period\n1,a,a,2\n", "column 'x' must be numbers; row 1 is 'a'"),
        ("county,x,kind,period\n1,,a,2\n", "column 'x' has a missing value in row 1"),
        ("county,x,kind,period,mean\n1,1,a,2,1\n", "column 'mean' has the name of a result"),
    ):
        assert telling in complaint(new, text)
