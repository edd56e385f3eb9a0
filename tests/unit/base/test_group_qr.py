"""QR decomposition of the rows of many groups at once."""

import numpy as np

from partialpool.base import group_qr


def test_each_group_has_the_triangle_of_its_rows(monkeypatch):
    """Also with few groups at once, groups without rows, and fewer rows than columns."""
    rng = np.random.default_rng(1)
    rows, group = rng.normal(size=(60, 3)), rng.choice([0, 1, 1, 1, 3], 60)
    rows, group = np.vstack([rows, rng.normal(size=(2, 3))]), np.append(group, [4, 4])
    for batch in (group_qr.BATCH, 1):
        monkeypatch.setattr(group_qr, "BATCH", batch)
        found = group_qr.factor_groups(rows, group, 5)
        assert found.shape == (5, 3, 3)
        for number, triangle in enumerate(found):
            own = rows[group == number]
            np.testing.assert_allclose(triangle.T @ triangle, own.T @ own, atol=1e-12)
            assert (np.diagonal(triangle) >= 0).all()
            assert (np.tril(triangle, -1) == 0).all()
    assert not found[2].any()
