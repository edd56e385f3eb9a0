"""Rows of a compiled density: more than a block of them, and Gaussian ones."""

import numpy as np
import pytest
from compiled_models import check_gradient, model_of

from partialpool.engine import rows_kernel


@pytest.mark.parametrize("family", ["gaussian", "student_t", "negative_binomial"])
@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_gradient_of_the_parameters_of_a_family(family, variant):
    check_gradient(model_of(family, "y ~ x + (1 | g) + (1 | h)", variant))


def test_sums_by_runs_are_sums_by_group():
    rng, size = np.random.default_rng(1), 2
    index = np.repeat([0, 2, 3, 5], [40, 1, 300, 7])
    start = np.searchsorted(index, np.arange(7))
    columns, slope = rng.normal(size=(size, len(index))), rng.normal(size=256)
    for begin, end in ((0, 256), (256, len(index))):
        by_run, by_group = np.zeros((2, 12))
        rows_kernel.add_by_run(by_run, begin, end, columns, index, start, slope, size)
        rows_kernel.add_by_group(by_group, begin, end, columns, index, slope, size)
        assert by_run == pytest.approx(by_group, abs=1e-12)
        eta, other = np.zeros((2, 256))
        effects = rng.normal(size=12)
        rows_kernel.add_linear(eta, begin, end, columns, index, effects, size)
        rows_kernel.add_linear_of_runs(other, begin, end, columns, index, start, effects, size)
        assert np.array_equal(eta, other)
