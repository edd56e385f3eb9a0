"""Gaussian model with at most one grouping factor, its group effects integrated out.

For row i of group j, with population-level columns x and varying columns z,

    y_i ~ N(x_i beta + z_i u_j, sigma^2),   u_j ~ N(0, D C D),

D the between-group sds and C their correlations. The three variants are this
model with one switch: D is zero (pooled), fixed wide (unpooled) or learned
(hierarchical). u is integrated out before sampling, so NUTS sees a handful of
well-behaved parameters however many rows and groups there are.
"""

import functools

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import preconditioner, terms
from partialpool.engine.posterior import groups
from partialpool.model.priors import WIDE_LOG_SIGMA, Priors

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


def model(data: GroupTriangles, priors: Priors, variant: str) -> pm.Model:
    """The model of one variant, as a function of compressed data.

    Parameters
    ----------
    data : GroupTriangles
    priors : Priors
    variant : {"pooled", "unpooled", "hierarchical"}

    Returns
    -------
    pm.Model
        Free variables `z`, the position of `beta[coefficient]`, which is deterministic;
        `sigma` (scalar or by group) unless it is known; and, if hierarchical,
        `sd_{factor}[{factor}_coefficient]` and `partial_cor_{factor}` where two or more
        coefficients vary.
    """
    found = preconditioner.CollapsedModel.of(data, priors, variant)
    triangles, coordinates = found.triangles, found.coordinates
    with pm.Model(coords=terms.coords(data)) as gaussian:
        sigma = _residual_sd(data, priors, variant, found.spread)
        squares_of = None
        if len(found.basis):
            factor = data.factors[0]
            scale = terms.between_group_scale(factor, priors, variant)
            nu = terms.degrees_of_freedom(factor, priors, variant)
            if nu is not None:
                scale = terms.stretched(factor, scale, nu)
            chosen = terms.as_data("chosen", coordinates.chosen)
            design = terms.as_data("design of chosen", triangles.design[..., coordinates.chosen])
            some = [[entry[chosen] if entry.ndim else entry for entry in row] for row in scale]
            spread = sigma[chosen] if sigma.ndim else sigma
            squares_of = functools.partial(terms.squares, design, some, spread)
        beta = terms.coefficients(data, priors, coordinates, squares_of, sigma)

        residual = pt.concatenate([-beta, [1.0]])
        within = terms.as_data("within", triangles.within)
        squares = (((within * residual[None, :, None]).sum(axis=1) / sigma) ** 2).sum()
        if len(found.basis):
            design = terms.as_data("design", triangles.design)
            between = terms.as_data("between", triangles.between)
            left = (between * residual[None, :, None]).sum(axis=1)[:, None]
            squares += terms.squares(design, scale, sigma, left).sum()
            pm.Potential("determinant", -terms.log_determinant(design, scale, sigma))
        rows = terms.as_data("rows", triangles.rows)
        pm.Potential("likelihood", -0.5 * squares - (rows * (pt.log(sigma) + LOG_SQRT_2PI)).sum())
        if data.log_jacobian.any():
            pm.Potential("standard_errors", terms.as_data("log_jacobian", data.log_jacobian.sum()))
    return gaussian


def _residual_sd(data: GroupTriangles, priors: Priors, variant: str, start: float):
    """Residual sd sigma: known, a parameter, or one for each group."""
    if data.known_sigma is not None:
        return terms.as_data("known_sigma", data.known_sigma)
    prior = priors.response["sigma"]
    if data.outcome.has_hierarchical_sigma:
        return _pooled_sd(data, priors, variant, start)
    if data.outcome.sigma_by_group:
        return terms.bounded("sigma", [prior] * len(data.levels), start, groups(data.factor))
    return terms.bounded("sigma", prior, start)


def _pooled_sd(data: GroupTriangles, priors: Priors, variant: str, start: float):
    """sigma of each group, log-normal around a median; log sigma is partially pooled.

    A group of n rows estimates log sigma with a variance of about 1 / 2n. It is partially centred:
    sampled in units of its conditional sd, so that neither large nor small groups form a funnel.
    """
    median = terms.bounded("sigma_median", priors.response["sigma"], start)
    if variant == "pooled":
        same = median * pt.ones(terms.count(data.factor))
        return pm.Deterministic("sigma", same, dims=groups(data.factor))
    if variant == "unpooled":
        spread = terms.as_data("wide_log_sigma", WIDE_LOG_SIGMA)
    else:
        spread = terms.bounded("sd_log_sigma", priors.response["sd_log_sigma"], 0.3)
    z = pm.Flat("z_sigma", dims=groups(data.factor))
    precision = terms.as_data("log_sigma_precision", preconditioner.log_sigma_precision(data))
    log_group = terms.as_data("log_group_sigma", preconditioner.log_group_sigma(data))
    share = precision * spread**2 / (1 + precision * spread**2)
    conditional_sd = spread / pt.sqrt(1 + precision * spread**2)
    deviation = share * (log_group - pt.log(median)) + conditional_sd * z
    density = -0.5 * (deviation / spread) ** 2 - pt.log(spread) + pt.log(conditional_sd)
    pm.Potential("sigma_density", density.sum())
    return pm.Deterministic("sigma", median * pt.exp(deviation), dims=groups(data.factor))
