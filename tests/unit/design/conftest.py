"""A table with columns of several kinds, and three grouping columns."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    n = 60
    x = rng.uniform(2, 8, size=n)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": x,
            "twice": 2 * x + 1,
            "floor": rng.integers(0, 2, size=n),
            "period": np.arange(n) % 3 + 1,
            "kind": np.array(["a", "b", "c"])[rng.integers(0, 3, size=n)],
            "my column": x**2,
            "county": np.array(["01", "2", "10"])[np.arange(n) % 3],
            "town": np.array(["1", "2"])[np.arange(n) // 3 % 2],
            "arm": np.array(["drug", "placebo"])[np.arange(n) % 2],
        }
    )
