"""Group estimates: at each group's own predictors, of every kind of compressed data."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.answers.group_estimates import NO_PART, NOT_DETERMINED, estimates
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.model import families
from partialpool.study.outcome import Outcome

SHAPE = (2, 200)
GAUSSIAN = Outcome()


def table() -> pd.DataFrame:
    """Forty schools of one to four rows; size and kind are constant within each."""
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(40), np.tile([1, 2, 3, 4], 10))
    found = pd.DataFrame({"school": np.char.add("s", school.astype(str)), "class": school % 7})
    found["size"] = (500 + 37 * school % 900).astype(float)
    found["kind"] = np.where(school % 3, "public", "private")
    found["hours"] = rng.normal(2004, 5, len(school))
    found.loc[school == 2, "hours"] = 1999.3  # three rows that are alike
    found["z"], found["o"] = rng.normal(size=(2, len(school)))
    found["n"] = rng.integers(3, 9, len(school)).astype(float)
    found["y"] = rng.integers(0, 3, len(school)).astype(float)
    found["half"] = rng.integers(0, 2, len(school))
    found["few"] = rng.integers(0, 2, len(school))
    return found


def posterior(data) -> xr.Dataset:
    """Draws around values that differ between all coefficients and groups."""
    rng = np.random.default_rng(4)
    drawn = {"beta": rng.normal(size=(*SHAPE, len(data.coefficients))) * 1e-4}
    for f in data.factors:
        drawn[f"u_{f.name}"] = rng.normal(size=(*SHAPE, len(f.levels), len(f.varying))) * 1e-3
    if data.family.mean:
        drawn |= {name: rng.uniform(1, 2, SHAPE) for name in data.family.parameter_names}
    return xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}_{i}" for i in range(np.ndim(v) - 2))), v)
            for name, v in drawn.items()
        }
    )


def found(text, outcome=GAUSSIAN, variant="hierarchical", rows=None, offset=0.0):
    """What is tested, and what it is made from."""
    rows = table() if rows is None else rows
    design = Formula(text).design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    drawn = posterior(data)
    options = {"variant": variant, "passed": True, "offset": offset, "interval": 0.9}
    got = estimates(drawn, data, **options)
    return got.set_index(["factor", "group", "quantity"]), rows, design, drawn


@pytest.mark.parametrize(
    ("text", "outcome", "weight"),
    [
        ("y ~ hours + size + kind + (1 + hours | school)", Outcome(), None),
        ("y ~ hours + size + (1 | school)", Outcome(sigma="n"), "precision"),
        ("y ~ z + size + (1 | school) + (1 + z | class)", Outcome(weights="n"), "n"),
        ("y ~ z * size + (1 + z | school)", Outcome("student_t", sigma="n"), "precision"),
        ("y ~ z + size + (1 | school)", Outcome("binomial", trials="n", offset="o"), "n"),
        ("y ~ hours + C(class) + (1 | school)", Outcome("poisson", exposure="n"), "n"),
        ("y ~ 0 + kind + (1 | school)", Outcome("negative_binomial"), None),
        # Rows that are alike are merged.
        ("y ~ half + (1 | school)", Outcome("negative_binomial"), None),
        ("y ~ half + (1 | school)", Outcome("negative_binomial", weights="n"), "n"),
        ("y ~ half + (1 | school)", Outcome("student_t"), None),
        ("y ~ half + (1 | school)", Outcome("poisson"), None),
        ("half ~ few + (1 | school)", Outcome("bernoulli"), None),
        ("half ~ few + (1 | school)", Outcome("bernoulli", weights="n"), "n"),
        ("half ~ few + (1 | school) + (1 | class)", Outcome(), None),
        ("size ~ hours + (1 | school)", Outcome("lognormal", offset="o"), None),
        ("size ~ few + (1 + few | school)", Outcome("weibull", weights="n"), "n"),
        ("size ~ half + (1 | school)", Outcome("exponential"), None),
    ],
)
def test_what_is_expected_is_at_the_mean_of_a_groups_own_rows(text, outcome, weight):
    rows = table()
    rows["precision"] = rows["n"] ** -2
    got, rows, design, drawn = found(text, outcome, rows=rows, offset=0.25)
    family = families.FAMILIES[outcome.family]

    def inverse(eta):
        own = [name for name in family.parameter_names if name in drawn]
        return family.expected(eta, {name: drawn[name].values.ravel() for name in own})

    for factor in design.factors:
        u = drawn[f"u_{factor.name}"].values.reshape(-1, len(factor.levels), len(factor.varying))
        beta = drawn["beta"].values.reshape(len(u), -1)
        for group in range(0, len(factor.levels), 5):
            own = factor.index == group
            by = np.ones(own.sum()) if weight is None else rows.loc[own, weight]
            at = np.average(design.select_columns(design.coefficients)[own], axis=0, weights=by)
            varying = np.average(design.select_columns(factor.varying)[own], axis=0, weights=by)
            population = beta @ at + 0.25
            eta = population + u[:, group] @ varying
            row = got.loc[factor.name, factor.levels[group], "expected"]
            assert row["mean"] == pytest.approx(inverse(eta).mean(), rel=1e-9)
            assert row["sd"] == pytest.approx(inverse(eta).std(), rel=1e-6)
            assert row["upper"] == pytest.approx(np.quantile(inverse(eta), 0.95), rel=1e-9)
            assert row["population"] == pytest.approx(inverse(population).mean(), rel=1e-9)


def test_a_coefficient_is_at_the_groups_own_value_of_what_it_interacts_with():
    text = "y ~ hours * size + kind * hours + z + (1 + hours | school)"
    got, rows, design, drawn = found(text)
    of_school = rows.groupby("school")[["size", "kind"]].first()
    beta = dict(zip(design.coefficients, drawn["beta"].mean(("chain", "draw")).values, strict=True))
    u = drawn["u_school"].mean(("chain", "draw")).values[:, 1]
    for group, own in zip(design.factors[0].levels, u, strict=True):
        size, public = of_school.loc[group, "size"], of_school.loc[group, "kind"] == "public"
        slope = beta["hours"] + beta["hours:size"] * size + beta["kind[public]:hours"] * public
        row = got.loc["school", group, "coefficient"]
        assert row["coefficient"] == "hours"
        assert row["mean"] == pytest.approx(slope + own, rel=1e-6)  # nothing of z, which varies
        assert row["population"] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("outcome", [Outcome(), Outcome("poisson")])
def test_an_unpooled_fit_says_nothing_of_coefficients_that_rows_do_not_determine(outcome):
    got, *_ = found("y ~ hours + (1 + hours | school)", outcome, "unpooled")
    slopes = got.xs("coefficient", level="quantity")
    alike = {f"s{school}" for school in range(0, 40, 4)} | {"s2"}  # one row, or three alike
    unknown = slopes.index[slopes["mean"].isna()].get_level_values("group")
    assert {*unknown} == alike
    assert (slopes["note"] == np.where(slopes["mean"].isna(), NOT_DETERMINED, "")).all()
    expected = got.xs("expected", level="quantity")
    assert expected["mean"].notna().all() and (expected["note"] == "").all()
    several, *_ = found("y ~ z + (1 | school) + (1 | class)", outcome, "unpooled")
    assert several["mean"].isna().all() and (several["note"] == NO_PART).all()


def test_groups_without_an_intercept_have_coefficients_alone_and_no_groups_nothing():
    got, _, design, drawn = found("y ~ z + (0 + z | school)")
    assert {*got.index.get_level_values("quantity")} == {"coefficient"}
    own = drawn["u_school"].mean(("chain", "draw")).values[:, 0]
    population = drawn["beta"].mean(("chain", "draw")).values[1]
    assert got["mean"].to_numpy() == pytest.approx(own + population)
    assert [group for _, group, _ in got.index] == list(design.factors[0].levels)
    assert found("y ~ z")[0].empty
