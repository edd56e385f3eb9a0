"""The Gaussian model with one grouping factor, compressed and collapsed.

For row i of group j, with population-level columns x and varying columns z,

    y_i ~ N(x_i beta + z_i u_j, sigma^2),   u_j ~ N(0, D C D),

D the between-group sds and C their correlations. The three variants are this
model with one switch: D is zero (pooled), fixed wide (unpooled) or learned
(hierarchical). u is integrated out before sampling, so NUTS sees a handful of
well-behaved parameters however many rows and groups there are.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from partialpool.compress import Compressed
from partialpool.models import collapse
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
    rough = Rough.of(data, priors, triangles)
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
        beta = _coefficients(data, priors, rough, directions, sigma)

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


def _coefficients(data: Compressed, priors: Priors, rough: "Rough", directions, sigma):
    """beta and its priors.

    NUTS moves in z, a linear map of beta: one in which a rough posterior is N(0, I),
    so that collinear predictors and predictors far from zero are no harder than
    others; and in which a coefficient that varies by group has the spread it has at
    these variances, so that there is no funnel.
    """
    z = pm.Flat("z", shape=len(data.coefficients))
    inverse = pm.Data("rough_inverse", rough.inverse)
    rounded = z
    if directions:
        first = len(data.coefficients) - rough.information.shape[0]
        turned = pm.Data("turned", rough.turned)
        information = (pm.Data("information", rough.information) / sigma**2).sum(axis=-1)
        information += pm.Data("prior_information", rough.prior_information)
        for k in range(rough.turned.shape[1]):
            left, _ = collapse.remove(directions, _padded(turned[:, k]))
            information = pt.inc_subtensor(information[k], ((left / sigma) ** 2).sum())
        pm.Potential("spread", -0.5 * pt.log(information).sum())
        rounded = pt.concatenate([z[:first], z[first:] / pt.sqrt(information)])
    centre = pm.Data("rough_centre", rough.centre)
    beta = pm.Deterministic(
        "beta", centre + (inverse * rounded[None, :]).sum(axis=1), dims="coefficient"
    )
    # The map from beta to what the priors are on has determinant one.
    on = (pm.Data("prior_on", rough.on) * beta[None, :]).sum(axis=1)
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


@dataclass(frozen=True)
class Rough:
    """Coordinates in which beta's posterior is near N(0, I), from rough variances.

    They decide how fast the sampler is, not what it draws. They are found by
    generalised least squares with the priors as further rows; coefficients that vary
    by group come last, so that each set of coordinates speaks of its own.

    Attributes
    ----------
    centre : numpy.ndarray
        Shape `(coefficient,)`: beta there.
    inverse : numpy.ndarray
        `(coefficient, coefficient)`: beta = centre + inverse @ rounded.
    on : numpy.ndarray
        `(coefficient, coefficient)`, determinant one: what the priors are on, from beta.
    turned : numpy.ndarray
        `(varying, varying, group)`: the rows that u touches, times the columns of
        `inverse` of the varying coefficients.
    information : numpy.ndarray
        `(varying, stratum)`: squared length of the other rows, times the same.
    prior_information : numpy.ndarray
        `(varying,)`: and of the priors.
    """

    centre: np.ndarray
    inverse: np.ndarray
    on: np.ndarray
    turned: np.ndarray
    information: np.ndarray
    prior_information: np.ndarray

    @classmethod
    def of(cls, data: Compressed, priors: Priors, triangles: collapse.Triangles) -> "Rough":
        """From compressed data, split for a variant."""
        varies = len(triangles.design) > 0
        last = [c for c in data.varying if c in data.coefficients] if varies else []
        order = [c for c in data.coefficients if c not in last] + last
        index = [data.coefficients.index(name) for name in order]

        on = np.eye(len(index))
        if priors.centred:
            on[data.coefficients.index("Intercept")] = [data.mean[c] for c in data.coefficients]
        chosen = [priors.beta[name] for name in data.coefficients]
        location = np.array([p.parameters[FAMILIES[p.family].location] for p in chosen])
        scale = np.array([p.arguments[-1] for p in chosen])

        sigma = _rough_sigma(data) if data.known_sigma is None else data.known_sigma
        systems = [
            _flat(triangles.within) / sigma,
            np.column_stack([on, location]) / scale[:, None],
        ]
        if varies:
            sd = np.diag(_rough_between_sd(data, priors))
            directions, _ = collapse.orthogonalise(
                collapse.stacked(triangles.design, sd, sigma, np), np
            )
            padded = np.concatenate([triangles.between, np.zeros_like(triangles.between)])
            left, _ = collapse.remove([d[:, None] for d in directions], padded)
            systems.append(_flat(left) / sigma)
        rows = np.concatenate(systems)[:, [*index, -1]]
        factor = np.linalg.qr(rows, mode="r")
        inverse = np.zeros_like(on)
        inverse[index] = np.linalg.inv(factor[:-1, :-1])
        centre = inverse @ factor[:-1, -1]

        of_varying = inverse[:, len(order) - len(last) :]

        def turn(rows):
            return np.einsum("rcg,ck->rkg", rows[:, :-1], of_varying)

        return cls(
            centre=centre,
            inverse=inverse,
            on=on,
            turned=turn(triangles.between),
            information=(turn(triangles.within) ** 2).sum(axis=0),
            prior_information=((on @ of_varying / scale[:, None]) ** 2).sum(axis=0),
        )


def _flat(system: np.ndarray) -> np.ndarray:
    """From `(row, column, group)` to `(rows of all groups, column)`."""
    return np.moveaxis(system, 1, -1).reshape(-1, system.shape[1])


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
