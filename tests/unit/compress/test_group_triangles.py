"""Triangles of the rows of each group."""

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome


def test_without_groups_all_rows_are_one():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    design = Formula("y ~ x").design(rows)
    data = build.compress(design, Outcome(), {})
    assert (data.factor, data.varying, data.levels) == (None, (), ("all",))
    assert list(data.rows) == [60]
    [triangle] = data.triangle
    augmented = np.column_stack([design.matrix, design.y])
    assert triangle.T @ triangle == pytest.approx(augmented.T @ augmented)


def test_triangles_of_design_rows_are_those_of_their_groups():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    rows["g"] = rng.choice(list("abcd"), 60)
    design = Formula("y ~ x + (1 | g)").design(rows)
    data = build.compress(design, Outcome(), {})
    assert data.group_sizes(0).tolist() == rows.groupby("g").size().tolist()
    for number, triangle in zip((1, 2), data.design_triangles(0, 1, 3), strict=True):
        own = design.matrix[design.factors[0].index == number]
        assert triangle.T @ triangle == pytest.approx(own.T @ own)
