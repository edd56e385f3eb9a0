"""Summaries of a table are those of pandas, however it is stored and read."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from tables import ROWS, ingested

from partialpool.table import reader


@pytest.mark.parametrize(
    ("outcome", "size", "weight", "per"),
    [
        ({}, None, None, None),
        ({"weights": "e"}, None, "e", None),
        ({"family": "binomial", "trials": "n"}, "n", None, "n"),
        ({"family": "poisson", "exposure": "e", "weights": "n"}, None, "n", "e"),
    ],
    ids=str,
)
def test_rows_columns_groups_and_pairs(frame, stored, outcome, size, weight, per):
    if outcome.get("family") == "binomial":
        frame["n"] = frame["n"].where(~(frame["n"] < frame["y"]), 5)
    found = ingested(stored(frame), "y ~ x + k + (1 + x | g) + (1 | h) + (1 | h:p)", **outcome)
    assert reader.TableFile(stored(frame), "t").columns() == [*frame]
    read = frame[[*"yxkghp", *dict.fromkeys(one for one in (weight, per) if one)]]
    used, gaps = read.dropna(), read.isna().sum()
    report = found.report
    assert (report["rows_read"], report["rows_used"]) == (ROWS, len(used))
    assert report["dropped"]["total"] == ROWS - len(used)
    assert report["dropped"]["by_column"] == gaps[gaps > 0].to_dict()
    assert {*report["columns"]} == {*read}
    for name, told in report["columns"].items():
        values = used[name]
        assert told.pop("missing") == gaps[name]
        told.pop("role")
        if name in "kghp":
            expected = {"type": "text", "levels": values.value_counts().to_dict()}
        else:
            expected = {"type": "number", "min": values.min(), "max": values.max()}
            expected |= {key: pytest.approx(getattr(values, s)()) for key, s in MOMENTS.items()}
        assert told == expected

    used = used.assign(**{"h:p": used["h"] + ":" + used["p"], "one": 1.0})
    factors = {"g": 2, "h": 1, "h:p": 1}
    for told, (name, varying) in zip(report["factors"], factors.items(), strict=True):
        rows = used.groupby(name).size()
        assert told == {
            "factor": name,
            "columns": name.split(":"),
            "count": len(rows),
            "smallest": rows.min(),
            "largest": rows.max(),
            "single_row": (rows == 1).sum(),
            "varying": varying,
            "saturated": (rows <= varying).sum(),
        }
    assert report["pairs"] == [
        {"factors": [a, b], "count": len(used[[a, b]].drop_duplicates())}
        for a, b in combinations(factors, 2)
    ]

    weights = used[weight or "one"]
    summed = used.assign(size=used[size or "one"], total=weights * used["y"])
    summed["weight"] = weights * used[per or "one"]
    for name, told in found.groups.groupby("factor", sort=False):
        groups = summed.groupby(name)
        assert told["group"].tolist() == sorted(groups.groups)
        expected = groups[["size", "weight", "total"]].sum()
        expected = expected.assign(
            rows=groups.size(),
            mean=expected["total"] / expected["weight"],
            least=groups["x"].min(),
            greatest=groups["x"].max(),
        )
        for column in ("rows", "size", "weight", "mean", "least", "greatest"):
            np.testing.assert_allclose(told[column], expected[column])


MOMENTS = {"mean": "mean", "sd": "std"}


@pytest.mark.parametrize("outcome", [{}, {"offset": "e"}, {"weights": "n"}], ids=str)
def test_robust_location_and_scale_of_the_response(frame, stored, outcome):
    """Its median and median absolute deviation, less the offset, of rows as often as they count."""
    frame["y"] = np.random.default_rng(4).normal(size=ROWS) + 9 * frame["e"]
    found = ingested(stored(frame), "y ~ x + (1 | g)", family="student_t", **outcome).learned
    used = frame[[*"yxg", *outcome.values()]].dropna()
    y = used["y"] - used["e"] if "offset" in outcome else used["y"]
    y = y.repeat(used["n"] if "weights" in outcome else 1)
    away = (y - y.quantile(interpolation="lower")).abs()
    expected = [y.quantile(interpolation="lower"), 1.4826 * away.quantile(interpolation="lower")]
    assert found.location_scale == pytest.approx(expected, rel=1e-4)


def test_the_order_of_rows_changes_nothing(stored):
    """Where sorted, every column is constant in most batches, and copies are beside each other."""
    rng, at = np.random.default_rng(7), np.arange(ROWS)
    columns = {"x": at // 35, "k": np.take([*"cab"], at // 50), "g": np.take([*"zyx"], at // 50)}
    columns |= {"z": np.where(at < 3, -999, at // 8), "y": rng.normal(size=ROWS).round(3)}
    frame = pd.DataFrame(columns | {"h": np.where(at < 100, at % 7, 9 + at % 2)})
    frame.loc[[1, 60, 61]] = frame.loc[[0, 59, 59]].to_numpy()
    frame = frame.astype({"y": float, "x": int, "z": int})
    found = []
    for rows in (frame, frame.sample(frac=1, random_state=1)):
        found.append(ingested(stored(rows), "y ~ x + k + scale(z) + (1 + x | g) + (1 | h)"))
    one, other = found
    assert any("3 of 150 rows are exact copies" in said for said in one.report["warnings"])
    assert any("'z' is -999 in 3 of 150 rows" in said for said in one.report["warnings"])
    for told in one.report["columns"].values():
        told |= {name: pytest.approx(value) for name, value in told.items() if name in MOMENTS}
    assert one.report == other.report
    assert one.learned.levels == other.learned.levels
    assert one.learned.design.coefficients == other.learned.design.coefficients
    rows = frame[::7]
    np.testing.assert_allclose(
        one.learned.design.for_rows(rows).matrix, other.learned.design.for_rows(rows).matrix
    )
    numbers = one.groups.columns[2:]
    assert one.groups["group"].equals(other.groups["group"])
    np.testing.assert_allclose(one.groups[numbers], other.groups[numbers])
