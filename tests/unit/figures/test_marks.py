"""Which groups are shown where there are many."""

import numpy as np
import pytest

from partialpool.figures.marks import chosen


@pytest.mark.parametrize(("count", "limit"), [(60, 16), (41, 40), (16, 16)])
def test_of_many_groups_some_of_each_size_are_chosen(count, limit):
    sizes = np.random.default_rng(2).permutation(count) + 1
    found = sizes[chosen(sizes, limit)].tolist()
    assert found == sorted({*found}) and len(found) == min(count, limit)
    third = limit // 3
    assert found[:third] == [*range(1, third + 1)]
    assert found[-third:] == [*range(count - third + 1, count + 1)]
    between = np.diff(found[third:-third])
    assert max(between) - min(between) <= 2  # evenly spread, or all of them
