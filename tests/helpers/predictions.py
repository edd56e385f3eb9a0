"""Predictions and contrasts of hand-made posteriors."""

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.answers import contrasts, predict
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome

TABLE = pd.DataFrame(
    {
        "g": np.repeat(["a", "b", "c"], 4),
        "x": np.tile([0.0, 1.0, 2.0, 4.0], 3),
        "y": np.arange(12.0) ** 1.5,
        "h": np.tile(["p", "q"], 6),
        "n": np.repeat([7.0, 10, 14], 4),
    }
)
FORMULA = Formula("y ~ x + (1 + x | g)")
SHAPE = (4, 2500)
GAUSSIAN = Outcome()


def dataset(coords=None, **variables) -> xr.Dataset:
    """A posterior whose variables are the same in every draw, unless they have draws."""
    found = {}
    for name, (dims, values) in variables.items():
        values = np.asarray(values, dtype=float)
        if values.shape[:2] != SHAPE:
            values = np.broadcast_to(values, (*SHAPE, *values.shape))
        found[name] = (("chain", "draw", *dims), values)
    return xr.Dataset(found, coords=coords)


def posterior() -> xr.Dataset:
    """Draws of a varying intercept and slope, of three groups."""
    beta = [1, 2] + 0.1 * np.random.default_rng(1).normal(size=(*SHAPE, 2))
    return dataset(
        beta=(["coefficient"], beta),
        sigma=([], 0.7),
        sd_g=(["g_coefficient"], [2.0, 0.5]),
        cor_g=(["g_coefficient", "g_coefficient_bis"], [[1, 0.6], [0.6, 1]]),
        u_g=(["g", "g_coefficient"], [[3.0, 0.0], [0.0, 1.0], [-3.0, -1.0]]),
    )


def predicted(
    posterior, rows, variant="hierarchical", outcome=GAUSSIAN, formula=FORMULA, **options
):
    """Predictions of rows by a fit of `TABLE`."""
    rows = pd.DataFrame(rows)
    defaults = {"passed": True, "interval": 0.9, "seed": 3}
    design = formula.design(TABLE).for_rows(rows)
    options = defaults | options
    return predict.predict(posterior, rows, design, outcome, variant=variant, **options)


def contrasted(posterior, rows, pairs, outcome=GAUSSIAN, formula=FORMULA, **options):
    """Contrasts of pairs of rows by a fit of `TABLE`."""
    rows = pd.DataFrame(rows)
    design = formula.design(TABLE).for_rows(rows)
    defaults = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 3}
    return contrasts.contrast(posterior, rows, design, outcome, pairs, **defaults | options)
