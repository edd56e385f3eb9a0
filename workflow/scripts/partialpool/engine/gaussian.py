"""Gaussian model with at most one grouping factor, its group effects integrated out.

For row i of group j, with population-level columns x and varying columns z,

    y_i ~ N(x_i beta + z_i u_j, sigma^2),   u_j ~ N(0, D C D),

D the between-group sds and C their correlations. The three variants are this
model with one switch: D is zero (pooled), fixed wide (unpooled) or learned
(hierarchical). u is integrated out before sampling, so NUTS sees a handful of
well-behaved parameters however many rows and groups there are.
"""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import collapse, collapse_op, preconditioner, terms
from partialpool.engine.posterior import SampledParameters
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
    basis = effects_basis(data, priors, variant)
    varying = len(basis)
    triangles = collapse.Triangles.split(data, basis)
    start = np.diag(preconditioner.between_sd(priors, data.factor, variant)) if varying else []
    spread = preconditioner.sigma(data) if data.known_sigma is None else data.known_sigma
    coordinates = preconditioner.BetaPreconditioner.of(
        data, priors, triangles, data.varying[:varying], start, spread
    )
    with pm.Model(coords=terms.coords(data)) as gaussian:
        sigma = _residual_sd(data, priors, variant, spread)
        chosen = None
        if varying:
            factor = data.factors[0]
            scale = terms.between_group_scale(factor, priors, variant)
            nu = terms.degrees_of_freedom(factor, priors, variant)
            stretch = None if nu is None else terms.stretch(factor, nu)
            design = terms.as_data("design", triangles.design)
            groups = collapse_op.CollapsedGroups(design, scale, sigma, stretch)
            chosen = _chosen(coordinates, triangles, scale, sigma, stretch)
        beta = terms.coefficients(data, priors, coordinates, chosen, sigma)

        residual = pt.concatenate([-beta, [1.0]])
        squares, within = 0.0, triangles.within
        if varying:
            between = triangles.between
            if sigma.ndim:  # each group's rows are its own, so that all go in one pass
                between, within = np.concatenate([between, within]), None
            left, log_determinant = groups.squares_and_log_determinant(
                terms.as_data("between", between), residual[:, None]
            )
            squares += left[0]
            pm.Potential("determinant", -log_determinant)
        if within is not None:
            explained = (terms.as_data("within", within) * residual[None, :, None]).sum(axis=1)
            squares += ((explained / sigma) ** 2).sum()
        rows = terms.as_data("rows", triangles.rows)
        pm.Potential("likelihood", -0.5 * squares - (rows * (pt.log(sigma) + LOG_SQRT_2PI)).sum())
        if data.log_jacobian.any():
            pm.Potential("standard_errors", terms.as_data("log_jacobian", data.log_jacobian.sum()))
    return gaussian


def _chosen(coordinates, triangles, scale, sigma, stretch) -> collapse_op.CollapsedGroups:
    """Representative groups, for the conditional precision of beta."""
    at = terms.as_data("chosen", coordinates.chosen)
    return collapse_op.CollapsedGroups(
        terms.as_data("design of chosen", triangles.design[..., coordinates.chosen]),
        scale,
        sigma[at] if sigma.ndim else sigma,
        None if stretch is None else stretch[at],
        of="chosen",
    )


def effects_basis(data: GroupTriangles, priors: Priors, variant: str) -> np.ndarray:
    """:func:`preconditioner.effects_basis` of the factor; without rows where nothing varies."""
    if variant == "pooled" or not data.factors:
        return np.zeros((0, 0))
    return preconditioner.effects_basis(data, priors, data.factors[0])


def _residual_sd(data: GroupTriangles, priors: Priors, variant: str, start: float):
    """Residual sd sigma: known, a parameter, or one for each group."""
    if data.known_sigma is not None:
        return terms.as_data("known_sigma", data.known_sigma)
    prior = priors.response["sigma"]
    if data.outcome.has_hierarchical_sigma:
        return _pooled_sd(data, priors, variant, start)
    if data.outcome.sigma_by_group:
        return terms.positive("sigma", [prior] * len(data.levels), start, terms.groups(data.factor))
    return terms.positive("sigma", prior, start)


def _pooled_sd(data: GroupTriangles, priors: Priors, variant: str, start: float):
    """sigma of each group, log-normal around a median; log sigma is partially pooled.

    A group of n rows estimates log sigma with a variance of about 1 / 2n. It is partially centred:
    sampled in units of its conditional sd, so that neither large nor small groups form a funnel.
    """
    median = terms.positive("sigma_median", priors.response["sigma"], start)
    if variant == "pooled":
        same = median * pt.ones(terms.count(data.factor))
        return pm.Deterministic("sigma", same, dims=terms.groups(data.factor))
    if variant == "unpooled":
        spread = terms.as_data("wide_log_sigma", WIDE_LOG_SIGMA)
    else:
        spread = terms.positive("sd_log_sigma", priors.response["sd_log_sigma"], 0.3)
    z = pm.Flat("z_sigma", dims=terms.groups(data.factor))
    precision = terms.as_data("log_sigma_precision", preconditioner.log_sigma_precision(data))
    log_group = terms.as_data("log_group_sigma", preconditioner.log_group_sigma(data))
    share = precision * spread**2 / (1 + precision * spread**2)
    conditional_sd = spread / pt.sqrt(1 + precision * spread**2)
    deviation = share * (log_group - pt.log(median)) + conditional_sd * z
    density = -0.5 * (deviation / spread) ** 2 - pt.log(spread) + pt.log(conditional_sd)
    pm.Potential("sigma_density", density.sum())
    return pm.Deterministic("sigma", median * pt.exp(deviation), dims=terms.groups(data.factor))


def deviations(draws: SampledParameters, data: GroupTriangles, rng) -> dict[str, np.ndarray]:
    """Draw u of each group from its conditional normal, `(draw, group, varying)`, by factor."""
    if not data.factors or draws.variant == "pooled":
        return {}
    scale, basis = draws.group_scale(data.factors[0]), draws.basis(data.factors[0])
    drawn = collapse.draw_deviations(data, draws["beta"], scale, draws.sigma, basis, rng)
    return {data.factor: drawn}


class CollapsedTarget:
    """One variant as it is sampled: its model, and the group effects that it integrates out."""

    def __init__(self, data: GroupTriangles, priors: Priors, variant: str):
        self.data, self.priors, self.variant = data, priors, variant

    def model(self) -> pm.Model:
        """The PyMC model that NUTS samples."""
        return model(self.data, self.priors, self.variant)

    def deviations(self, draws: SampledParameters, rng) -> dict[str, np.ndarray]:
        """u by factor, `(draw, group, varying)`."""
        return deviations(draws, self.data, rng)

    def thinned_deviations(
        self, draws: SampledParameters, diagnosed: dict[str, np.ndarray], step: int, rng
    ) -> tuple[dict, dict, dict]:
        """Draw u of all groups in every `step`-th draw, and of diagnosed groups in every draw.

        Parameters
        ----------
        draws : SampledParameters
        diagnosed : dict of str to numpy.ndarray
            Positions of the groups of the factor.
        step : int
        rng : numpy.random.Generator

        Returns
        -------
        whole, thinned, every : dict of str to numpy.ndarray
            By factor, `(draw, group, varying)`: all groups in every draw, which is empty; all
            groups, thinned; diagnosed groups in every draw, equal to the thinned ones in the
            draws that both have.
        """
        few, chosen = draws.select(slice(None, None, step)), draws.of_groups(diagnosed)
        arrays = {n: getattr(draws.data, n) for n in ("triangle", "rows", "log_jacobian")}
        thinned, every = deviations(few, draws.data, rng), {}
        for name, u in thinned.items():
            at = diagnosed[name]
            data = replace(chosen.data, **{n: array[at] for n, array in arrays.items()})
            every |= deviations(chosen, data, rng)
            u[:, at] = draws.by_chain(every[name])[:, ::step].reshape(u[:, at].shape)
        return {}, thinned, every

    @property
    def parameterisation(self) -> dict[str, dict]:
        """Parameterisation of the effects of each factor."""
        factors = self.data.factors if self.variant != "pooled" else ()
        return {factor.name: {"form": "integrated out"} for factor in factors}

    def next_attempt(self, draws: SampledParameters, attempt: int) -> "CollapsedTarget":
        """The same target: it has no coordinates that draws could improve."""
        return self
