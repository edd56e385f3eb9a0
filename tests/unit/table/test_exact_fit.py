"""Responses that the design fits exactly are refused, with the columns that give them."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import complete_rows, ingest

RNG = np.random.default_rng(12)
GROUPS, EACH = 9, 6
FRAME = pd.DataFrame(
    {
        "g": np.repeat([f"g{i}" for i in range(GROUPS)], EACH),
        "h": np.tile([f"h{i}" for i in range(EACH)], GROUPS),
        "k": np.resize(["a", "b", "c"], GROUPS * EACH),
    }
)
FRAME["u"] = RNG.uniform(1, 3, len(FRAME))
FRAME["x"], FRAME["z"] = RNG.normal(size=(2, len(FRAME)))
FRAME["w"] = np.repeat(RNG.normal(size=GROUPS), EACH)  # of the group
X, Z, W = (FRAME[name].to_numpy() for name in "xzw")
U, V = np.repeat(RNG.normal(size=(2, GROUPS)), EACH, axis=1)
A = np.tile(RNG.normal(size=EACH), GROUPS)
K = (FRAME["k"] == "b").to_numpy(dtype=float)

# A response, a formula that gives it exactly, and by what.
EXACT = [
    (1 + 2 * X, "y ~ x + (1 | g)", "'x'"),
    (X, "y ~ x + z", "'x'"),
    (2 * X, "y ~ 0 + x", "'x'"),
    (1e12 + 100 * X, "y ~ x + z", "'x'"),
    (1e-40 * (1 + X), "y ~ x + (1 | g)", "'x'"),
    (X - 3 * Z, "y ~ x + z + (1 | g) + (1 | h)", "'x' and 'z'"),
    (X - 3 * Z + K, "y ~ x + z + k", "'x', 'z' and 'k'"),
    (np.exp(1 + X), "log(y) ~ x + (1 | g)", "'x'"),
    (X**2 + X, "y ~ poly(x, 2)", "'poly(x, 2)'"),
    (W, "y ~ w + (1 | g)", "'w'"),
    (U, "y ~ 1 + (1 | g)", "the groups of 'g'"),
    (U, "y ~ x + (x | g)", "the groups of 'g'"),
    (U, "y ~ x + (1 | h) + (1 | g)", "the groups of 'g'"),
    (U + X, "y ~ x + z + (1 | g)", "'x' and the groups of 'g'"),
    (U + V * X, "y ~ x + (x | g)", "'x' and the groups of 'g'"),
    (U + V * X, "y ~ 1 + (x | g)", "'x' and the groups of 'g'"),
    (V * X, "y ~ z + (0 + x | g)", "'x' and the groups of 'g'"),
    (U + A, "y ~ 1 + (1 | g) + (1 | h)", "the groups of 'g' and the groups of 'h'"),
    (U + A + Z, "y ~ z + (1 | g) + (1 | h)", "'z', the groups of 'g' and the groups of 'h'"),
    (U + V * W, "y ~ w + (w | g)", "the groups of 'g'"),
]


def read_with(path, y, formula, **outcome):
    frame = FRAME.assign(y=y)
    if "offset" in outcome:
        frame["o"] = 5 * Z
        frame["y"] += frame["o"]
    frame.to_parquet(path / "t.parquet")
    to = path / "used.parquet"
    return ingest.ingest(
        path / "t.parquet", Formula(formula), Outcome(**outcome), to=to, source="t.csv"
    )


def refusal(path, y, formula, **outcome):
    with pytest.raises(UserError) as caught:
        read_with(path, y, formula, **outcome)
    return str(caught.value)


@pytest.fixture(params=["at once", "in batches"])
def reading(request, monkeypatch):
    """Tables that are small, and tables of which a random part is looked at first."""
    if request.param == "in batches":
        monkeypatch.setattr(ingest, "SUBSET", 20)
        monkeypatch.setattr(complete_rows, "BATCH", 10)
    return request.param


@pytest.mark.parametrize(("y", "formula", "given"), EXACT, ids=lambda one: str(one)[:40])
def test_columns_that_give_the_response_exactly_are_named(tmp_path, reading, y, formula, given):
    if given.count("groups") > 1 and reading == "in batches":
        return  # several factors together are looked at in tables of up to SUBSET rows
    said = refusal(tmp_path, y, formula)
    assert f" is given exactly by {given}, so its residual standard deviation (sigma) is" in said
    if reading == "in batches":
        return
    # Known, there is nothing to estimate; and some noise is all it takes.
    read_with(tmp_path, y, formula, sigma=1.0)
    noise = RNG.normal(size=len(y)) * np.std(y) * (1e-4 if y.mean() > 1e9 else 1e-7)
    read_with(tmp_path, np.abs(y + noise) if "log" in formula else y + noise, formula)


@pytest.mark.parametrize("outcome", [{"family": "student_t"}, {"offset": "o"}, {"weights": "u"}])
def test_families_and_columns_of_the_response(tmp_path, outcome):
    said = refusal(tmp_path, U + X, "y ~ x + (1 | g)", **outcome)
    assert " is given exactly by 'x' and the groups of 'g', so" in said


def test_responses_that_are_equal_but_for_rounding(tmp_path):
    alternating = 1 + np.resize([0, 1e-15], len(FRAME))
    assert refusal(tmp_path, alternating, "y ~ x").endswith("same in every row but for rounding")
    said = refusal(tmp_path, np.full(len(FRAME), 3.0), "y ~ x", offset="o")
    assert said.endswith("'y', less the offset 'o', is the same in every row but for rounding")


def test_as_many_coefficients_as_rows_are_not_exact(tmp_path, reading):
    y = RNG.normal(size=len(FRAME))
    for formula in ("y ~ 1 + (1 | g:h)", "y ~ x + (x | g:k)", "y ~ x + (x + z + I(x * z) | g:k)"):
        read_with(tmp_path, y, formula)
        # Unless each stands for several.
        assert "is given exactly by" in refusal(tmp_path, y, formula, weights="u")


@pytest.mark.parametrize("y", [X + Z, U + V * X])
def test_sigma_of_a_group_whose_rows_are_given_exactly(tmp_path, reading, y):
    noise = RNG.normal(size=len(FRAME))
    noise[12:18] = noise[30:36] = 0
    formula = "y ~ x + z + (x | g)"
    for sigma in ("by_group", "~ (1 | g)"):
        said = refusal(tmp_path, y + noise, formula, sigma=sigma)
        assert "exactly in all rows of group 'g2' of 'g' (and in 1 more groups), so" in said
        assert said.endswith("set `sigma` to estimated, or leave out such groups")
        read_with(tmp_path, y + RNG.normal(size=len(y)), formula, sigma=sigma)
    read_with(tmp_path, y + noise, formula)
    assert "is given exactly by 'x'" in refusal(tmp_path, X, formula, sigma="by_group")


def test_two_rows_that_are_the_same(tmp_path):
    """They leave a pooled sigma a distribution, and no other one."""
    y = RNG.normal(size=len(FRAME))
    frame = FRAME.assign(y=y)[:-4]
    frame.loc[frame.index[-1], ["x", "y"]] = frame.loc[frame.index[-2], ["x", "y"]]
    frame.to_csv(tmp_path / "t.csv", index=False)

    def read(sigma):
        to, formula = tmp_path / "used.parquet", Formula("y ~ x + (1 | g)")
        return ingest.ingest(
            tmp_path / "t.csv", formula, Outcome(sigma=sigma), to=to, source="t.csv"
        )

    with pytest.raises(UserError) as caught:
        read("by_group")
    assert "exactly in all rows of group 'g8' of 'g', so" in str(caught.value)
    assert 'set `sigma` to estimated or "~ (1 | g)", or leave' in str(caught.value)
    read("~ (1 | g)")
    read("estimated")
