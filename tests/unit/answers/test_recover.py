"""True values are compared with the estimates of every variant."""

import pandas as pd

from partialpool.answers import recover


def test_recovery_has_a_row_for_each_truth_that_is_estimated():
    """Held against each variant's own interval, whose ends are in it."""
    summary = pd.DataFrame(
        {"name": ["a", "b", "c"], "mean": [0.0, 1, 2], "lower": [-1.0, 0, 1], "upper": [1.0, 2, 3]}
    )
    other = summary.iloc[:2].assign(lower=[0.5, 0.0])
    truth = {"a": 0.5, "b": -0.1, "c": 9.0, "d": 1.0}
    table = recover.recover(truth, {"pooled": summary, "unpooled": other.assign(sd=1.0)})
    assert table.to_dict("list") == {
        "variant": ["pooled"] * 3 + ["unpooled"] * 2,
        "name": ["a", "b", "c", "a", "b"],
        "truth": [0.5, -0.1, 9.0, 0.5, -0.1],
        "mean": [0.0, 1, 2, 0, 1],
        "lower": [-1.0, 0, 1, 0.5, 0],
        "upper": [1.0, 2, 3, 1, 2],
        "covered": [True, False, False, True, False],
    }
