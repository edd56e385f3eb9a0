"""The one pass over groups, against Gram-Schmidt of each group."""

import numpy as np
import pytest

from partialpool.engine import collapse_op, group_algebra


@pytest.mark.parametrize("size", [1, 2, 4])
def test_one_pass_is_gram_schmidt_of_every_group(size):
    """Whatever is in the last block of groups, and by group or not."""
    rng = np.random.default_rng(size)
    groups, width = collapse_op.BLOCK + 3, 3
    design = np.triu(rng.normal(size=(groups, size, size))).T.swapaxes(0, 1)
    columns, mix = rng.normal(size=(size, width, groups)), rng.normal(size=(width, 2))
    scale, nothing = np.tril(rng.normal(size=(size, size))), np.zeros(0)
    for ratio, unit in ((nothing, nothing), rng.uniform(0.5, 2, (2, groups))):
        squares, log_t, *_ = collapse_op.integrate(
            *map(np.ascontiguousarray, (columns, mix, design, scale, ratio, unit))
        )
        rho, tau = (part if len(part) else np.ones(groups) for part in (ratio, unit))
        entries = [[scale[i, k] * rho for k in range(i + 1)] for i in range(size)]
        directions, triangle = group_algebra.orthogonalise(
            group_algebra.stacked(design, entries, np.ones(()), np), np
        )
        b = np.einsum("rcg,cs->srg", columns, mix) * tau
        for one, side in zip(squares, b, strict=True):
            left, _ = group_algebra.remove(directions, np.concatenate([side, np.zeros_like(side)]))
            assert one == pytest.approx((left**2).sum(), rel=1e-12)
        expected = sum(np.log(triangle[i, i]).sum() for i in range(size))
        assert float(log_t) == pytest.approx(expected, rel=1e-12)
