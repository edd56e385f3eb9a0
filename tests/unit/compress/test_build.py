"""Compressed rows say what the rows say, in whatever parts they come."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build, group_triangles
from partialpool.design.formula import Formula
from partialpool.engine import pirls, preconditioner
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome


def table(rows=60, offset=0.0) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=rows) + offset
    return pd.DataFrame(
        {
            "g": rng.choice(["a", "b", "c", "d"], rows),
            "x": x,
            "z": rng.normal(size=rows),
            "y": x - offset + rng.normal(size=rows),
            "se": rng.uniform(0.5, 2, rows),
            "o": rng.normal(size=rows),
            "w": rng.choice([0.5, 1, 2, 3], rows),
            "z2": rng.uniform(0.1, 40, rows),
        }
    )


def compressed(rows: pd.DataFrame, sigma="estimated", formula="y ~ x + z + (1 + x | g)", **columns):
    design = Formula(formula).design(rows)
    outcome = Outcome(sigma=sigma, **columns)
    return design, build.compress(design, outcome, families.columns(rows, outcome))


COLUMNS = [
    {},
    {"sigma": "se"},
    {"weights": "w", "offset": "o"},
    {"precision_weights": "z2", "weights": "w"},
]


@pytest.mark.parametrize("columns", COLUMNS, ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_residual_norms_are_those_of_the_rows(offset, columns):
    given = table(offset=offset)
    design, data = compressed(given, **columns)
    beta = np.array([1.0 - 2 * offset, 2.0, 0.5])
    residual = design.y - design.matrix @ beta
    if "offset" in columns:
        residual = residual - given["o"]
    if "sigma" in columns:
        residual = residual / given["se"]
    if "precision_weights" in columns:
        residual = residual * np.sqrt(given["z2"])
    weights = given["w"] if "weights" in columns else np.ones(60)
    for index, level in enumerate(data.levels):
        at = design.factors[0].groups == level
        rows = (weights * residual**2)[at].sum()
        triangle = data.triangle[index]
        assert ((triangle[:, -1] - triangle[:, :-1] @ beta) ** 2).sum() == pytest.approx(
            rows, rel=1e-8
        )
        assert np.allclose(triangle, np.triu(triangle))
        assert data.rows[index] == weights[at].sum()
    assert data.rows.sum() == weights.sum()
    assert data.known_sigma == (1 if "sigma" in columns else None)


@pytest.mark.parametrize(
    "columns", [{}, {"sigma": "se"}, {"offset": "o"}, {"precision_weights": "z2"}], ids=str
)
def test_a_row_of_weight_two_is_the_row_twice(columns):
    rows = table()
    twice = rows["z"] > 0
    _, weighted = compressed(rows.assign(w=1 + twice.astype(float)), weights="w", **columns)
    _, doubled = compressed(pd.concat([rows, rows[twice]], ignore_index=True), **columns)
    for one, other in zip(weighted.triangle, doubled.triangle, strict=True):
        assert one.T @ one == pytest.approx(other.T @ other, rel=1e-12, abs=1e-10)
    assert (weighted.rows == doubled.rows).all()
    assert weighted.log_jacobian == pytest.approx(doubled.log_jacobian, rel=1e-12)
    assert weighted.mean == pytest.approx(doubled.mean, rel=1e-12)
    assert weighted.sd == pytest.approx(doubled.sd, rel=1e-12)
    assert weighted.response_mean == pytest.approx(doubled.response_mean, rel=1e-12)
    assert weighted.response_sd == pytest.approx(doubled.response_sd, rel=1e-12)
    assert weighted.mean_precision == pytest.approx(doubled.mean_precision, rel=1e-12)
    assert priors.complete({}, weighted) == priors.complete({}, doubled)


@pytest.mark.parametrize(
    "columns",
    [{"sigma": "se"}, {"sigma": "se", "weights": "w"}, {"weights": "w", "precision_weights": "z2"}],
    ids=str,
)
def test_parts_merge_to_the_whole_in_any_order(columns):
    rows = table()
    _, whole = compressed(rows, **columns)
    parts = rows[:15], rows[15:40], rows[40:]
    first, second, third = (compressed(part, **columns)[1] for part in parts)
    for merged in (
        build.merge([first, second, third]),
        build.merge([third, build.merge([second, first])]),
    ):
        assert merged.factors == whole.factors
        assert (merged.rows == whole.rows).all()
        np.testing.assert_allclose(merged.triangle, whole.triangle, rtol=1e-10, atol=1e-10)
        assert merged.log_jacobian == pytest.approx(whole.log_jacobian)
        assert list(merged.sd.values()) == pytest.approx(list(whole.sd.values()))
        assert merged.response_mean == pytest.approx(whole.response_mean)
        assert merged.response_sd == pytest.approx(whole.response_sd)
        assert merged.mean_precision == pytest.approx(whole.mean_precision)


def test_precision_weights_have_no_unit_but_that_of_sigma():
    rows = table()
    _, one = compressed(rows, precision_weights="z2")
    _, four = compressed(rows.assign(z2=4 * rows["z2"]), precision_weights="z2")
    assert four.triangle == pytest.approx(2 * one.triangle)
    assert four.log_jacobian == pytest.approx(one.log_jacobian + one.rows * np.log(2))
    defaults, scaled = priors.complete({}, one), priors.complete({}, four)
    assert (scaled.beta, scaled.sd) == (defaults.beta, defaults.sd)
    sigma, doubled = (p.response["sigma"].parameters["sigma"] for p in (defaults, scaled))
    assert doubled == pytest.approx(2 * sigma, rel=1e-3)
    assert sigma == pytest.approx(one.response_sd * rows["z2"].mean() ** 0.5, rel=1e-3)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 | g) + (1 | h)"])
def test_rough_sigmas_are_in_the_unit_of_the_precision_weights(formula):
    """Inverse squares of standard errors of millions are as good as any."""
    rows = table().assign(h=np.arange(60) % 5)
    found = []
    for unit in (1.0, 1e-14):
        _, data = compressed(
            rows.assign(z2=unit * rows["z2"]), formula=formula, precision_weights="z2"
        )
        if isinstance(data, group_triangles.GroupTriangles):
            found.append(
                np.append(np.exp(preconditioner.log_group_sigma(data)), preconditioner.sigma(data))
            )
        else:
            solved = pirls.solve(data, priors.complete({}, data), "hierarchical")
            found.append(np.array([solved.response["sigma"]]))
    assert found[1] == pytest.approx(1e-7 * found[0], rel=0.01)
