"""The report on a table: warnings, and the numbers at which they begin."""

import numpy as np
import pandas as pd
import pytest
from tables import ROWS, Y, ingested, warnings, warnings_or_error

from partialpool.model import families

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
def test_warnings_begin_at_their_limits(tmp_path, table, formula, last, telling):
    family = {"30 of": "student_t", "The v": "poisson"}.get(telling[:5], "gaussian")
    quiet, told = ({"y": Y} | table(number) for number in (last, last + 1))
    assert warnings_or_error(tmp_path, quiet, formula, family=family) == ""
    assert telling in warnings_or_error(tmp_path, told, formula, family=family)


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson"])
def test_labels_and_groups_that_separate_the_responses(frame, stored, family):
    """Labels as text and as numbers, and groups, by the rows that are used."""
    rng, trials = np.random.default_rng(2), 2 if family == "binomial" else 1
    frame["p"] = np.arange(ROWS) % 5 + 1
    frame.loc[frame["p"].isin([2, 4]), "k"] = "u"
    chance = frame["p"].map({2: 0, 4: 1}).fillna(frame["k"].map({"v": 1, "w": 0})).fillna(0.5)
    frame["y"] = rng.binomial(trials, chance).astype(float)
    frame["n"], frame["g"] = trials, [f"g{i // 3}" for i in range(ROWS)]
    found = ingested(
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


def test_one_binary_row_in_each_group_is_too_little(tmp_path):
    frame = {"g": np.arange(60), "y": Y > 0}
    said = warnings_or_error(tmp_path, frame, "y ~ 1 + (1 | g)", family="bernoulli")
    assert "Every group of 'g' has one row, so differences between groups" in said


def test_counts_that_vary_as_their_exposure_does_are_fine(tmp_path):
    exposure = np.repeat([1.0, 100.0], 30)
    frame = {"y": np.random.default_rng(1).poisson(2 * exposure), "e": exposure}
    assert warnings_or_error(tmp_path, frame, "y ~ 1", family="poisson", exposure="e") == ""
    assert "The variance of the counts" in warnings_or_error(
        tmp_path, frame, "y ~ 1", family="poisson"
    )


def test_precision_weights_identify_groups_of_one_row(tmp_path):
    rows = "g,y,n\n" + "".join(f"g{i},{i % 3},{i + 1}\n" for i in range(9))
    said = "so differences between groups and noise within them cannot be told apart"
    assert said in warnings(tmp_path / "t.csv", rows, "y ~ 1 + (1 | g)")
    assert said not in warnings(tmp_path / "t.csv", rows, "y ~ 1 + (1 | g)", precision_weights="n")


def test_as_many_varying_coefficients_as_rows_are_pointed_out(tmp_path):
    rng, path = np.random.default_rng(6), tmp_path / "t.csv"
    frame = pd.DataFrame({"g": np.repeat(range(12), 3), "k": list("abc") * 12})
    frame["x"], frame["y"] = rng.normal(size=(2, 36))
    frame["h"] = rng.permutation(36) // 2
    frame.to_csv(path, index=False)
    apart = "differences between groups and noise within them cannot be told apart."
    every = f"Every group of 'g' has no more rows than varying coefficients (3), so {apart}"
    for formula in ("y ~ k + (0 + k | g)", "y ~ x + (x + I(x**2) | g)"):
        assert warnings(path, None, formula) == every
        assert warnings(path, None, formula, family="student_t") == every
        assert warnings(path, None, formula, sigma=1.0) == ""
    assert warnings(path, None, "y ~ x + (x | g)") == ""
    together = f"There are 42 varying coefficients of all factors together, and 36 rows, so {apart}"
    assert warnings(path, None, "y ~ x + (x | g) + (1 | h)") == together
    frame[1:].to_csv(path, index=False)
    few = "1 of 12 groups of 'g' have no more rows than varying coefficients (2)."
    assert warnings(path, None, "y ~ x + (x | g)") == few
    few = few.replace(".", ": their sigma depends on its prior.")
    assert warnings(path, None, "y ~ x + (x | g)", sigma="by_group") == few


def test_predictors_that_separate_0s_from_1s(tmp_path):
    path = tmp_path / "t.csv"
    # x separates, z does not; every 'b' is 1, every 'c' is 0, and so is group 3.
    text = (
        "y,x,z,k,g\n0,1,5,a,1\n0,2,1,a,2\n0,3,4,c,3\n1,3,2,b,1\n1,4,3,a,2\n1,9,5,b,1\n0,0,1,c,3\n"
    )
    said = warnings(path, text, "y ~ x + z + (1 | g)", family="bernoulli")
    assert "'x' separates the responses at 3, below which every response is 0 and" in said
    assert "'z' separates" not in said
    assert "In 1 of 3 groups of 'g' every response is 0 ('3'):" in said
    said = warnings(path, text, "y ~ k", family="bernoulli")
    assert "Where 'k' is 'c', every response is 0: the data set no bound" in said
    assert "Where 'k' is 'b', every response is 1" in said
    assert "'a'" not in said
    trials = text.replace("y,", "n,y,").replace("\n0,", "\n2,0,").replace("\n1,", "\n2,1,")
    said = warnings(path, trials, "y ~ k", family="binomial", trials="n")
    assert "Where 'k' is 'c', no trial is a success" in said and "'b'" not in said
    for y, always in ((0, "no trial is a success"), (1, "every trial is a success")):
        rows = "".join(f"{n * y},{n},{n}\n" for n in range(1, 9))
        said = warnings(path, "y,n,x\n" + rows, "y ~ x", family="binomial", trials="n")
        assert said == f"In all rows {always}: the priors decide how sure that is."


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("made", ["poisson", "spread", "hurdle"])
def test_counts_that_the_family_does_not_describe_are_pointed_out(tmp_path, family, made):
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(20), 15), rng.normal(size=300)
    mean = np.exp(1 + 0.8 * x + 0.5 * rng.normal(size=20)[g])
    y = rng.poisson(mean * (rng.gamma(1, size=300) if made == "spread" else 1))
    y = np.where(rng.random(300) < 0.4, 0, y) if made == "hurdle" else y
    pd.DataFrame({"g": g, "x": x, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    said = warnings(tmp_path / "t.csv", None, "y ~ x + (1 | g)", family=family)
    wide = "Consider family negative_binomial" in said
    zeros = "some zeros may come about in another way" in said
    assert wide == (family == "poisson" and made != "poisson")
    assert zeros == (family == "negative_binomial" and made == "hurdle")


def test_factors_that_are_one_and_copied_rows_are_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    text = "a,b,y\n" + "".join(f"a{i % 6},b{i % 6},{i**1.5:.3f}\n" for i in range(24))
    said = warnings(path, text, "y ~ 1 + (1 | a) + (1 | b)")
    assert "'a' and 'b' divide the rows into the same groups" in said
    assert "copies" not in said
    said = warnings(path, text + "a0,b0,0.000\n", "y ~ 1 + (1 | a)")
    assert "1 of 25 rows are exact copies of others" in said


def test_a_response_that_is_mostly_one_number_is_pointed_out(tmp_path):
    path, rows = tmp_path / "t.csv", "".join(f"{i},{max(i - 11, 0) ** 1.5}\n" for i in range(20))
    said = warnings(path, "x,y\n" + rows, "y ~ x", family="student_t")
    assert said.startswith("12 of 20 responses are 0: family student_t can make sigma as small")
    assert warnings(path, None, "y ~ x") == ""
    assert warnings(path, None, "y ~ x", family="student_t", sigma=1.0) == ""


def test_a_table_that_is_fine_has_no_warnings(tmp_path):
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 20), rng.normal(size=240)
    eta = 0.3 + 0.7 * x + 0.6 * rng.normal(size=12)[g]
    frame = pd.DataFrame({"g": g, "x": x, "k": rng.choice(["a", "b", "c"], 240), "n": 20})
    for family in families.FAMILIES:
        parameters = {"sigma": 1.0, "nu": 5.0, "alpha": 3.0, "phi": 4.0, "zi": 0.2, "hu": 0.3}
        frame["y"] = families.FAMILIES[family].responses(rng, eta, parameters, frame["n"])
        frame.to_csv(tmp_path / "t.csv", index=False)
        trials = "n" if "trials" in families.FAMILIES[family].needs else None
        formula = "y ~ x + k + (1 + x | g)"
        assert warnings(tmp_path / "t.csv", None, formula, family=family, trials=trials) == ""


def test_each_column_has_its_role(tmp_path):
    frame = pd.DataFrame({name: np.arange(24) % 5 + 1 for name in ("count", "time", "x", "w")})
    frame = frame.assign(a=np.arange(24) // 4, room=np.arange(24) % 3, log=np.arange(24) // 2)
    frame.to_csv(tmp_path / "t.csv", index=False)
    formula = "log(count + `log`) ~ x + C(room) + (1 | a:room)"
    found = ingested(tmp_path / "t.csv", formula, offset="time", weights="w")
    assert {name: column["role"] for name, column in found.report["columns"].items()} == {
        **dict.fromkeys(("count", "log"), "response"),
        **{"x": "predictor", "time": "offset", "w": "weights"},
        **{"a": "groups", "room": "predictor, groups"},
    }
    assert [factor["columns"] for factor in found.report["factors"]] == [["a", "room"]]
    found = ingested(tmp_path / "t.csv", "count ~ x + (1 | a)", sigma="w")
    assert found.report["columns"]["w"]["role"] == "standard error"
