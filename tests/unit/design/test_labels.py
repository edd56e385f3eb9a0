"""The limit of labels of a term."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from partialpool.base.errors import UserError
from partialpool.design import labels
from partialpool.design.formula import Formula


@pytest.mark.parametrize(
    ("term", "count"),
    [
        *(("a", 3), ("b", 4), ("a:b", 12), ("C(w)", 5), ("a:C(w)", 15), ("x:b", 4)),
        *(("a + b", 4), ("a + b + C(w)", 5), ("a*b", 12), ("a:b + b:C(w)", 20)),
        *(("x + (a | g)", 3), ("a + (0 + b | g)", 4), ("x", 1), ("a:b + a + b + C(w)", 12)),
    ],
)
def test_the_number_of_labels_of_each_term_is_limited(monkeypatch, term, count):
    """Combinations of an interaction are counted; groups are not."""
    every = product("rst", "jklm", range(5), range(2))
    found = pd.DataFrame(every, columns=["a", "b", "w", "x"])
    found["g"] = np.resize([f"g{i}" for i in range(30)], len(found))
    found["y"] = np.random.default_rng(2).normal(size=len(found))
    formula = Formula(f"y ~ {term}")
    monkeypatch.setattr(labels, "MAX_LABELS", count)
    formula.design(found)
    if count > 1:
        monkeypatch.setattr(labels, "MAX_LABELS", count - 1)
        with pytest.raises(UserError, match=f"has {count} labels; {count - 1} are possible"):
            formula.design(found)
