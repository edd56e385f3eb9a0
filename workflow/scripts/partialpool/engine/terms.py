"""Terms shared by the PyMC models: coefficients, between-group scales, and their priors."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import group_algebra, preconditioner
from partialpool.engine.posterior import groups, varying
from partialpool.model.description import GroupingFactor, ModelDescription
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior, Priors


def as_data(name: str, values):
    """Register an array as pm.Data, an input of the compiled graph, with a reserved name."""
    # C order: code is compiled for each memory layout.
    return pm.Data(f"{name} (data)", np.asarray(values, order="C"))


def count(factor: str):
    """Number of a factor's groups, symbolic."""
    return pm.modelcontext(None).dim_lengths[groups(factor)]


def coords(data: ModelDescription) -> dict:
    """Coordinates of every dim of the model."""
    found = {"coefficient": list(data.coefficients)}
    for factor in data.factors:
        found[groups(factor.name)] = list(factor.levels)
        found[varying(factor.name)] = list(factor.varying)
    return found


def coefficients(data: ModelDescription, priors: Priors, coordinates, squares_of, sigma):
    """Population-level coefficients beta and their priors, preconditioned.

    NUTS samples z, a linear map of beta in which an approximate posterior is N(0, I), so that
    collinear predictors and predictors far from zero are no harder than others. Coefficients that
    vary by group are scaled by their conditional precision at the current variances, which removes
    the funnel between a mean and its between-group sd.
    """
    z = standardised = pm.Flat("z", shape=len(data.coefficients))
    if squares_of is not None:
        precision = (as_data("within_precision", coordinates.within) / sigma**2).sum(axis=-1)
        precision += as_data("prior_precision", coordinates.prior_precision)
        precision += squares_of(as_data("touched", coordinates.touched))
        triangle = group_algebra.triangle_of(precision, coordinates.last, pt)
        standardised = unstandardise(z, triangle, coordinates.last)
    inverse = as_data("inverse", coordinates.inverse)
    explained = (inverse * standardised[None, :]).sum(axis=1)
    beta = pm.Deterministic(
        "beta", as_data("centre", coordinates.centre) + explained, dims="coefficient"
    )
    # The map from beta to what the priors are on has determinant one.
    prior_of_coefficients(data, priors, beta)
    return beta


def squares(design, scale, sigma, columns):
    """|r|^2 / sigma^2 of columns, `(varying, column, group)`, summed over groups.

    r is what is left of a column where the effects, whose design is S and whose covariance has the
    Cholesky factor L, are integrated out: see `collapse`.
    """
    stacked = group_algebra.stacked(design, scale, sigma, pt)
    directions, _ = group_algebra.orthogonalise(stacked, pt)
    left, _ = group_algebra.remove([one[:, None] for one in directions], padded(columns))
    return ((left / sigma) ** 2).sum(axis=(0, 2))


def log_determinant(design, scale, sigma):
    """Sum of log |T| over groups, in units of sigma: see `collapse`."""
    stacked = group_algebra.stacked(design, scale, sigma, pt)
    _, triangle = group_algebra.orthogonalise(stacked, pt)
    return sum(pt.log(triangle[i, i] / sigma).sum() for i in range(len(scale)))


def unstandardise(z, triangle, size: int):
    """Map standard normal positions to those of beta, whose last `size` vary by group.

    Given the variances, the conditional of the last positions in the working model is normal with
    mean R^-1 r and covariance (R'R)^-1. The Jacobian is added to the model.

    Parameters
    ----------
    z : TensorVariable
        Positions of the sampler, standard normal in the working model.
    triangle : dict of (int, int) to TensorVariable
        [R, r]: see `group_algebra.triangle_of`.
    size : int
    """
    if not size:
        return z
    first, found = z.shape[0] - size, [None] * size
    for row in reversed(range(size)):
        others = sum(triangle[row, k] * found[k] for k in range(row + 1, size))
        found[row] = (z[first + row] + triangle[row, size] - others) / triangle[row, row]
    pm.Potential("spread", -sum(pt.log(triangle[row, row]) for row in range(size)))
    return pt.concatenate([z[:first], pt.stack(found)])


def prior_of_coefficients(data: ModelDescription, priors: Priors, beta) -> None:
    """Add the priors of beta; that of the Intercept may be at the averages of the predictors."""
    on, *_ = preconditioner.prior_rows(data, priors)
    on = (as_data("prior_on", on) * beta[None, :]).sum(axis=1)
    for family in dict.fromkeys(prior.family for prior in priors.beta.values()):
        chosen = {name: prior for name, prior in priors.beta.items() if prior.family == family}
        index = [data.coefficients.index(name) for name in chosen]
        given = arguments(f"prior_{family}", list(chosen.values()))
        distribution = getattr(pm, FAMILIES[family].pymc).dist(**given)
        pm.Potential(f"prior_{family}", pm.logp(distribution, on[index]).sum())


def padded(rows):
    """Append as many rows of zeros: b = [e; 0]."""
    return pt.concatenate([rows, pt.zeros_like(rows)], axis=0)


def between_group_scale(factor: GroupingFactor, priors: Priors, variant: str):
    """Cholesky factor L of the covariance of u, `[row][column]`; its priors are added.

    If effects are Student-t, that of their scale matrix. u are the deviations that the priors are
    on: see `preconditioner.effects_basis`.
    """
    partial = {}
    if variant == "unpooled":
        sd = as_data(f"wide_{factor.name}", list(priors.wide[factor.name].values()))
    else:
        dims = varying(factor.name)
        prior = list(priors.sd[factor.name].values())
        start = preconditioner.between_sd(priors, factor.name, variant)
        sd = bounded(f"sd_{factor.name}", prior, start, dims)
        if factor.name in priors.cor:
            partial = _partial_correlations(factor, priors.cor[factor.name])
    return group_algebra.effects_scale(sd, partial, len(factor.varying), pt)


def degrees_of_freedom(factor: GroupingFactor, priors: Priors, variant: str):
    """Degrees of freedom nu of Student-t effects; None if effects are normal."""
    if variant != "hierarchical" or factor.name not in priors.nu:
        return None
    return bounded(f"nu_{factor.name}", priors.nu[factor.name], 8.0)


def stretched(factor: GroupingFactor, scale, nu):
    """L of each group, times its mixing factor: effects given it are normal."""
    by_group = stretch(factor, nu)
    return [[by_group * entry for entry in row] for row in scale]


def stretch(factor: GroupingFactor, nu):
    """Mixing factor of each group, which multiplies L and makes normal effects Student-t.

    1 / factor^2 is Gamma(nu / 2, nu / 2). Its logarithm is sampled in units of its own sd at this
    nu, about sqrt(2 / nu), or nu and the factors of all groups would form a funnel.
    """
    z = pm.Flat(f"stretch_{factor.name}", dims=groups(factor.name))
    spread = pt.sqrt(2 / nu + 2 / nu**2)
    log_precision = -1 / nu + spread * z
    shape = nu / 2
    density = shape * pt.log(shape) - pt.gammaln(shape) + pt.log(spread)
    logp = density + shape * (log_precision - pt.exp(log_precision))
    pm.Potential(f"density of stretch_{factor.name}", logp.sum())
    return pm.Deterministic(
        f"scale_{factor.name}", pt.exp(-0.5 * log_precision), dims=groups(factor.name)
    )


def _partial_correlations(factor: GroupingFactor, prior: Prior):
    """LKJ prior of each block through canonical partial correlations, each 2 Beta - 1."""
    found = group_algebra.partial_correlations(factor.blocks, *prior.arguments)
    shapes = as_data(f"partial_cor_shape_{factor.name}", list(found.values()))
    symmetric = pm.Beta(f"partial_cor_{factor.name}", shapes, shapes, shape=len(found))
    return {pair: 2 * symmetric[i] - 1 for i, pair in enumerate(found)}


def bounded(name, priors, rough, dims=None):
    """A free parameter with the support of its prior, or a vector of positive ones."""
    one = isinstance(priors, Prior)
    families = {prior.family for prior in ([priors] if one else priors)}
    shape = () if one else (len(priors),)
    initial = np.broadcast_to(rough, shape)
    if len(families) == 1:
        variable = getattr(pm, FAMILIES[families.pop()].pymc)
        return variable(name, **arguments(name, priors), dims=dims, initval=initial)
    free = pm.HalfFlat(name, dims=dims, initval=initial)
    for index, prior in enumerate(priors):
        distribution = getattr(pm, FAMILIES[prior.family].pymc).dist(
            **arguments(f"{name}_{index}", prior)
        )
        pm.Potential(f"prior of {name} {index}", pm.logp(distribution, free[index]))
    return free


def arguments(name, priors) -> dict:
    """PyMC's arguments of one prior or a list; as data, so that no number is compiled."""
    if isinstance(priors, Prior):
        found = priors.parameters
    else:
        found = {key: [prior.parameters[key] for prior in priors] for key in priors[0].parameters}
    return {key: as_data(f"{name}_{key}", np.array(values, float)) for key, values in found.items()}


def sum_by_group(factor: GroupingFactor, index: np.ndarray, values):
    """Sum `values`, `(varying, row)`, over the rows of each group: `(varying, group)`."""
    index = as_data(f"summed_{factor.name}", index)
    zeros = pt.zeros(count(factor.name))
    return pt.stack(
        [
            pt.inc_subtensor(zeros[index], values[i], ignore_duplicates=False)
            for i in range(len(factor.varying))
        ]
    )


def gaussian_constant(data: MergedRows, sigma):
    """Terms of the negative Gaussian log likelihood of merged rows that are free of residuals."""
    rows = as_data("rows", data.cells.sum())
    return rows * pt.log(sigma) - as_data("constant", data.constant)
