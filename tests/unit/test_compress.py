"""Compressed rows say what the rows say, in whatever parts they come."""

import numpy as np
import pandas as pd
import pytest

from partialpool import compress
from partialpool.formula import Formula


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
        }
    )


def compressed(rows: pd.DataFrame, sigma="estimated"):
    design = Formula("y ~ x + z + (1 + x | g)").design(rows)
    errors = rows["se"].to_numpy() if sigma == "se" else None
    return design, compress.compress(design, "y", sigma, errors)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_residual_norms_are_those_of_the_rows(offset):
    design, data = compressed(table(offset=offset))
    beta = np.array([1.0 - 2 * offset, 2.0, 0.5])
    for index, level in enumerate(data.levels):
        at = design.groups == level
        rows = ((design.y[at] - design.matrix[at] @ beta) ** 2).sum()
        triangle = data.triangle[index]
        assert ((triangle[:, -1] - triangle[:, :-1] @ beta) ** 2).sum() == pytest.approx(
            rows, rel=1e-8
        )
        assert np.allclose(triangle, np.triu(triangle))
    assert data.rows.sum() == 60


def test_parts_merge_to_the_whole_in_any_order():
    rows = table()
    _, whole = compressed(rows, "se")
    parts = rows[:15], rows[15:40], rows[40:]
    first, second, third = (compressed(part, "se")[1] for part in parts)
    for merged in (
        compress.merge(compress.merge(first, second), third),
        compress.merge(third, compress.merge(second, first)),
    ):
        assert merged.levels == whole.levels
        assert (merged.rows == whole.rows).all()
        # Triangles are unique up to the signs of their rows.
        for one, other in zip(merged.triangle, whole.triangle, strict=True):
            assert one.T @ one == pytest.approx(other.T @ other, rel=1e-10, abs=1e-10)
        assert merged.log_jacobian == pytest.approx(whole.log_jacobian)
        assert list(merged.sd.values()) == pytest.approx(list(whole.sd.values()))
        assert merged.response_sd == pytest.approx(whole.response_sd)


def test_it_is_the_same_after_the_file():
    _, data = compressed(table(), "se")
    again = compress.Compressed.from_dataset(data.to_dataset())
    for name, value in vars(data).items():
        assert np.array_equal(value, getattr(again, name)), name
