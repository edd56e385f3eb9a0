"""Any family and any number of factors: group effects stay in the model.

    eta_i = x_i beta + sum over factors f of z_fi u_f[i] + offset_i,   u_fj ~ N(0, D C D)

and the response follows its family, given eta. Where the priors of D and C hold at the averages
of the predictors, u and z are those of `rough.effects_basis`. NUTS moves in coordinates of a
Gaussian model close to this one (`coordinates`), so that effects are centred as far as each
group's rows decide them. With Gaussian responses the effects of the factor with most groups are
integrated out exactly, and drawn afterwards.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import collapse, collapse_op, pirls, preconditioner, terms
from partialpool.engine.centring import Block, EffectCoordinates
from partialpool.engine.pirls import WorkingModel
from partialpool.engine.posterior import SampledParameters
from partialpool.model.priors import Priors

MOSTLY = 0.9  # of what decides a group's effect: called centred, or what is left non-centred


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
    found : Working
        Rough values, to start from.
    coordinates : EffectCoordinates
        Where effects are centred, and how far.

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
        glm.add_coord("coordinate", length=size + coordinates.outer)
        position = pm.Flat("z", dims="coordinate")
        own, position = position[:size], position[size:]
        if coordinates.rotation is not None:
            rotation = terms.as_data("rotation", coordinates.rotation)
            position = (rotation * position[None, :]).sum(axis=1)

        begin, outside, shift = 0, 0.0, 0.0
        for block, scale, nu in zip(blocks[1:], scales[1:], nus[1:], strict=True):
            # Group by group, as the coordinates are turned.
            name = block.factor.name
            shape = (terms.count(name), len(block.factor.varying))
            end = begin + shape[0] * shape[1]
            z = position[begin:end].reshape(shape).T
            natural = terms.as_data(f"natural_{name}", block.natural)
            u = _effects(block, scale, nu, natural, z)
            outside += _explained(data, priors, block, u)
            # In an array of its own for each factor, as how many groups there are is data.
            beta_regression = coordinates.beta_regression[:, coordinates.of_block(block)]
            beta_regression = beta_regression.reshape(size, -1, len(block.factor.varying))
            beta_regression = terms.as_data(
                f"beta_regression_{name}", np.moveaxis(beta_regression, 2, 0)
            )
            shift += sum((beta_regression[i] * u[i][None, :]).sum(axis=1) for i in range(len(u)))
            begin = end
        beta = _coefficients(data, priors, coordinates, scales, own, shift)
        design = terms.as_data("design", data.of_columns(data.coefficients).T)
        eta = (design * beta[:, None]).sum(axis=0) + outside
        if collapsed:
            left = terms.as_data("response", data.y) - eta
            scale = scales[0]
            if nus[0] is not None:
                scale = terms.stretched(blocks[0].factor, scale, nus[0])
            _collapsed(data, priors, blocks[0], scale, left, response["sigma"])
            return glm
        if blocks:
            block = blocks[0]
            natural = _natural(block, beta)
            if len(blocks) > 1:
                natural = natural - _crossed(data, priors, block, found.weight, outside)
            name = block.factor.name
            z = pm.Flat("z_effects", dims=(terms.varying(name), terms.groups(name)))
            u = _effects(block, scales[0], nus[0], natural, z)
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
            found[name] = terms.positive(name, priors.response[name], rough.response[name])
    return found


def _coefficients(data, priors, coordinates: EffectCoordinates, scales, position, shift):
    """beta and its priors; what varies by the inner factor follows its variances."""
    informed = coordinates.informed
    if informed is not None and coordinates.last:
        root = terms.as_data("informed", informed.root)
        groups = collapse_op.CollapsedGroups(root, scales[0], pt.ones(()))
        squares = groups.squares(terms.as_data("turned", informed.turned))
        squares = squares + terms.as_data("squares", informed.squares)
        triangle = collapse.triangle_of(squares, coordinates.last, pt)
        position = terms.spread(position, triangle, coordinates.last)
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


def _natural(block: Block, beta):
    """g - H beta, shape `(varying, group)`."""
    name = block.factor.name
    on_beta = terms.as_data(f"on_beta_{name}", block.on_beta)
    natural = terms.as_data(f"natural_{name}", block.natural)
    return natural - (on_beta * beta[None, :, None]).sum(axis=1)


def _crossed(data: MergedRows, priors: Priors, block: Block, weight: np.ndarray, outside):
    """What the effects of other factors take from g, shape `(varying, group)`."""
    # A weight of zero rather than no such term, which would be another shape to compile.
    weight = np.zeros_like(weight) if block.is_non_centred else weight
    columns = preconditioner.effects_columns(data, priors, block.factor).T * weight
    return _summed(data, block, terms.as_data("weighted_columns", columns) * outside)


def _summed(data: MergedRows, block: Block, values):
    """Sums over the rows of each group, `(varying, group)`."""
    index = terms.as_data(f"summed_{block.factor.name}", data.index[block.position])
    zeros = pt.zeros(terms.count(block.factor.name))
    return pt.stack(
        [
            pt.inc_subtensor(zeros[index], values[i], ignore_duplicates=False)
            for i in range(len(block.factor.varying))
        ]
    )


def _effects(block: Block, scale, nu, natural, z):
    """u of every group, `(varying, group)`, and its density in the coordinates z.

    Where effects are Student-t, nu is their degrees of freedom, and L of their scale matrix.
    """
    name, size = block.factor.name, len(scale)
    root = terms.as_data(f"root_{name}", block.root)
    _, triangle = collapse.orthogonalise(collapse.stacked(root, scale, pt.ones(()), pt), pt)
    c = []
    for i in range(size):
        right = sum(scale[k][i] * natural[k] for k in range(i, size))
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
    dims = (terms.groups(name), terms.varying(name))
    pm.Deterministic(f"u_{name}", pt.stack(u, axis=-1), dims=dims)
    return u


def _explained(data: MergedRows, priors: Priors, block: Block, u):
    """What effects add to the linear predictor of every row."""
    name = block.factor.name
    index = terms.as_data(f"index_{name}", data.index[block.position])
    columns = preconditioner.effects_columns(data, priors, block.factor).T
    columns = terms.as_data(f"columns_{name}", columns)
    return sum(columns[i] * u[i][index] for i in range(len(u)))


def _likelihood(data: MergedRows, eta, response: dict) -> None:
    y = terms.as_data("response", data.y)
    if data.family.normal:
        squares = (((y - eta) / response["sigma"]) ** 2).sum()
        pm.Potential("likelihood", -0.5 * squares - _normalised(data, response["sigma"]))
        return
    trials = terms.as_data("trials", data.trials)
    density = data.family.kernel(y, eta, response, trials, pt)
    total = (terms.as_data("count", data.count) * density).sum()
    pm.Potential("likelihood", total + terms.as_data("constant", data.constant))


def _normalised(data: MergedRows, sigma):
    rows = terms.as_data("rows", data.cells.sum())
    return rows * pt.log(sigma) - terms.as_data("constant", data.constant)


def _collapsed(data: MergedRows, priors: Priors, block: Block, scale, left, sigma) -> None:
    """The Gaussian likelihood with one factor's effects integrated out; see `collapse`."""
    root, directions = _orthonormal(data, priors, block)
    along = _summed(data, block, terms.as_data("directions", directions) * left)
    size = len(scale)
    index = terms.as_data("index_collapsed", data.index[block.position])
    within = left - sum(
        terms.as_data(f"direction_{i}", directions[i]) * along[i][index] for i in range(size)
    )
    columns = collapse.stacked(terms.as_data("root_collapsed", root), scale, sigma, pt)
    orthogonal, triangle = collapse.orthogonalise(columns, pt)
    remaining, _ = collapse.remove(orthogonal, terms.padded(along))
    squares = ((within / sigma) ** 2).sum() + ((remaining / sigma) ** 2).sum()
    determinant = sum(pt.log(triangle[i, i] / sigma).sum() for i in range(size))
    pm.Potential("likelihood", -0.5 * squares - determinant - _normalised(data, sigma))


def _orthonormal(data: MergedRows, priors: Priors, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """QR of each group's varying columns: R `(varying, varying, group)`, Q `(varying, row)`."""
    index, groups = data.index[block.position], len(block.factor.levels)
    columns = list(preconditioner.effects_columns(data, priors, block.factor).T.copy())
    lengths = [np.sqrt(np.bincount(index, one**2, groups)) for one in columns]
    size = len(columns)
    root, directions = np.zeros((size, size, groups)), np.zeros((size, len(index)))
    for i in range(size):
        length = np.sqrt(np.bincount(index, columns[i] ** 2, groups))
        # A column that is a multiple of those before, in this group, adds nothing.
        length = np.where(length > 1e-10 * lengths[i], length, 0.0)
        root[i, i] = length
        directions[i] = np.divide(
            columns[i], length[index], out=np.zeros(len(index)), where=length[index] > 0
        )
        for k in range(i + 1, size):
            root[i, k] = np.bincount(index, directions[i] * columns[k], groups)
            columns[k] = columns[k] - directions[i] * root[i, k][index]
    return root, directions


def deviations(
    draws: SampledParameters, data: MergedRows, coordinates: EffectCoordinates, rng
) -> dict[str, np.ndarray]:
    """Deviations of the coefficients by factor, `(draw, group, varying)`.

    They were sampled, or are drawn where they were integrated out.
    """
    found = _deviations(draws, data, coordinates, rng)
    factors = (block.factor for block in coordinates.blocks)
    return {factor.name: found[factor.name] @ draws.basis(factor).T for factor in factors}


def _deviations(
    draws: SampledParameters, data: MergedRows, coordinates: EffectCoordinates, rng
) -> dict:
    """Those that the priors are on."""
    found = {b.factor.name: draws[f"u_{b.factor.name}"] for b in coordinates.blocks[1:]}
    if not coordinates.blocks:
        return found
    block = coordinates.blocks[0]
    if not data.family.normal:
        return found | {block.factor.name: draws[f"u_{block.factor.name}"]}
    root, directions = _orthonormal(data, draws.priors, block)
    scale, sigma = draws.scale(block.factor), np.reshape(draws.sigma, (-1, 1))
    along = np.empty((len(directions), draws.count, len(block.factor.levels)))
    design = data.of_columns(data.coefficients)
    index = data.index[block.position]
    others = [
        (b, preconditioner.effects_columns(data, draws.priors, b.factor))
        for b in coordinates.blocks[1:]
    ]
    for draw in range(draws.count):
        left = data.y - design @ draws["beta"][draw]
        for other, columns in others:
            u = found[other.factor.name][draw][data.index[other.position]]
            left = left - (columns * u).sum(axis=1)
        for i, direction in enumerate(directions):
            along[i, draw] = np.bincount(index, direction * left, along.shape[-1])
    u = collapse.draw(root[:, :, None, :], along, scale, sigma, rng)
    return found | {block.factor.name: np.moveaxis(u, 0, -1)}


class SampledEffectsTarget:
    """How one variant is sampled: a model in coordinates, and the deviations it leaves out.

    Parameters
    ----------
    data : MergedRows
    priors : Priors
    variant : str
    found : Working, optional
        Rough values; found here unless they are given.
    non_centred : bool
        Whether effects of groups whose own rows say little are non-centred.
    """

    def __init__(
        self, data: MergedRows, priors: Priors, variant: str, found=None, non_centred=False
    ):
        self.data, self.priors, self.variant = data, priors, variant
        self.working = found or pirls.solve(data, priors, variant)
        self.coordinates = EffectCoordinates.of(data, self.working, non_centred, priors.nu)

    def model(self) -> pm.Model:
        """What NUTS draws from."""
        return model(self.data, self.priors, self.variant, self.working, self.coordinates)

    def deviations(self, draws: SampledParameters, rng) -> dict[str, np.ndarray]:
        """u by factor, `(draw, group, varying)`."""
        return deviations(draws, self.data, self.coordinates, rng)

    @property
    def parameterisation(self) -> dict[str, dict]:
        """How the effects of each factor were sampled.

        `form`, and how far its groups are centred: from 0, where their own rows say nothing
        beside what all groups say, to 1, where they say all.
        """
        found = {}
        for block in self.coordinates.blocks:
            if self.data.family.normal and block is self.coordinates.blocks[0]:
                found[block.factor.name] = {"form": "integrated out"}
                continue
            shares = block.centring(self.working.covariance[block.position])
            low, middle, high = np.quantile(shares, (0, 0.5, 1)).round(3).tolist()
            form = (
                "centred"
                if low > MOSTLY
                else "non-centred"
                if high < 1 - MOSTLY
                else "partly centred"
            )
            centring = {"lowest": low, "median": middle, "highest": high}
            found[block.factor.name] = {"form": form, "centring": centring}
        return found

    def next_attempt(self, draws: SampledParameters, attempt: int) -> "SampledEffectsTarget":
        """Other coordinates for another attempt: at this one's means, then non-centred ones too."""
        factors = self.data.factors[: len(self.working.u)]
        means = WorkingModel(
            beta=draws["beta"].mean(axis=0),
            u=[
                draws[f"u_{f.name}"].mean(axis=0) if f"u_{f.name}" in draws else u
                for f, u in zip(factors, self.working.u, strict=True)
            ],
            covariance=[draws.covariance(factor) for factor in factors],
            response={
                name: float(draws[name].mean()) if name in draws else value
                for name, value in self.working.response.items()
            },
            weight=self.working.weight,
            precision=self.working.precision,
        )
        found = pirls.at(self.data, self.priors, self.variant, means)
        return SampledEffectsTarget(
            self.data, self.priors, self.variant, found, non_centred=attempt > 1
        )
