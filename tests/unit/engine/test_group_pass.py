"""The one pass over groups, against Gram-Schmidt of each group and differences."""

import numpy as np
import pytest

from partialpool.engine import collapsed_target, group_algebra, group_pass
from partialpool.sampler import machine_code


def passed(design, columns, mix, scale, ratio, unit):
    """Products of the right-hand sides, log |T|, and their derivatives in the scale."""
    [part] = machine_code.load([collapsed_target.COLLAPSE])
    size, groups = len(design), design.shape[2]
    sides = 1 if len(mix) else columns.shape[1]
    pairs, differing = sides * (sides + 1) // 2, len(ratio)
    products, in_mix = np.zeros(pairs), np.zeros(len(mix))
    in_scale, t_in_scale = np.zeros((pairs, size, size)), np.zeros((size, size))
    in_ratio, in_unit = np.zeros((2, pairs, differing))
    log_t = group_pass.collapse(
        part.address, design, columns, mix, scale, ratio, unit,
        products, in_mix, in_scale, in_ratio, in_unit, np.zeros((size, groups)),
        t_in_scale, np.zeros(differing),
    )  # fmt: skip
    return products, log_t, in_scale, t_in_scale


@pytest.mark.parametrize("size", [1, 2, 4])
def test_one_pass_is_gram_schmidt_of_every_group(size):
    """Whatever is in the last block of groups, and by group or not."""
    rng = np.random.default_rng(size)
    groups, width = group_pass.BLOCK + 3, 3
    design = np.ascontiguousarray(np.triu(rng.normal(size=(groups, size, size))).T.swapaxes(0, 1))
    columns, mix = rng.normal(size=(size, width, groups)), rng.normal(size=width)
    scale, nothing = np.tril(rng.normal(size=(size, size))), np.zeros(0)
    for ratio, unit in ((nothing, nothing), rng.uniform(0.5, 2, (2, groups))):
        rho, tau = (part if len(part) else np.ones(groups) for part in (ratio, unit))
        entries = [[scale[i, k] * rho for k in range(i + 1)] for i in range(size)]
        directions, triangle = group_algebra.orthogonalise(
            group_algebra.stacked(design, entries, np.ones(()), np), np
        )

        def left(b, directions=directions, tau=tau):
            return group_algebra.remove(directions, np.concatenate([b * tau, 0 * b]))[0]

        products, log_t, *_ = passed(design, columns, mix, scale, ratio, unit)
        expected = (left(np.einsum("rcg,c->rg", columns, mix)) ** 2).sum()
        assert products[0] == pytest.approx(expected, rel=1e-12)
        expected = sum(np.log(triangle[i, i]).sum() for i in range(size))
        assert log_t == pytest.approx(expected, rel=1e-12)
        products, *_ = passed(design, columns, nothing, scale, ratio, unit)
        sides = [left(columns[:, i]) for i in range(width)]
        pairs = [(a, b) for a in range(width) for b in range(a, width)]
        expected = [(sides[a] * sides[b]).sum() for a, b in pairs]
        assert products == pytest.approx(expected, rel=1e-10)


def test_derivatives_in_the_scale():
    rng, nothing = np.random.default_rng(3), np.zeros(0)
    design = rng.normal(size=(2, 2, 5)) * np.triu(np.ones((2, 2)))[..., None]
    columns, scale = rng.normal(size=(2, 2, 5)), np.tril(rng.normal(size=(2, 2)))

    def values(scale):
        products, log_t, *_ = passed(design, columns, nothing, scale, nothing, nothing)
        return np.append(products, log_t)

    *_, in_scale, t_in_scale = passed(design, columns, nothing, scale, nothing, nothing)
    for i, k in ((0, 0), (1, 0), (1, 1)):
        step = np.zeros((2, 2))
        step[i, k] = 1e-6
        expected = (values(scale + step) - values(scale - step)) / 2e-6
        found = np.append(in_scale[:, i, k], t_in_scale[i, k])
        assert np.allclose(found, expected, rtol=1e-6, atol=1e-8)
