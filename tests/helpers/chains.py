"""Draws of a fit, made by hand, for tests of what judges them."""

import numpy as np
import xarray as xr


def posterior() -> xr.Dataset:
    """2,000 independent draws of five kinds of parameters; a group has a comma in its label."""
    rng = np.random.default_rng(1)
    scale = np.arange(6).reshape(3, 2) * 10.0
    correlation = np.ones((4, 500, 2, 2))
    correlation[..., 0, 1] = correlation[..., 1, 0] = rng.uniform(-1, 1, (4, 500))
    return xr.Dataset(
        {
            "beta": (("chain", "draw", "coefficient"), rng.normal(size=(4, 500, 2))),
            "sigma": (("chain", "draw"), rng.normal(size=(4, 500))),
            "sd_g": (("chain", "draw", "g_coefficient"), np.zeros((4, 500, 2))),
            "cor_g": (("chain", "draw", "g_coefficient", "g_coefficient_bis"), correlation),
            "coef_g": (
                ("chain", "draw", "g", "g_coefficient"),
                scale + rng.normal(size=(4, 500, 3, 2)),
            ),
        },
        coords={
            "coefficient": ["Intercept", "x"],
            "g": ["a", "b, c", "d"],
            "g_coefficient": ["Intercept", "x"],
            "g_coefficient_bis": ["Intercept", "x"],
        },
    )


def statistics() -> xr.Dataset:
    """Statistics of a sampler without fault."""
    rng = np.random.default_rng(2)
    return xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((4, 500), dtype=bool)),
            "energy": (("chain", "draw"), rng.normal(size=(4, 500))),
        }
    )
