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
from partialpool.models import collapse
from partialpool.priors import FAMILIES, Prior, Priors


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
        Free variables `beta[coefficient]`; `sigma` (scalar or by group) unless it
        is known; and, if hierarchical, `sd_{factor}[{factor}_coefficient]` and
        `partial_cor_{factor}` where two or more coefficients vary.
    """
    varying = [] if variant == "pooled" else data.varying
    triangles = collapse.Triangles.split(data, len(varying))
    coords = {"coefficient": data.coefficients, "rounded": data.coefficients}
    if data.factor:
        coords |= {data.factor: data.levels, f"{data.factor}_coefficient": data.varying}

    with pm.Model(coords=coords) as gaussian:
        beta = _coefficients(data, priors, varying)
        sigma = _residual_sd(data, priors)
        scale = _between_group_scale(data, priors, variant) if varying else []

        rows = pm.Data("rows", triangles.rows)
        within = _residual(beta, triangles.within_response, triangles.within_predictors, "within")
        pm.Potential(
            "within_groups",
            -0.5 * ((within**2).sum(axis=0) / sigma**2).sum()
            - (rows * (pt.log(sigma) + 0.5 * np.log(2 * np.pi))).sum(),
        )
        if varying:
            design = pm.Data("between_design", triangles.design)
            residual = _residual(beta, triangles.response, triangles.predictors, "between")
            columns = collapse.stacked(design, scale, sigma, pt)
            b = pt.concatenate([residual, pt.zeros_like(residual)], axis=0)
            triangle, _, rest = collapse.orthogonalise(columns, b, pt)
            determinant = sum(pt.log(triangle[i, i] / sigma) for i in range(len(varying)))
            pm.Potential("between_groups", -(determinant + 0.5 * rest / sigma**2).sum())
        if data.log_jacobian.any():
            pm.Potential("standard_errors", pm.Data("log_jacobian", data.log_jacobian.sum()))
    return gaussian


def _residual(beta, response, predictors, name):
    """Rows of the triangles minus what the coefficients explain."""
    predictors = pm.Data(f"{name}_predictors", predictors)
    explained = (predictors * beta[None, :, None]).sum(axis=1)
    return pm.Data(f"{name}_response", response) - explained


def _coefficients(data: Compressed, priors: Priors, varying):
    """beta, sampled in coordinates in which a rough posterior is N(0, I).

    They are a fixed linear map of beta, so the priors stay priors of beta. NUTS
    then meets neither collinear predictors nor one that is far from zero.
    """
    location, triangle = _rough_posterior(data, priors, varying)
    location = pm.Data("rough_location", location)
    inverse = pm.Data("rough_inverse", np.linalg.inv(triangle))
    rounded = pm.Flat("rounded_beta", dims="rounded")
    beta = pm.Deterministic(
        "beta", location + (inverse * rounded[None, :]).sum(axis=1), dims="coefficient"
    )
    # The map from beta to what the priors are on has determinant one.
    on = (pm.Data("prior_on", _prior_on(data, priors)) * beta[None, :]).sum(axis=1)
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
        return _positive(
            "sigma", [priors.sigma] * len(data.levels), _rough_sigma(data), data.factor
        )
    return _positive("sigma", priors.sigma, _rough_sigma(data))


def _between_group_scale(data: Compressed, priors: Priors, variant: str):
    """Lower triangle L of the Cholesky factor of u's covariance, as rows of entries."""
    size, dims = len(data.varying), f"{data.factor}_coefficient"
    if variant == "unpooled":
        sd = pm.Data(f"wide_{data.factor}", list(priors.wide.values()))
        partial = dict.fromkeys(collapse.partial_pairs(size), 0.0)
    else:
        sd = _positive(
            f"sd_{data.factor}", list(priors.sd.values()), _rough_between_sd(data, priors), dims
        )
        partial = {}
    if not partial and size > 1:
        shapes = pm.Data("partial_cor_shape", collapse.partial_shapes(size, *priors.cor.arguments))
        # LKJ by its canonical partial correlations, each 2 Beta - 1.
        pairs = collapse.partial_pairs(size)
        symmetric = pm.Beta(f"partial_cor_{data.factor}", shapes, shapes, shape=len(pairs))
        partial = {pair: 2 * symmetric[i] - 1 for i, pair in enumerate(pairs)}
    correlation = collapse.cholesky(partial, pt)
    return [[sd[i] * entry for entry in row] for i, row in enumerate(correlation)]


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


def _prior_on(data: Compressed, priors: Priors) -> np.ndarray:
    """Matrix from beta to the coefficients as the priors see them, `(coefficient, coefficient)`."""
    on = np.eye(len(data.coefficients))
    if priors.centred:
        on[data.coefficients.index("Intercept")] = [data.mean[c] for c in data.coefficients]
    return on


def _rough_posterior(data: Compressed, priors: Priors, varying):
    """Mean and triangular precision factor of beta's posterior at rough variances.

    Generalised least squares with the priors as further rows. What it says
    decides how fast the sampler is, not what it draws.
    """
    triangles = collapse.Triangles.split(data, len(varying))
    rough = _rough_sigma(data) if data.known_sigma is None else data.known_sigma
    within = np.column_stack(
        [
            np.moveaxis(triangles.within_predictors, -1, 0).reshape(-1, len(data.coefficients)),
            np.moveaxis(triangles.within_response, -1, 0).reshape(-1),
        ]
    )
    systems = [within / rough]
    between_sd = _rough_between_sd(data, priors)
    if varying:
        scaled = triangles.design * between_sd[None, :, None]
        scaled = np.moveaxis(scaled, -1, 0)
        identity = rough**2 * np.eye(len(varying))
        cholesky = np.linalg.cholesky(scaled @ np.swapaxes(scaled, 1, 2) + identity)
        between = np.concatenate([triangles.predictors, triangles.response[:, None]], axis=1)
        whitened = np.linalg.solve(cholesky, np.moveaxis(between, -1, 0))
        systems.append(whitened.reshape(-1, len(data.coefficients) + 1))
    prior_scales = np.array([prior.arguments[-1] for prior in priors.beta.values()])
    prior_locations = np.array(
        [prior.parameters[FAMILIES[prior.family].location] for prior in priors.beta.values()]
    )
    prior = np.column_stack([_prior_on(data, priors), prior_locations])
    systems.append(prior / prior_scales[:, None])
    factor = np.linalg.qr(np.concatenate(systems), mode="r")
    triangle = factor[:-1, :-1]
    return np.linalg.solve(triangle, factor[:-1, -1]), triangle


def _rough_sigma(data: Compressed) -> float:
    """The residual sd of separate least squares in each group; half the response's without one."""
    size = len(data.varying)
    within = data.triangle[:, size:, size:]
    remaining = np.linalg.qr(within.reshape(-1, within.shape[-1]), mode="r")[-1, -1]
    freedom = data.rows.sum() - size * len(data.levels) - (len(data.columns) - size)
    if freedom < 1 or abs(remaining) < 1e-6 * data.response_sd:
        return data.response_sd / 2
    return float(abs(remaining) / np.sqrt(freedom))


def _rough_between_sd(data: Compressed, priors: Priors) -> np.ndarray:
    """One sd of the response for each sd of a predictor."""
    return 0.04 * np.array(list(priors.wide.values()))


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
            out[f"cor_{data.factor}"] = ((dims, f"{dims}_bis"), _product(correlation, count))
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


def _product(factor, count) -> np.ndarray:
    """L L' for every draw from the entries of L, shape `(draw, row, row)`."""
    size = len(factor)
    dense = np.zeros((count, size, size))
    for row in range(size):
        for column in range(row + 1):
            dense[:, row, column] = factor[row][column]
    return dense @ np.swapaxes(dense, 1, 2)
