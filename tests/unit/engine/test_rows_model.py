"""Data of models with sampled effects."""

import numpy as np
import pandas as pd

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import rows_kernel, rows_model
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model.priors import complete
from partialpool.study.outcome import Outcome


def test_cross_precision_is_that_of_the_working_model():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"g": rng.integers(9, size=60), "h": rng.integers(4, size=60)})
    rows["x"], rows["y"] = rng.normal(size=60), rng.poisson(2.0, 60).astype(float)
    data = build.compress(
        Formula("y ~ x + (1 + x | g) + (1 | h)").design(rows), Outcome("poisson"), {}
    )
    target = SampledEffectsTarget(data, complete({}, data), "hierarchical")
    start, at, values = rows_model.cross_precision(
        data, target.priors, target.working, target.coordinates, rows_kernel.SAMPLED
    )
    found = np.zeros((9, 2, 4))
    for group in range(9):
        for entry in range(start[group], start[group + 1]):
            found[group, :, at[entry]] = values[entry]
    working = target.working
    expected = working.precision[working.where(0), working.where(1)].toarray()
    assert np.allclose(found.reshape(18, 4), expected)
    non_centred = target.coordinates.blocks[0].non_centred()
    target.coordinates.blocks[0] = non_centred
    *_, none = rows_model.cross_precision(
        data, target.priors, working, target.coordinates, rows_kernel.SAMPLED
    )
    assert len(none) == 0


def test_all_functions_are_listed_once():
    codes = rows_model.codes()
    assert len({code.key for code in codes}) == len(codes)
