"""Prior and posterior predictive replicates of the response."""

import json

import numpy as np
import xarray as xr

from partialpool.answers import prior_conflict
from partialpool.answers.predictor import Predictor
from partialpool.answers.prior_predictive import SIMULATED, PriorPredictive
from partialpool.base.streams import Stream
from partialpool.design.design import Design
from partialpool.model.description import ModelDescription
from partialpool.model.priors import Priors

REPLICATES = 500  # predictive draws kept
ROWS = 2_000  # rows replicated; a stated random subset of larger tables


def check(
    posterior: xr.Dataset,
    design: Design,
    numbers: np.ndarray,
    data: ModelDescription,
    values: dict[str, np.ndarray],
    priors: Priors,
    variant: str,
    *,
    seed: int,
) -> xr.DataTree:
    """Replicate the table from the prior and from the posterior.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Of the fitted table, or of a random subset of its rows.
    numbers : numpy.ndarray
        Shape `(row,)`: the numbers of these rows in the table.
    data : ModelDescription
        The compressed data of the fit.
    values : dict of str to numpy.ndarray
        The outcome's columns, from `families.columns`.
    priors : Priors
    variant : str
    seed : int

    Returns
    -------
    xarray.DataTree
        `prior_predictive` and `posterior_predictive`, `y` with dims `(chain, draw,
        row)`; `observed_data`. Attributes `rows`, `rows_replicated` and `warnings`, a JSON
        list of sentences about priors of the config that conflict with the data.
    """
    rng = np.random.default_rng([seed, Stream.PREDICTIVE_CHECKS])
    rows = np.arange(len(design.y))
    if len(rows) > ROWS:
        rows = np.sort(rng.choice(len(rows), ROWS, replace=False))

    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    thin = max(1, count // REPLICATES)
    draws = Predictor(posterior, design, data.outcome, values, thin=thin)
    after = draws.responses(rng, rows, draws.linear_predictor(rows))
    table = PriorPredictive(draws, design, rows, data, variant)
    before = table.simulate(priors, rng)
    kept = before["y"][:, :: SIMULATED // REPLICATES]
    coords = {"chain": [0], "row": numbers[rows]}

    def group(replicates):
        return xr.Dataset({"y": (("chain", "draw", "row"), replicates.T[None])}, coords=coords)

    tree = xr.DataTree.from_dict(
        {
            "prior_predictive": group(kept),
            "posterior_predictive": group(after),
            "observed_data": xr.Dataset(
                {"y": ("row", design.y[rows])}, coords={"row": numbers[rows]}
            ),
        }
    )
    tree.attrs |= {"variant": variant, "rows": data.total, "rows_replicated": len(rows)}
    warnings = prior_conflict.conflicts(table, before, priors, rng)
    warnings += prior_conflict.far_from_the_data(design, data, priors, variant)
    tree.attrs["warnings"] = json.dumps(warnings)
    return tree
