"""Check: what the model says of the data before and after it has seen them."""

import numpy as np
import xarray as xr

from partialpool.formula import Design
from partialpool.models import collapse
from partialpool.predict import Draws
from partialpool.priors import Priors

REPLICATES = 500  # predictive draws kept
ROWS = 2_000  # rows replicated; a stated random subset of larger tables


def check(
    posterior: xr.Dataset,
    design: Design,
    centre: dict[str, float],
    priors: Priors,
    variant: str,
    *,
    sigma,
    standard_errors=None,
    seed: int,
) -> xr.DataTree:
    """Replicate the table from the prior and from the posterior.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Of the fitted table.
    centre : dict of str to float
        Mean of each column, where a default prior of the Intercept is.
    priors : Priors
    variant : str
    sigma : str or float
        As in the config.
    standard_errors : numpy.ndarray, optional
        Shape `(row,)`.
    seed : int

    Returns
    -------
    xarray.DataTree
        `prior_predictive` and `posterior_predictive`, `y` with dims `(chain, draw,
        row)`; `observed_data`. Attributes `rows` and `rows_replicated`.
    """
    rng = np.random.default_rng([seed, 3])
    total = len(design.y)
    rows = np.arange(total)
    if total > ROWS:
        rows = np.sort(rng.choice(total, ROWS, replace=False))

    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    draws = Draws(posterior, design, thin=max(1, count // REPLICATES))
    spread = draws.sigma(rows, standard_errors)
    eta = draws.expected(rows)
    after = eta + spread * rng.standard_normal(eta.shape)
    before = _prior(design, rows, centre, priors, variant, sigma, standard_errors, rng)
    coords = {"chain": [0], "row": rows}

    def group(replicates):
        return xr.Dataset({"y": (("chain", "draw", "row"), replicates.T[None])}, coords=coords)

    tree = xr.DataTree.from_dict(
        {
            "prior_predictive": group(before),
            "posterior_predictive": group(after),
            "observed_data": xr.Dataset({"y": ("row", design.y[rows])}, coords={"row": rows}),
        }
    )
    tree.attrs |= {"variant": variant, "rows": total, "rows_replicated": len(rows)}
    return tree


def _prior(design, rows, centre, priors: Priors, variant, sigma, standard_errors, rng):
    """Draws of the rows from the prior alone, `(row, draw)`."""
    beta = np.column_stack([priors.beta[c].draw(rng, REPLICATES) for c in design.coefficients])
    if priors.centred:
        slopes = [i for i, name in enumerate(design.coefficients) if name != "Intercept"]
        away = beta[:, slopes] @ [centre[design.coefficients[i]] for i in slopes]
        beta[:, design.coefficients.index("Intercept")] -= away
    population = [design.columns.index(name) for name in design.coefficients]
    eta = design.matrix[rows][:, population] @ beta.T

    group = np.searchsorted(design.levels, design.groups[rows])
    if design.varying and variant != "pooled":
        u = _prior_deviations(design, priors, variant, rng)
        varying = design.matrix[rows][:, : len(design.varying)]
        eta += np.einsum("ri,sri->rs", varying, u[:, group])
    if standard_errors is not None:
        spread = standard_errors[rows][:, None]
    elif sigma == "by_group":
        spread = priors.sigma.draw(rng, (len(design.levels), REPLICATES))[group]
    elif sigma == "estimated":
        spread = priors.sigma.draw(rng, REPLICATES)
    else:
        spread = float(sigma)
    return eta + spread * rng.standard_normal(eta.shape)


def _prior_deviations(design: Design, priors: Priors, variant: str, rng) -> np.ndarray:
    """u from its prior, `(draw, group, varying)`."""
    size = len(design.varying)
    pairs = collapse.partial_pairs(size)
    if variant == "unpooled":
        sd = np.tile([priors.wide[name] for name in design.varying], (REPLICATES, 1))
        partial = dict.fromkeys(pairs, np.zeros(REPLICATES))
    else:
        sd = np.column_stack([priors.sd[name].draw(rng, REPLICATES) for name in design.varying])
        shapes = collapse.partial_shapes(size, *priors.cor.arguments) if pairs else []
        partial = {
            pair: 2 * rng.beta(shape, shape, REPLICATES) - 1
            for pair, shape in zip(pairs, shapes, strict=True)
        }
    correlation = collapse.cholesky(partial, np)
    v = rng.standard_normal((size, REPLICATES, len(design.levels)))
    rows = [
        sd[:, i, None] * sum(np.reshape(entry, (-1, 1)) * v[k] for k, entry in enumerate(row))
        for i, row in enumerate(correlation)
    ]
    return np.stack(rows, axis=-1)
