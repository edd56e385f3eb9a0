"""Compressed data of either class, and its description, read from a file."""

import numpy as np
import pandas as pd
import pytest

from partialpool.base import files
from partialpool.compress import build, compressed_file
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize(
    ("formula", "family", "kind"),
    [
        ("y ~ x", "gaussian", GroupTriangles),
        ("y ~ x + (1 | g)", "gaussian", GroupTriangles),
        ("y ~ x + (1 | g) + (1 | h)", "gaussian", MergedRows),
        ("y ~ x + (1 | g/h)", "gaussian", MergedRows),
        ("y ~ x + (1 | g)", "student_t", MergedRows),
        ("y ~ x", "poisson", MergedRows),
    ],
)
def test_a_file_has_the_class_of_its_model_and_all_of_its_values(formula, family, kind, tmp_path):
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"y": rng.poisson(3, 60), "x": rng.integers(0, 3, 60) / 2})
    rows["g"], rows["h"] = rng.choice(["ü", "v:w", "007"], 60), rng.choice(list("pq"), 60)
    data = build.compress(Formula(formula).design(rows), Outcome(family), {})
    assert type(data) is kind
    files.write_netcdf(tmp_path / "compressed.nc", data.to_dataset())
    again = compressed_file.from_dataset(files.read_netcdf(tmp_path / "compressed.nc"))
    assert type(again) is kind
    for name, value in vars(data).items():
        found = getattr(again, name)
        assert type(found) is type(value) and np.array_equal(value, found), name
    description = compressed_file.read_description(tmp_path / "compressed.nc")
    assert description.to_dict() == data.to_dict()
