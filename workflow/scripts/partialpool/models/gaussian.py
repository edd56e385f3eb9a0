"""The Gaussian model with one grouping factor, compressed and collapsed.

For row i of group j, with population-level columns x and varying columns z,

    y_i ~ N(x_i beta + z_i u_j, sigma^2),   u_j ~ N(0, D C D),

D the between-group sds and C their correlations. The three variants are this
model with one switch: D is zero (pooled), fixed wide (unpooled) or learned
(hierarchical). u is integrated out before sampling, so NUTS sees a handful of
well-behaved parameters however many rows and groups there are.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from partialpool.compress import Compressed
from partialpool.models import collapse, rough
from partialpool.priors import FAMILIES, Prior, Priors

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


def model(data: Compressed, priors: Priors, variant: str) -> pm.Model:
    """The model of one variant, as a function of compressed data.

    Parameters
    ----------
    data : Compressed
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
    varying = 0 if variant == "pooled" else len(data.varying)
    triangles = collapse.Triangles.split(data, varying)
    coordinates = rough.Coordinates.of(data, priors, triangles, variant)
    coords = {"coefficient": data.coefficients}
    if data.factor:
        coords |= {data.factor: data.levels, f"{data.factor}_coefficient": data.varying}

    with pm.Model(coords=coords) as gaussian:
        sigma = _residual_sd(data, priors)
        directions = []
        if varying:
            scale = _between_group_scale(data, priors, variant)
            design = pm.Data("design", triangles.design)
            directions, triangle = collapse.orthogonalise(
                collapse.stacked(design, scale, sigma, pt), pt
            )
            determinant = sum(pt.log(triangle[i, i] / sigma) for i in range(varying))
            pm.Potential("determinant", -determinant.sum())
        beta = _coefficients(data, priors, coordinates, directions, sigma)

        within = _residual(beta, "within", triangles.within)
        squares = ((within / sigma) ** 2).sum()
        if varying:
            between = _residual(beta, "between", triangles.between)
            left, _ = collapse.remove(directions, _padded(between))
            squares += ((left / sigma) ** 2).sum()
        rows = pm.Data("rows", triangles.rows)
        pm.Potential("likelihood", -0.5 * squares - (rows * (pt.log(sigma) + LOG_SQRT_2PI)).sum())
        if data.log_jacobian.any():
            pm.Potential("standard_errors", pm.Data("log_jacobian", data.log_jacobian.sum()))
    return gaussian


def _residual(beta, name, rows):
    """Response minus what the coefficients explain, for rows of triangles."""
    predictors = pm.Data(f"{name}_predictors", rows[:, :-1])
    explained = (predictors * beta[None, :, None]).sum(axis=1)
    return pm.Data(f"{name}_response", rows[:, -1]) - explained


def _padded(rows):
    """Rows of [S L], with zeros beside the rows of sigma I."""
    return pt.concatenate([rows, pt.zeros_like(rows)], axis=0)


def _coefficients(data, priors, coordinates: rough.Coordinates, directions, sigma):
    """beta and its priors.

    NUTS moves in z, a linear map of beta: one in which a rough posterior is N(0, I),
    so that collinear predictors and predictors far from zero are no harder than
    others; and in which a coefficient that varies by group has the spread it has at
    these variances, so that there is no funnel.
    """
    z = pm.Flat("z", shape=len(data.coefficients))
    rounded = z
    if directions:
        turned = pm.Data("turned", coordinates.turned)
        information = (pm.Data("information", coordinates.information) / sigma**2).sum(axis=-1)
        information += pm.Data("prior_information", coordinates.prior_information)
        count = len(coordinates.prior_information)
        for k in range(count):
            left, _ = collapse.remove(directions, _padded(turned[:, k]))
            information = pt.inc_subtensor(information[k], ((left / sigma) ** 2).sum())
        pm.Potential("spread", -0.5 * pt.log(information).sum())
        first = len(data.coefficients) - count
        rounded = pt.concatenate([z[:first], z[first:] / pt.sqrt(information)])
    inverse = pm.Data("inverse", coordinates.inverse)
    explained = (inverse * rounded[None, :]).sum(axis=1)
    beta = pm.Deterministic(
        "beta", pm.Data("centre", coordinates.centre) + explained, dims="coefficient"
    )
    # The map from beta to what the priors are on has determinant one.
    on = (pm.Data("prior_on", coordinates.on) * beta[None, :]).sum(axis=1)
    for family in dict.fromkeys(prior.family for prior in priors.beta.values()):
        chosen = {name: prior for name, prior in priors.beta.items() if prior.family == family}
        index = [data.coefficients.index(name) for name in chosen]
        arguments = _arguments(f"prior_{family}", list(chosen.values()))
        distribution = getattr(pm, FAMILIES[family].pymc).dist(**arguments)
        pm.Potential(f"prior_{family}", pm.logp(distribution, on[index]).sum())
    return beta


def _residual_sd(data: Compressed, priors: Priors):
    """sigma: known, one for all, or one for each group."""
    if data.known_sigma is not None:
        return pm.Data("known_sigma", data.known_sigma)
    if data.sigma == "by_group":
        return _positive("sigma", [priors.sigma] * len(data.levels), rough.sigma(data), data.factor)
    return _positive("sigma", priors.sigma, rough.sigma(data))


def _between_group_scale(data: Compressed, priors: Priors, variant: str):
    """Lower triangle L of the Cholesky factor of u's covariance, as rows of entries."""
    pairs = collapse.partial_pairs(len(data.varying))
    if variant == "unpooled":
        sd = pm.Data("wide", list(priors.wide.values()))
        partial = dict.fromkeys(pairs, 0.0)
    else:
        dims = f"{data.factor}_coefficient"
        prior = list(priors.sd.values())
        sd = _positive(f"sd_{data.factor}", prior, rough.between_sd(priors, variant), dims)
        partial = _partial_correlations(data, priors, pairs) if pairs else {}
    correlation = collapse.cholesky(partial, pt)
    return [[sd[i] * entry for entry in row] for i, row in enumerate(correlation)]


def _partial_correlations(data: Compressed, priors: Priors, pairs):
    """LKJ by its canonical partial correlations, each 2 Beta - 1."""
    shapes = collapse.partial_shapes(len(data.varying), *priors.cor.arguments)
    shapes = pm.Data("partial_cor_shape", shapes)
    symmetric = pm.Beta(f"partial_cor_{data.factor}", shapes, shapes, shape=len(pairs))
    return {pair: 2 * symmetric[i] - 1 for i, pair in enumerate(pairs)}


def _positive(name, priors, rough, dims=None):
    """A free standard deviation, or a vector of them with one family of prior."""
    family = (priors if isinstance(priors, Prior) else priors[0]).family
    variable = getattr(pm, FAMILIES[family].pymc)
    shape = np.shape(priors) if dims is None else (len(priors),)
    return variable(
        name, **_arguments(name, priors), dims=dims, initval=np.broadcast_to(rough, shape)
    )


def _arguments(name, priors) -> dict:
    """PyMC's arguments of one prior or a list; as data, so that no number needs a compilation."""
    if isinstance(priors, Prior):
        return {key: pm.Data(f"{name}_{key}", value) for key, value in priors.parameters.items()}
    columns = {key: [prior.parameters[key] for prior in priors] for key in priors[0].parameters}
    return {key: pm.Data(f"{name}_{key}", values) for key, values in columns.items()}


def describe(draws: xr.Dataset, data: Compressed, priors: Priors, variant: str, rng) -> xr.Dataset:
    """Every quantity of the model from draws of its free variables.

    The deviations u are drawn here, each from its exact conditional normal.

    Parameters
    ----------
    draws : xarray.Dataset
        Free variables of :func:`model`, dims `(chain, draw, ...)`.
    data : Compressed
    priors : Priors
    variant : str
    rng : numpy.random.Generator

    Returns
    -------
    xarray.Dataset
        The same names in all variants: `beta[coefficient]`, `sigma` (unless rows
        have standard errors) and, with a grouping factor, `sd_{factor}`,
        `cor_{factor}` (two or more varying coefficients), `u_{factor}` and
        `coef_{factor}` `[{factor}, {factor}_coefficient]`.
    """
    chains, length = draws.sizes["chain"], draws.sizes["draw"]
    flat = {name: v.values.reshape(-1, *v.shape[2:]) for name, v in draws.data_vars.items()}
    count = chains * length
    out = {"beta": (("coefficient",), flat["beta"])}
    sigma = flat.get("sigma")
    if sigma is None:
        sigma = np.full(count, data.known_sigma)
    if not isinstance(data.sigma, str) or data.sigma_estimated:
        out["sigma"] = ((data.factor,) if data.sigma == "by_group" else (), sigma)

    if data.factor:
        dims = f"{data.factor}_coefficient"
        size = len(data.varying)
        sd = {
            "pooled": lambda: np.zeros((count, size)),
            "unpooled": lambda: np.tile(list(priors.wide.values()), (count, 1)),
            "hierarchical": lambda: flat[f"sd_{data.factor}"],
        }[variant]()
        partial = flat.get(f"partial_cor_{data.factor}", np.full((count, size**2), 0.5))
        pairs = collapse.partial_pairs(size)
        correlation = collapse.cholesky(
            {pair: 2 * partial[:, i] - 1 for i, pair in enumerate(pairs)}, np
        )
        out[f"sd_{data.factor}"] = ((dims,), sd)
        if size > 1:
            out[f"cor_{data.factor}"] = ((dims, f"{dims}_bis"), _correlation(correlation, count))
        if variant == "pooled":
            u = np.zeros((count, len(data.levels), size))
        else:
            scale = [[sd[:, i] * entry for entry in row] for i, row in enumerate(correlation)]
            u = collapse.draw_deviations(data, flat["beta"], scale, sigma, rng)
        population = np.zeros((count, size))
        for i, name in enumerate(data.varying):
            if name in data.coefficients:
                population[:, i] = flat["beta"][:, data.coefficients.index(name)]
        out[f"u_{data.factor}"] = ((data.factor, dims), u)
        out[f"coef_{data.factor}"] = ((data.factor, dims), population[:, None, :] + u)

    coords = {"chain": np.arange(chains), "draw": np.arange(length)}
    coords["coefficient"] = data.coefficients
    if data.factor:
        coords |= {data.factor: data.levels, dims: data.varying}
        if len(data.varying) > 1:
            coords[f"{dims}_bis"] = data.varying
    return xr.Dataset(
        {
            name: (("chain", "draw", *dim), values.reshape(chains, length, *values.shape[1:]))
            for name, (dim, values) in out.items()
        },
        coords=coords,
    )


def _correlation(factor, count) -> np.ndarray:
    """Correlation matrices from their Cholesky factors, shape `(draw, row, row)`."""
    size = len(factor)
    dense = np.zeros((count, size, size))
    for row in range(size):
        for column in range(row + 1):
            dense[:, row, column] = factor[row][column]
    product = dense @ np.swapaxes(dense, 1, 2)
    product[:, range(size), range(size)] = 1
    return product
