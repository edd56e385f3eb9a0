"""Typical values of predictors in each group."""

import numpy as np
from tables import ingested


def test_typical_values_of_each_group(frame, stored):
    """Its mean, or its most frequent value where there are two or they are labels."""
    frame["n"] = frame["n"].clip(upper=4)
    found = ingested(stored(frame), "y ~ x + k + n + C(e) + (1 | g)").groups.set_index("group")
    groups = frame[[*"yxkgne"]].dropna().groupby("g")
    np.testing.assert_allclose(found["typical x"], groups["x"].mean())
    for name in "kne":
        wanted = groups[name].agg(lambda values: values.mode().min())  # the first of several
        assert found[f"typical {name}"].astype(wanted.dtype).tolist() == wanted.tolist()
