"""Data of models with sampled effects."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pandas as pd

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import collapsed_target, response_part, rows_kernel, rows_model
from partialpool.engine.sampled_target import SampledEffectsTarget
from partialpool.model.priors import complete
from partialpool.run import fingerprint
from partialpool.sampler import machine_code
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


def test_the_sources_of_a_function_are_all_modules_it_is_compiled_from():
    """Or an edit of one would leave the code that is stored as it was."""
    for code in (*collapsed_target.CODES, *rows_model.codes()):
        if code.function.__module__ == response_part.__name__:
            continue  # a text with a family's record, which imports what is not compiled
        waiting, needed = [Path(inspect.getfile(code.function))], set()
        while waiting:
            path = waiting.pop()
            if path not in needed:
                needed.add(path)
                tree = ast.parse(path.read_text(encoding="utf-8"))
                imported = (fingerprint.SCRIPTS / name for name in fingerprint._imports(tree))
                waiting += (one for one in imported if one.exists() and one.stem != "__init__")
        sources = {Path(source) for source in (*code.sources, machine_code.__file__)}
        assert needed <= sources, code.function.__qualname__
