"""Columns are numeric or labels by all of their cells, whatever file they come from."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table.ingest import ingest, ingest_new


def read_from(path, formula, source=None):
    to = path.with_name("used.parquet")
    return ingest(path, Formula(formula), Outcome(), to=to, source=source or path.name)


def test_text_and_dates_in_parquet_are_judged_as_in_csv(tmp_path):
    y = np.random.default_rng(2).normal(size=6)
    days = pd.date_range("2024-01-05", periods=6)
    for column, telling in (
        (["$1", "$2", "$3"] * 2, "column 'x' must be numbers; row 1 is '$1'; write 1 ("),
        (["0.1", "0.2", "<0.1"] * 2, "column 'x' must be numbers; row 3 is '<0.1'; a bound"),
        (days, "column 'x' holds dates; make them numbers"),
        (days.tz_localize("UTC"), "column 'x' holds dates; make them numbers"),
        (days.date, "column 'x' holds dates; make them numbers"),
        (days.strftime("%d/%m/%Y"), "column 'x' holds dates; make them numbers"),
        (days - days[0], "column 'x' is of type duration[us]; it must be numbers or text"),
    ):
        pd.DataFrame({"x": column, "y": y}).to_parquet(tmp_path / "t.parquet")
        with pytest.raises(UserError) as caught:
            read_from(tmp_path / "t.parquet", "y ~ x")
        assert telling in str(caught.value)
    pd.DataFrame({"x": ["1", "2", "3"] * 2, "y": y}).to_parquet(tmp_path / "t.parquet")
    found = read_from(tmp_path / "t.parquet", "y ~ x")
    assert found.report["columns"]["x"]["type"] == "text"
    assert "'x' is text, though all its labels are numbers" in "\n".join(found.report["warnings"])


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%Y-%m-%d %H:%M", None])
def test_dates_may_be_labels(tmp_path, name, form):
    days = pd.date_range("2024-01-05", periods=4)
    frame = pd.DataFrame({"day": days, "g": list("abab"), "y": [1.0, 2, 4, 3]})
    if form:
        frame["day"] = days.strftime(form)
    frame = pd.concat([frame, frame.assign(y=[2.0, 1, 5, 0])])
    new = frame[["day", "g"]].head(1)
    for stored, rows in ((tmp_path / name, frame), (tmp_path / f"new_{name}", new)):
        rows.to_csv(stored, index=False) if name == "t.csv" else rows.to_parquet(stored)
    learned = read_from(tmp_path / name, "y ~ C(day) + (1 | g)").learned
    assert len(learned.design.coefficients) == 4
    path = tmp_path / f"new_{name}"
    assert len(ingest_new(path, learned, Outcome(), source="new")) == 1
    assert len(read_from(tmp_path / name, "y ~ 1 + (1 | day)").learned.levels["day"]) == 4


def test_a_column_is_judged_by_all_of_its_batches(tmp_path, monkeypatch):
    """Numbers with a unit in a few rows far down, and a majority of bounds."""
    from partialpool.table import reader

    rng = np.random.default_rng(3)
    y = rng.normal(size=3000)
    plain, bounded = [f"{value:.3f}" for value in y], [f"{abs(value):.4f}" for value in y]
    plain[2990] = "5 kg"
    bounded[:2500] = ["<0.1"] * 2500
    frame = pd.DataFrame({"u": plain, "b": bounded, "y": y})
    frame.to_csv(tmp_path / "t.csv", index=False)
    said = []
    for block in (reader.BLOCK, 3000):
        monkeypatch.setattr(reader, "BLOCK", block)
        for name in "ub":
            with pytest.raises(UserError) as caught:
                read_from(tmp_path / "t.csv", f"y ~ {name}")
            said.append(str(caught.value))
    assert said[:2] == said[2:]
    assert "row 2991 is '5 kg'" in said[0] and "row 1 is '<0.1'" in said[1]
