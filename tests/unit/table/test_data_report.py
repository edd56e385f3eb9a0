"""What the gate counts in a table is what pandas counts, however the table is stored and read."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design import labels
from partialpool.design.formula import Formula
from partialpool.study.study import Outcome
from partialpool.table import complete_rows, ingest, reader

SIZE = 150


@pytest.fixture
def frame():
    """Gaps in all columns, a group of one row, and a number that is whole at first."""
    rng = np.random.default_rng(14)
    x = rng.integers(0, 9, SIZE) + np.where(np.arange(SIZE) < 70, 0, 0.5)
    columns = {
        "y": rng.integers(0, 4, SIZE),
        "x": x,
        "k": rng.choice(list("uvw"), SIZE),
        "g": rng.choice(list("abcdefg"), SIZE),
        "h": rng.choice(["1", "02", "three"], SIZE),
        "p": rng.choice([f"p{i}" for i in range(5)], SIZE),
        "n": rng.integers(3, 6, SIZE),
        "e": rng.choice([0.5, 1.5, 4.0], SIZE),
    }
    found = pd.DataFrame(columns).mask(rng.random((SIZE, len(columns))) < 0.03)
    found.loc[SIZE - 5] = [2, 7.5, "u", "alone", "1", "p1", 4, 0.5]
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


def gate(path, formula, missing="drop", key=(), **outcome):
    to = path.with_name("used.parquet")
    named = {"to": to, "missing": missing, "key": key, "source": "t"}
    return ingest.ingest(path, Formula(formula), Outcome(**outcome), **named)


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
    found = gate(stored(frame), "y ~ x + k + (1 + x | g) + (1 | h) + (1 | h:p)", **outcome)
    assert reader.File(stored(frame), "t").columns() == [*frame]
    read = frame[[*"yxkghp", *dict.fromkeys(one for one in (weight, per) if one)]]
    used, gaps = read.dropna(), read.isna().sum()
    report = found.report
    assert (report["rows_read"], report["rows_used"]) == (SIZE, len(used))
    assert report["dropped"]["total"] == SIZE - len(used)
    assert report["dropped"]["by_column"] == gaps[gaps > 0].to_dict()
    assert {*report["columns"]} == {*read}
    for name, told in report["columns"].items():
        values = used[name]
        assert told.pop("missing") == gaps[name]
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


def test_what_is_typical_of_each_group(frame, stored):
    """Its mean, or its most frequent value where there are two or they are labels."""
    frame["n"] = frame["n"].clip(upper=4)
    found = gate(stored(frame), "y ~ x + k + n + C(e) + (1 | g)").groups.set_index("group")
    groups = frame[[*"yxkgne"]].dropna().groupby("g")
    np.testing.assert_allclose(found["typical x"], groups["x"].mean())
    for name in "kne":
        wanted = groups[name].agg(lambda values: values.mode().min())  # the first of several
        assert found[f"typical {name}"].astype(wanted.dtype).tolist() == wanted.tolist()


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
def test_the_row_of_a_fault_is_that_of_the_file(frame, stored, cell, more, telling, gaps):
    """Whatever was left out before it, right before it too, and whichever batch it is in."""
    [[name, value]] = cell.items()
    frame = frame.ffill().bfill().assign(n=4.0)
    if "missing" not in more:
        frame.loc[[*gaps], "x" if name == "y" else "y"] = np.nan
    frame[name] = frame[name].astype(str) if isinstance(value, str) else frame[name]
    frame.loc[[110, 131], name] = value
    with pytest.raises(UserError) as caught:
        gate(stored(frame), **{"formula": "y ~ x + (1 | g)"} | more)
    assert telling.format(111) in str(caught.value)


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
def test_the_row_of_a_fault_in_rows_to_predict(frame, stored, cell, more, telling):
    frame = frame.ffill().bfill().assign(n=4.0)
    more = {"formula": "y ~ x + (1 | g)"} | more
    learned = gate(stored(frame), **more).learned
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
    frame = frame.ffill().bfill().assign(n=frame["e"].fillna(4) * 2 + 3, z=np.arange(SIZE) / 9)
    frame["y"] += formula.startswith("log")
    frame.to_csv(tmp_path / "t.csv", index=False)
    learned, outcome = gate(tmp_path / "t.csv", formula, **outcome).learned, Outcome(**outcome)
    path = tmp_path / "new.csv"

    def read(columns):
        frame[list(columns)].head(3).to_csv(path, index=False)
        return ingest.ingest_new(path, learned, outcome, source="new.csv")

    assert [*read(needed)] == [*needed]
    for name in needed if len(needed) > 1 else ():
        with pytest.raises(UserError, match=f"no column '{name}'"):
            read(needed.replace(name, ""))


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
            gate(tmp_path / "t.parquet", **{"formula": "y ~ x + (1 | g)"} | more)
    with pytest.raises(UserError) as caught:
        gate(tmp_path / "t.parquet", **{"formula": "y ~ x + (1 | g)"} | more)
    assert telling in str(caught.value)


Y = np.random.default_rng(3).normal(size=60).round(4)
# A table by a number, the formula, the last number of which nothing is said, and what is then.
NOTES = [
    (lambda n: {"g": np.arange(60) % -n}, "y ~ 1 + (1 | g)", -5, "'g' has only 4 groups"),
    (
        lambda n: {"k": [f"l{min(i, n - 1)}" for i in range(60)]},
        "y ~ k",
        30,
        "Column 'k' has 31 labels in 60 rows.",
    ),
    *(
        (
            lambda n, s=sign: {
                "g": np.arange(60) % 6,
                "x": np.repeat([s * n - 10, s * n + 10], 30),
            },
            "y ~ x + (x | g)",
            100,
            "its mean is 10 times its sd from zero",
        )
        for sign in (1, -1)
    ),
    (lambda n: {"y": Y.clip(sorted(Y)[n - 1])}, "y ~ 1", 29, "30 of 60 responses are"),
    (
        lambda n: {"x": [*np.linspace(0, 99 - n, 59), 99]},
        "y ~ x",
        49,
        "Column 'x' is 99 in 1 of 60 rows, far from all other values (0 to 49)",
    ),
    (
        lambda n: {"x": [*np.linspace(99 + n, 149 + n, 59), 99]},
        "y ~ x",
        49,
        "Column 'x' is 99 in 1 of 60 rows, far from all other values (149 to 199)",
    ),
    (
        lambda n: {"x": 20240100 + np.arange(60) % n + 1},
        "y ~ x",
        2,
        "column 'x' holds dates",
    ),
    (
        lambda n: {"y": Y[:36], "g": np.arange(36) // 2, "h": np.arange(36) % n},
        "y ~ 1 + (1 | g) + (1 | h)",
        17,
        "There are 36 varying coefficients of all factors together, and 36 rows",
    ),
    # A degree of freedom for each row but one.
    (lambda n: {"y": np.arange(n) % 2 * 50}, "y ~ 1", 10, "The variance of the counts"),
]


@pytest.mark.parametrize(("table", "formula", "last", "telling"), NOTES)
def test_notes_begin_where_they_are_said_to(tmp_path, table, formula, last, telling):
    family = {"30 of": "student_t", "The v": "poisson"}.get(telling[:5], "gaussian")
    quiet, told = ({"y": Y} | table(number) for number in (last, last + 1))
    assert said_of(tmp_path, quiet, formula, family=family) == ""
    assert telling in said_of(tmp_path, told, formula, family=family)


def said_of(tmp_path, frame, formula, **outcome):
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    try:
        return "\n".join(gate(tmp_path / "t.csv", formula, **outcome).report["warnings"])
    except UserError as error:
        return str(error)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (np.arange(60) % 6, 5 - np.arange(60) % 6, True),
        (np.arange(60) % 6, np.arange(60) // 10, False),  # crossed
        (np.arange(60) % 6, np.arange(60) % 12, False),  # nested, either way
        (np.arange(60) % 12, np.arange(60) % 6, False),
        (np.arange(60) % 6, np.where(np.arange(60) == 7, 5, np.arange(60) % 6), False),
    ],
)
def test_factors_of_the_same_groups_are_pointed_out(tmp_path, first, second, same):
    said = said_of(tmp_path, {"y": Y, "g": first, "h": second}, "y ~ 1 + (1 | g) + (1 | h)")
    assert said.startswith("'g' and 'h' divide the rows into the same groups") if same else not said


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson"])
def test_what_goes_with_one_side_only(frame, stored, family):
    """Labels as text and as numbers, and groups, by the rows that are used."""
    rng, trials = np.random.default_rng(2), 2 if family == "binomial" else 1
    frame["p"] = np.arange(SIZE) % 5 + 1
    frame.loc[frame["p"].isin([2, 4]), "k"] = "u"
    chance = frame["p"].map({2: 0, 4: 1}).fillna(frame["k"].map({"v": 1, "w": 0})).fillna(0.5)
    frame["y"] = rng.binomial(trials, chance).astype(float)
    frame["n"], frame["g"] = trials, [f"g{i // 3}" for i in range(SIZE)]
    found = gate(
        stored(frame),
        "y ~ k + C(p) + x + (1 | g)",
        family=family,
        trials="n" if family == "binomial" else None,
    )
    used = frame[[*"ykpxg"]].dropna()
    sides = {"no trial is a success": used["y"] == 0, "every trial is a success": used["y"] == 2}
    if family != "binomial":
        sides = {"every response is 0": used["y"] == 0, "every response is 1": used["y"] == 1}
    if family == "poisson":  # a count has no upper side
        sides.popitem()
    expected = [
        f"Where {name!r} is {str(label)!r}, {what}"
        for name in ("k", "p")
        for what, rows in sides.items()
        for label, always in rows.groupby(used[name]).all().items()
        if always
    ]
    said = [one.partition(":")[0] for one in found.report["warnings"]]
    assert [one for one in said if one.startswith("Where")] == expected
    assert len(expected) == 2 * len(sides)
    alike = sum(rows.groupby(used["g"]).all().sum() for rows in sides.values())
    told = f"In {alike} of {used['g'].nunique()} groups of 'g' {', or '.join(sides)} ("
    assert any(one.startswith(told) for one in said)


@pytest.mark.parametrize("outcome", [{}, {"offset": "e"}, {"weights": "n"}], ids=str)
def test_where_a_response_lies_and_how_wide_it_is(frame, stored, outcome):
    """Its median and median absolute deviation, less the offset, of rows as often as they count."""
    frame["y"] = np.random.default_rng(4).normal(size=SIZE) + 9 * frame["e"]
    found = gate(stored(frame), "y ~ x + (1 | g)", family="student_t", **outcome).learned
    used = frame[[*"yxg", *outcome.values()]].dropna()
    y = used["y"] - used["e"] if "offset" in outcome else used["y"]
    y = y.repeat(used["n"] if "weights" in outcome else 1)
    away = (y - y.quantile(interpolation="lower")).abs()
    expected = [y.quantile(interpolation="lower"), 1.4826 * away.quantile(interpolation="lower")]
    assert found.location_scale == pytest.approx(expected, rel=1e-4)


def test_the_order_of_rows_changes_nothing(stored):
    """Where sorted, every column is constant in most batches, and copies are beside each other."""
    rng, at = np.random.default_rng(7), np.arange(SIZE)
    columns = {"x": at // 35, "k": np.take([*"cab"], at // 50), "g": np.take([*"zyx"], at // 50)}
    columns |= {"z": np.where(at < 3, -999, at // 8), "y": rng.normal(size=SIZE).round(3)}
    frame = pd.DataFrame(columns | {"h": np.where(at < 100, at % 7, 9 + at % 2)})
    frame.loc[[1, 60, 61]] = frame.loc[[0, 59, 59]].to_numpy()
    frame = frame.astype({"y": float, "x": int, "z": int})
    found = []
    for rows in (frame, frame.sample(frac=1, random_state=1)):
        found.append(gate(stored(rows), "y ~ x + k + scale(z) + (1 + x | g) + (1 | h)"))
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
        one.learned.design.at(rows).matrix, other.learned.design.at(rows).matrix
    )
    numbers = one.groups.columns[2:]
    assert one.groups["group"].equals(other.groups["group"])
    np.testing.assert_allclose(one.groups[numbers], other.groups[numbers])


def test_columns_that_label_rows_to_predict_are_as_written(frame, stored):
    """Also where other columns are numbers of another kind far down."""
    frame = frame.ffill().bfill()
    learned = gate(stored(frame), "y ~ x + (1 | g)").learned
    labels = {"id": [f"{i:03}" for i in range(SIZE)], "n": ["1.50"] * SIZE, "p": ["true"] * SIZE}
    rows = ingest.ingest_new(stored(frame.assign(**labels), "n"), learned, Outcome(), source="new")
    for name, cells in labels.items():
        assert rows[name].tolist() == cells
    np.testing.assert_array_equal(rows["x"], frame["x"])


def test_one_row_a_group_is_too_little_for_0s_and_1s(tmp_path):
    frame = {"g": np.arange(60), "y": Y > 0}
    said = said_of(tmp_path, frame, "y ~ 1 + (1 | g)", family="bernoulli")
    assert "Every group of 'g' has one row, so differences between groups" in said


def test_counts_that_vary_as_their_exposure_does_are_fine(tmp_path):
    exposure = np.repeat([1.0, 100.0], 30)
    frame = {"y": np.random.default_rng(1).poisson(2 * exposure), "e": exposure}
    assert said_of(tmp_path, frame, "y ~ 1", family="poisson", exposure="e") == ""
    assert "The variance of the counts" in said_of(tmp_path, frame, "y ~ 1", family="poisson")
