"""Models of any family and any number of factors, whose group effects are sampled.

    eta_i = x_i beta + sum over factors f of z_fi u_f[i] + offset_i,   u_fj ~ N(0, D C D)

and the response follows its family, given eta. If the priors of D and C hold at the averages of
the predictors, u and z are those of `preconditioner.effects_basis`. Effects are partially centred,
by a working Gaussian model (`centring`). With Gaussian responses the effects of the factor with
most groups are integrated out exactly, and drawn afterwards (`one_factor_collapse`).
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import (
    group_algebra,
    one_factor_collapse,
    preconditioner,
    terms,
)
from partialpool.engine.centring import Block, EffectCoordinates
from partialpool.engine.pirls import WorkingModel
from partialpool.engine.posterior import groups, varying
from partialpool.model.priors import Priors


def model(
    data: MergedRows,
    priors: Priors,
    variant: str,
    found: WorkingModel,
    coordinates: EffectCoordinates,
) -> pm.Model:
    """The model of one variant, as a function of merged rows.

    Parameters
    ----------
    data : MergedRows
    priors : Priors
    variant : {"pooled", "unpooled", "hierarchical"}
    found : WorkingModel
        Rough values, to start from.
    coordinates : EffectCoordinates

    Returns
    -------
    pm.Model
        Deterministic `beta[coefficient]` and `u_{factor}` of every factor that is not
        integrated out, those that the priors are on; parameters of the response's distribution;
        and, if hierarchical, `sd_{factor}[{factor}_coefficient]` and `partial_cor_{factor}`.
    """
    blocks = coordinates.blocks
    collapsed = data.family.normal and bool(blocks)
    with pm.Model(coords=terms.coords(data)) as glm:
        response = _response(data, priors, found)
        scales = [terms.between_group_scale(block.factor, priors, variant) for block in blocks]
        nus = [terms.degrees_of_freedom(block.factor, priors, variant) for block in blocks]
        size = len(data.coefficients)
        glm.add_coord("coordinate", length=size + coordinates.others)
        position = pm.Flat("z", dims="coordinate")
        own, position = position[:size], position[size:]
        if coordinates.rotation is not None:
            rotation = terms.as_data("rotation", coordinates.rotation)
            position = (rotation * position[None, :]).sum(axis=1)

        begin, outside, shift = 0, 0.0, 0.0
        for block, scale, nu in zip(blocks[1:], scales[1:], nus[1:], strict=True):
            # Group by group, the order of the rotated coordinates.
            name = block.factor.name
            shape = (terms.count(name), len(block.factor.varying))
            end = begin + shape[0] * shape[1]
            z = position[begin:end].reshape(shape).T
            linear = terms.as_data(f"linear_{name}", block.linear)
            u = _effects(block, scale, nu, linear, z)
            outside += _explained(data, priors, block, u)
            # One array for each factor, since its number of groups is data.
            beta_regression = coordinates.beta_regression[:, coordinates.of_block(block)]
            beta_regression = beta_regression.reshape(size, -1, len(block.factor.varying))
            beta_regression = terms.as_data(
                f"beta_regression_{name}", np.moveaxis(beta_regression, 2, 0)
            )
            shift += sum((beta_regression[i] * u[i][None, :]).sum(axis=1) for i in range(len(u)))
            begin = end
        beta = _coefficients(data, priors, coordinates, scales, own, shift)
        design = terms.as_data("design", data.select_columns(data.coefficients).T)
        eta = (design * beta[:, None]).sum(axis=0) + outside
        if collapsed:
            left = terms.as_data("response", data.y) - eta
            scale = scales[0]
            if nus[0] is not None:
                scale = terms.stretched(blocks[0].factor, scale, nus[0])
            _integrated(data, priors, blocks[0], scale, left, response["sigma"])
            return glm
        if blocks:
            block = blocks[0]
            linear = _linear_term(block, beta)
            if len(blocks) > 1:
                linear = linear - _crossed(data, priors, block, found.weight, outside)
            name = block.factor.name
            z = pm.Flat("z_effects", dims=(varying(name), groups(name)))
            u = _effects(block, scales[0], nus[0], linear, z)
            eta = eta + _explained(data, priors, block, u)
        eta = eta + terms.as_data("offset", data.offset)
        _likelihood(data, eta, response)
    return glm


def _response(data: MergedRows, priors: Priors, rough: WorkingModel) -> dict:
    """Parameters of the response's distribution."""
    found = {}
    for name in data.family.parameter_names:
        if name == "sigma" and data.known_sigma is not None:
            found[name] = terms.as_data("known_sigma", data.known_sigma)
        else:
            found[name] = terms.bounded(name, priors.response[name], rough.response[name])
    return found


def _coefficients(data, priors, coordinates: EffectCoordinates, scales, position, shift):
    """beta and its priors; what varies by the last factor is scaled given its variances."""
    precision = coordinates.beta_precision
    if precision is not None and coordinates.last:
        root = terms.as_data("beta_precision_root", precision.root)
        rows = terms.as_data("beta_precision_rows", precision.rows)
        squares = terms.squares(root, scales[0], pt.ones(()), rows)
        squares = squares + terms.as_data("squares", precision.squares)
        triangle = group_algebra.triangle_of(squares, coordinates.last, pt)
        position = terms.unstandardise(position, triangle, coordinates.last)
    inverse = terms.as_data("inverse", coordinates.inverse)
    beta = pm.Deterministic(
        "beta",
        terms.as_data("centre", coordinates.centre)
        + (inverse * position[None, :]).sum(axis=1)
        + shift,
        dims="coefficient",
    )
    terms.prior_of_coefficients(data, priors, beta)
    return beta


def _linear_term(block: Block, beta):
    """g - H beta, shape `(varying, group)`."""
    name = block.factor.name
    beta_cross = terms.as_data(f"beta_cross_{name}", block.beta_cross)
    linear = terms.as_data(f"linear_{name}", block.linear)
    return linear - (beta_cross * beta[None, :, None]).sum(axis=1)


def _crossed(data: MergedRows, priors: Priors, block: Block, weight: np.ndarray, outside):
    """Contribution of other factors' effects to g, shape `(varying, group)`."""
    # Weights of zero rather than no such term, which would be another shape to compile.
    weight = np.zeros_like(weight) if block.is_non_centred else weight
    columns = preconditioner.effects_columns(data, priors, block.factor).T * weight
    values = terms.as_data("weighted_columns", columns) * outside
    return terms.sum_by_group(block.factor, data.index[block.position], values)


def _effects(block: Block, scale, nu, linear, z):
    """u of every group, `(varying, group)`, and its density in the coordinates z.

    Where effects are Student-t, nu is their degrees of freedom, and L of their scale matrix.
    """
    name, size = block.factor.name, len(scale)
    root = terms.as_data(f"root_{name}", block.root)
    _, triangle = group_algebra.orthogonalise(
        group_algebra.stacked(root, scale, pt.ones(()), pt), pt
    )
    c = []
    for i in range(size):
        right = sum(scale[k][i] * linear[k] for k in range(i, size))
        known = sum(triangle[k, i] * c[k] for k in range(i))
        c.append((right - known) / triangle[i, i])
    v = [None] * size
    for i in reversed(range(size)):
        known = sum(triangle[i, k] * v[k] for k in range(i + 1, size))
        v[i] = (c[i] + z[i] - known) / triangle[i, i]
    squares = sum(one**2 for one in v)
    if nu is None:
        density = -0.5 * squares
    else:
        shape = (nu + size) / 2
        density = pt.gammaln(shape) - pt.gammaln(nu / 2) - size / 2 * pt.log(nu)
        density = density - shape * pt.log1p(squares / nu)
    determinant = sum(pt.log(triangle[i, i]) for i in range(size))
    pm.Potential(f"effects_{name}", (density - determinant).sum())
    u = [sum(scale[i][k] * v[k] for k in range(i + 1)) for i in range(size)]
    if block.rotation is not None:
        rotation = terms.as_data(f"rotation_{name}", block.rotation)
        u = [(rotation * one[None, :]).sum(axis=1) for one in u]
    dims = (groups(name), varying(name))
    pm.Deterministic(f"u_{name}", pt.stack(u, axis=-1), dims=dims)
    return u


def _explained(data: MergedRows, priors: Priors, block: Block, u):
    """Contribution of effects to the linear predictor of every row."""
    name = block.factor.name
    index = terms.as_data(f"index_{name}", data.index[block.position])
    columns = preconditioner.effects_columns(data, priors, block.factor).T
    columns = terms.as_data(f"columns_{name}", columns)
    return sum(columns[i] * u[i][index] for i in range(len(u)))


def _integrated(data: MergedRows, priors: Priors, block: Block, scale, left, sigma) -> None:
    """Gaussian likelihood with the effects of one factor integrated out.

    `left` is the response minus all other terms of the linear predictor, `(row,)`, and `scale` the
    Cholesky factor of the effects' covariance.
    """
    root, directions = one_factor_collapse.orthonormalise(data, priors, block)
    index = data.index[block.position]
    products = terms.as_data("directions", directions) * left
    along = terms.sum_by_group(block.factor, index, products)
    index = terms.as_data("index_collapsed", index)
    within = left - sum(
        terms.as_data(f"direction_{i}", directions[i]) * along[i][index] for i in range(len(scale))
    )
    root = terms.as_data("root_collapsed", root)
    squares = ((within / sigma) ** 2).sum()
    squares += terms.squares(root, scale, sigma, along[:, None]).sum()
    determinant = terms.log_determinant(root, scale, sigma)
    pm.Potential("likelihood", -0.5 * squares - determinant - terms.gaussian_constant(data, sigma))


def _likelihood(data: MergedRows, eta, response: dict) -> None:
    y = terms.as_data("response", data.y)
    if data.family.normal:
        sigma = response["sigma"]
        squares = (((y - eta) / sigma) ** 2).sum()
        pm.Potential("likelihood", -0.5 * squares - terms.gaussian_constant(data, sigma))
        return
    trials = terms.as_data("trials", data.trials)
    density = data.family.kernel(y, eta, response, trials, pt)
    total = (terms.as_data("count", data.count) * density).sum()
    pm.Potential("likelihood", total + terms.as_data("constant", data.constant))
