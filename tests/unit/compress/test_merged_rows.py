"""Merged rows have the likelihood of the rows, whatever is merged and however it is stored."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from partialpool.base import files
from partialpool.compress import build, compressed_file
from partialpool.compress.merged_rows import MergedRows
from partialpool.design.formula import Formula
from partialpool.model import families, priors
from partialpool.study.outcome import Outcome

SIZE = 240
CROSSED = "y ~ x + z + (1 + x | g) + (1 | h)"
PARAMETERS = {"sigma": 1.3, "nu": 4.5, "alpha": 2.2}


def table(whole: bool) -> pd.DataFrame:
    """Rows of which many are alike."""
    rng = np.random.default_rng(21)
    eta = rng.integers(0, 4, SIZE)
    return pd.DataFrame(
        {
            "g": rng.choice(list("abcd"), SIZE),
            "h": rng.choice(["ü", "v:w", "007"], SIZE),
            "x": rng.integers(0, 3, SIZE).astype(float),
            "z": rng.choice([-0.5, 1.5], SIZE),
            "y": eta if whole else eta / 4 + rng.choice([0.0, 0.25, 60.0], SIZE, p=[0.5, 0.4, 0.1]),
            "n": rng.integers(4, 7, SIZE),
            "o": rng.choice([-0.3, 0.0, 0.8], SIZE),
            "e": rng.choice([0.5, 1.0, 3.0, 12.0], SIZE),
            "w": rng.choice([0.25, 1.0, 2.0, 3.5], SIZE),
            "se": rng.choice([0.5, 1.0, 2.0], SIZE),
            "m": rng.choice([0.1, 1.0, 30.0], SIZE),
        }
    )


OUTCOMES = [
    Outcome("bernoulli"),
    Outcome("bernoulli", offset="o"),
    Outcome("binomial", trials="n"),
    Outcome("binomial", trials="n", offset="o"),
    Outcome("poisson"),
    Outcome("poisson", exposure="e"),
    Outcome("poisson", exposure="e", offset="o"),
    Outcome("negative_binomial"),
    Outcome("negative_binomial", exposure="e", offset="o"),
    Outcome("student_t"),
    Outcome("student_t", offset="o"),
    Outcome("student_t", sigma=0.7),
    Outcome("student_t", sigma="se", offset="o"),
    Outcome("student_t", precision_weights="m"),
    Outcome("student_t", sigma=0.7, offset="o", precision_weights="m"),
    Outcome("gaussian"),
    Outcome("gaussian", sigma=0.7, offset="o"),
    Outcome("gaussian", sigma="se", offset="o"),
    Outcome("gaussian", offset="o", precision_weights="m"),
]


def named(outcome) -> str:
    sigma = f"sigma={outcome.sigma}"
    return " ".join(
        [outcome.family, sigma * families.family_of(outcome).has_sigma, *outcome.columns]
    )


def merged(outcome, formula=CROSSED, rows=None):
    """A table as it fits the outcome, its design, and its rows merged."""
    if rows is None:
        rows = table(families.FAMILIES[outcome.family].discrete)
        if outcome.family == "bernoulli":
            rows["y"] = (rows["y"] > 1).astype(int)
    design = Formula(formula).design(rows)
    return rows, design, build.merged_rows(design, outcome, families.columns(rows, outcome))


def weighted(outcome) -> Outcome:
    return Outcome(**{**vars(outcome), "weights": "w"})


def values(data, rng):
    """Values of all coefficients and deviations."""
    beta = rng.normal(0, 0.4, len(data.coefficients))
    return beta, [rng.normal(0, 0.4, (len(f.levels), len(f.varying))) for f in data.factors]


def predictor(columns, index, data, beta, deviations):
    """The linear predictor of rows without what is added to it; `columns` takes names to values."""
    eta = columns(data.coefficients) @ beta
    for factor, at, u in zip(data.factors, index, deviations, strict=True):
        eta = eta + (columns(factor.varying) * u[at]).sum(axis=1)
    return eta


def of_merged(data: MergedRows, beta, deviations) -> float:
    """Log likelihood by what a fit reads."""
    eta = predictor(data.select_columns, data.index, data, beta, deviations) + data.offset
    parameters = PARAMETERS | ({} if data.known_sigma is None else {"sigma": data.known_sigma})
    if data.outcome.family == "gaussian":
        squares = (((data.y - eta) / parameters["sigma"]) ** 2).sum()
        density = -0.5 * squares - (data.cells * np.log(parameters["sigma"])).sum()
    else:
        kernel = data.family.log_kernel(data.y, eta, parameters, data.trials)
        density = (data.count * kernel).sum()
    return float(density + data.constant)


def of_rows(rows, design, data, beta, deviations) -> float:
    """Log likelihood row by row, by scipy."""
    outcome, y = data.outcome, rows["y"]
    index = [factor.index for factor in design.factors]
    eta = predictor(design.select_columns, index, data, beta, deviations)
    if outcome.offset:
        eta = eta + rows[outcome.offset]
    mean = np.exp(eta) * (rows[outcome.exposure] if outcome.exposure else 1)
    sigma, nu, alpha = PARAMETERS.values()
    if outcome.errors:
        sigma = rows[outcome.errors]
    elif outcome.sigma != "estimated":
        sigma = outcome.sigma
    if outcome.precision_weights:
        sigma = sigma / np.sqrt(rows[outcome.precision_weights])
    density = {
        "gaussian": lambda: stats.norm(eta, sigma).logpdf(y),
        "student_t": lambda: stats.t(nu, eta, sigma).logpdf(y),
        "bernoulli": lambda: stats.bernoulli(special.expit(eta)).logpmf(y),
        "binomial": lambda: stats.binom(rows["n"], special.expit(eta)).logpmf(y),
        "poisson": lambda: stats.poisson(mean).logpmf(y),
        "negative_binomial": lambda: stats.nbinom(alpha, alpha / (alpha + mean)).logpmf(y),
    }[outcome.family]()
    return float((density * (rows[outcome.weights] if outcome.weights else 1)).sum())


@pytest.mark.parametrize("outcome", [*OUTCOMES, *map(weighted, OUTCOMES)], ids=named)
@pytest.mark.parametrize(
    "formula", [CROSSED, "y ~ x + z + (1 | g/h)", "y ~ x + (1 + z | g)", "y ~ x"]
)
def test_likelihood_is_that_of_the_rows(formula, outcome):
    rows, design, data = merged(outcome, formula)
    rng = np.random.default_rng(4)
    for _ in range(3):
        at = values(data, rng)
        assert of_merged(data, *at) == pytest.approx(of_rows(rows, design, data, *at), rel=1e-8)
    assert data.total == SIZE


@pytest.mark.parametrize(
    ("outcome", "alike"),
    [
        (Outcome("bernoulli"), ["g", "h", "x", "z"]),
        (Outcome("binomial", trials="n", offset="o"), ["g", "h", "x", "z", "o"]),
        (Outcome("poisson", exposure="e", offset="o"), ["g", "h", "x", "z"]),
        (Outcome("negative_binomial", exposure="e"), ["g", "h", "x", "z", "e", "y"]),
        (Outcome("student_t"), ["g", "h", "x", "z", "y"]),
    ],
    ids=lambda value: named(value) if isinstance(value, Outcome) else "",
)
def test_rows_that_are_alike_are_one(outcome, alike):
    for kind in (outcome, weighted(outcome)):
        rows, _, data = merged(kind)
        assert len(data.y) == len(rows[alike].drop_duplicates()) < SIZE


def test_gaussian_rows_of_a_cell_are_a_triangle():
    rows = pd.concat([table(False)] * 4, ignore_index=True)
    _, _, data = merged(Outcome("gaussian"), rows=rows.assign(x=rows["x"] + np.arange(len(rows))))
    cells = rows.groupby(["g", "h"]).ngroups
    assert len(data.y) == cells * (len(data.columns) + 1)
    assert (data.cells == rows.groupby("g").size()).all()


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_a_row_of_weight_two_is_the_row_twice(outcome):
    rows, _, _ = merged(outcome)
    twice = rows["x"] > 0
    _, _, once = merged(weighted(outcome), rows=rows.assign(w=1 + twice.astype(float)))
    _, _, doubled = merged(outcome, rows=pd.concat([rows, rows[twice]], ignore_index=True))
    rng = np.random.default_rng(6)
    for _ in range(3):
        at = values(once, rng)
        assert of_merged(once, *at) == pytest.approx(of_merged(doubled, *at), rel=1e-12)
    if outcome.family != "gaussian":  # its triangles are those of other rows, up to rotations
        for name in ("matrix", "index", "y", "trials", "offset", "count"):
            assert getattr(once, name) == pytest.approx(getattr(doubled, name), rel=1e-12), name
    for name in ("mean", "sd"):
        assert getattr(once, name) == pytest.approx(getattr(doubled, name), rel=1e-12)
    assert once.response_mean == pytest.approx(doubled.response_mean, rel=1e-12)
    assert once.response_sd == pytest.approx(doubled.response_sd, rel=1e-12)
    assert priors.complete({}, once) == priors.complete({}, doubled)


@pytest.mark.parametrize("formula", [CROSSED, "y ~ x + (1 | g/h)", "y ~ x"])
@pytest.mark.parametrize("outcome", [o for o in OUTCOMES if not o.offset], ids=named)
def test_it_is_the_same_after_the_file(outcome, formula, tmp_path):
    _, _, data = merged(weighted(outcome), formula)
    files.write_netcdf(tmp_path / "compressed.nc", data.to_dataset())
    stored = files.read_netcdf(tmp_path / "compressed.nc")
    for again in (MergedRows.from_dataset(data.to_dataset()), compressed_file.from_dataset(stored)):
        assert type(again) is MergedRows
        for name, value in vars(data).items():
            found = getattr(again, name)
            if isinstance(value, np.ndarray):
                assert found.shape == value.shape, name
                assert found.dtype == value.dtype, name
                assert (found == value).all(), name
            else:
                assert (type(found), found) == (type(value), value), name


@pytest.mark.parametrize("family", ["gaussian", "student_t", "binomial", "negative_binomial"])
def test_group_sizes_are_numbers_of_original_rows(family):
    """The groups that are diagnosed are those with the fewest and the most rows."""
    sizes = [9, 2, 30, 5]
    rows = pd.DataFrame({"g": np.repeat(list("abcd"), sizes), "y": 1, "n": 3})
    rows["y"] = np.arange(len(rows)) % 2
    outcome = Outcome(family, trials="n" if family == "binomial" else None)
    design = Formula("y ~ 1 + (1 | g)").design(rows)
    data = build.compress(design, outcome, families.columns(rows, outcome))
    times = 3 if family == "binomial" else 1
    assert data.group_sizes(0).tolist() == [times * size for size in sizes]
