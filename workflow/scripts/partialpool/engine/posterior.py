"""Posterior draws of every quantity of a model, under the same names whatever was sampled.

Effects of very many groups are stored thinned and in single precision. R-hat and effective sample
sizes need every draw, so of the groups that are diagnosed every draw is stored as well.
"""

from dataclasses import replace

import numpy as np
import xarray as xr

from partialpool.engine import group_algebra, preconditioner
from partialpool.model.description import GroupingFactor, ModelDescription
from partialpool.model.priors import WIDE_LOG_SIGMA, Priors

LARGE = 20_000_000  # draws x effects of one factor; more are thinned to about as many
FEWEST = 100  # draws of each effect after thinning, at least


def groups(factor: str) -> str:
    """Name of a factor's dim of groups; the factor alone may be the name of a variable."""
    return f"group of {factor}"


def varying(factor: str) -> str:
    """Name of a factor's dim of varying coefficients."""
    return f"coefficient of {factor}"


class SampledParameters:
    """Draws of a model's variables, and the quantities that they determine.

    Parameters
    ----------
    sampled : xarray.Dataset
        Variables of the PyMC model, dims `(chain, draw, ...)`.
    data : ModelDescription
    priors : Priors
    variant : str
    """

    def __init__(self, sampled: xr.Dataset, data: ModelDescription, priors: Priors, variant: str):
        self._sampled, self.draw = sampled, sampled["draw"].values
        self.chains, self.length = sampled.sizes["chain"], sampled.sizes["draw"]
        self.count = self.chains * self.length
        self._flat = {n: v.values.reshape(-1, *v.shape[2:]) for n, v in sampled.data_vars.items()}
        self.data, self.priors, self.variant = data, priors, variant

    def select(self, which: slice) -> "SampledParameters":
        """Select draws of each chain."""
        return SampledParameters(
            self._sampled.isel(draw=which), self.data, self.priors, self.variant
        )

    def of_groups(self, positions: dict[str, np.ndarray]) -> "SampledParameters":
        """Select groups of the named factors."""
        levels = {
            f.name: tuple(f.levels[i] for i in positions.get(f.name, range(len(f.levels))))
            for f in self.data.factors
        }
        factors = tuple(replace(f, levels=levels[f.name]) for f in self.data.factors)
        dims = {groups(name): at for name, at in positions.items()}
        sampled = self._sampled.isel(dims, missing_dims="ignore")
        return SampledParameters(
            sampled, replace(self.data, factors=factors), self.priors, self.variant
        )

    def by_chain(self, values: np.ndarray) -> np.ndarray:
        """Reshape `(draw, ...)` to `(chain, draw, ...)`."""
        return values.reshape(self.chains, self.length, *values.shape[1:])

    def __getitem__(self, name: str) -> np.ndarray:
        """One variable, shape `(draw, ...)`."""
        return self._flat[name]

    def __contains__(self, name: str) -> bool:
        return name in self._flat

    @property
    def sigma(self) -> np.ndarray:
        """Residual sd, known or not, `(draw,)` or `(draw, group)`."""
        return self["sigma"] if "sigma" in self else np.full(self.count, self.data.known_sigma)

    def sd(self, factor: GroupingFactor) -> np.ndarray:
        """Between-group sds of the deviations that the priors are on, `(draw, varying)`."""
        if self.variant == "hierarchical":
            return self[f"sd_{factor.name}"]
        wide = np.array(list(self.priors.wide[factor.name].values()))
        return np.tile(wide * (self.variant == "unpooled"), (self.count, 1))

    def basis(self, factor: GroupingFactor) -> np.ndarray:
        """Matrix from deviations that the priors are on to those of the coefficients."""
        return preconditioner.effects_basis(self.data, self.priors, factor)

    def scale(self, factor: GroupingFactor):
        """Cholesky factor of the covariance of u, `[row][column]`, each `(draw,)`.

        If effects are Student-t, that of their scale matrix.
        """
        name, partial = f"partial_cor_{factor.name}", {}
        if name in self:
            pairs = group_algebra.partial_correlations(factor.blocks)
            partial = {pair: 2 * self[name][:, i] - 1 for i, pair in enumerate(pairs)}
        return group_algebra.effects_scale(self.sd(factor).T, partial, len(factor.varying), np)

    def group_scale(self, factor: GroupingFactor):
        """As :meth:`scale`, of each group given its mixing factor if effects are Student-t.

        Entries are `(draw, 1)` or `(draw, group)`.
        """
        name = f"scale_{factor.name}"
        mixing = self[name] if name in self else np.ones((self.count, 1))
        return [[mixing * entry[:, None] for entry in row] for row in self.scale(factor)]

    def coefficients_scale(self, factor: GroupingFactor) -> np.ndarray:
        """Square root of the covariance of the coefficients' deviations, `(draw, row, column)`.

        Times its transpose it is that covariance, or the scale matrix of Student-t effects.
        """
        dense = np.moveaxis(_dense(self.scale(factor)), -1, 0)
        return self.basis(factor) @ np.ascontiguousarray(dense)

    def covariance(self, factor: GroupingFactor) -> np.ndarray:
        """Mean covariance of u over draws and groups, `(varying, varying)`."""
        dense = _dense(self.group_scale(factor))
        return np.einsum("ikdg,jkdg->ij", dense, dense) / dense[0, 0].size


def _dense(triangle) -> np.ndarray:
    """Lower triangular matrices `(row, column, ...)` from their entries `[row][column]`."""
    size = len(triangle)
    dense = np.zeros((size, size, *triangle[0][0].shape))
    for row, entries in enumerate(triangle):
        for column, entry in enumerate(entries):
            dense[row, column] = entry
    return dense


def stored(
    target,
    draws: SampledParameters,
    diagnosed: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    """Quantities of a fit, by group of `posterior.nc`.

    Parameters
    ----------
    target : gaussian.CollapsedTarget or glm.SampledEffectsTarget
        It computes the group effects.
    draws : SampledParameters
    diagnosed : dict of str to numpy.ndarray
        Positions of the diagnosed groups of each factor.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to xarray.Dataset
        `posterior`. Effects of factors with more than `LARGE` draws are left out of it: they are
        in `group_effects`, thinned, with the coordinate `draw`, and in `diagnosed_effects`, every
        draw of the diagnosed groups.
    """
    factors = draws.data.factors
    counts = {f.name: draws.count * len(f.levels) * len(f.varying) for f in factors}
    apart = {name for name, count in counts.items() if count > LARGE}
    if not apart:
        return {"posterior": describe(draws, target.deviations(draws, rng))}
    step = min(-(-max(counts.values()) // LARGE), max(1, draws.count // FEWEST))
    positions = {name: diagnosed[name] for name in apart}
    few, own = draws.select(slice(None, None, step)), draws.of_groups(positions)
    whole, thinned, some = target.thinned_deviations(draws, positions, step, rng)
    return {
        "posterior": describe(draws, whole, apart),
        "group_effects": group_effects(few, thinned, apart),
        "diagnosed_effects": group_effects(own, some, apart),
    }


def describe(draws: SampledParameters, deviations: dict[str, np.ndarray], apart=()) -> xr.Dataset:
    """Every quantity of the model.

    Parameters
    ----------
    draws : SampledParameters
    deviations : dict of str to numpy.ndarray
        u by factor, `(draw, group, varying)`; zero for factors that are left out.
    apart : collection of str
        Factors whose group effects are stored apart, by :func:`group_effects`.

    Returns
    -------
    xarray.Dataset
        The same names in all variants: `beta[coefficient]`, parameters of the response's
        distribution (`sigma` unless rows have standard errors, `nu`, `alpha`) and, by grouping
        factor, `sd_{factor}`, `cor_{factor}` (two or more varying coefficients), `u_{factor}`
        and `coef_{factor}` `[{factor}, {factor}_coefficient]`. Where each group's sigma is
        drawn from a distribution, `sigma_median` and `sd_log_sigma` too; where effects are
        Student-t, `nu_{factor}`.
    """
    data = draws.data
    out = {"beta": (("coefficient",), draws["beta"])} | _response(draws)
    if apart and data.outcome.sigma_by_group:
        del out["sigma"]
    coords = {"coefficient": list(data.coefficients)}
    for factor in data.factors:
        name, dims = factor.name, f"{factor.name}_coefficient"
        coords[dims] = list(factor.varying)
        root = draws.coefficients_scale(factor)
        out[f"sd_{name}"] = ((dims,), np.sqrt((root**2).sum(axis=-1)))
        if name in draws.priors.cor:
            coords[f"{dims}_bis"] = list(factor.varying)
            out[f"cor_{name}"] = ((dims, f"{dims}_bis"), _correlation(root))
        if f"nu_{name}" in draws:
            out[f"nu_{name}"] = ((), draws[f"nu_{name}"])
        if name not in apart:
            coords[name] = list(factor.levels)
            u = _deviations(draws, factor, deviations)
            out[f"u_{name}"] = ((name, dims), u)
            out[f"coef_{name}"] = ((name, dims), _population(draws, factor)[:, None, :] + u)
    return _dataset(draws, out, coords)


def group_effects(
    draws: SampledParameters, deviations: dict[str, np.ndarray], factors
) -> xr.Dataset:
    """Effects of the named factors, as float32: `u_{factor}`, and `sigma` if it is by group.

    `coef_{factor}` is left out: it may be too large beside its spread for float32, and follows
    from u and beta.
    """
    out, coords = {}, {}
    for factor in draws.data.factors:
        if factor.name in factors:
            dims = (factor.name, f"{factor.name}_coefficient")
            coords |= dict(zip(dims, map(list, (factor.levels, factor.varying)), strict=True))
            out[f"u_{factor.name}"] = (dims, _deviations(draws, factor, deviations))
    if draws.data.outcome.sigma_by_group:
        out["sigma"] = _response(draws)["sigma"]
    return _dataset(draws, out, coords).astype(np.float32)


def _dataset(draws: SampledParameters, out: dict, coords: dict) -> xr.Dataset:
    """Dataset of variables, each given as its dims and values `(draw, ...)`."""
    return xr.Dataset(
        {
            name: (
                ("chain", "draw", *dims),
                values.reshape(draws.chains, draws.length, *values.shape[1:]),
            )
            for name, (dims, values) in out.items()
        },
        coords={"chain": np.arange(draws.chains), "draw": draws.draw} | coords,
    )


def _deviations(draws: SampledParameters, factor: GroupingFactor, deviations: dict) -> np.ndarray:
    shape = (draws.count, len(factor.levels), len(factor.varying))
    return deviations[factor.name] if factor.name in deviations else np.zeros(shape)


def _response(draws: SampledParameters) -> dict:
    """Parameters of the response's distribution, with their dims."""
    outcome, family, out = draws.data.outcome, draws.data.family, {}
    if family.has_sigma and not outcome.errors:
        by_group = outcome.sigma_by_group
        out["sigma"] = ((draws.data.factors[0].name,) if by_group else (), draws.sigma)
    if family.has_hierarchical_sigma(outcome):
        fixed = WIDE_LOG_SIGMA if draws.variant == "unpooled" else 0.0
        out["sigma_median"] = ((), draws["sigma_median"])
        spread = draws["sd_log_sigma"] if "sd_log_sigma" in draws else np.full(draws.count, fixed)
        out["sd_log_sigma"] = ((), spread)
    others = [name for name in family.parameter_names if name != "sigma"]
    return out | {name: ((), draws[name]) for name in others}


def _population(draws: SampledParameters, factor: GroupingFactor) -> np.ndarray:
    """Population-level part of the coefficients that vary, `(draw, varying)`."""
    found = np.zeros((draws.count, len(factor.varying)))
    for i, name in enumerate(factor.varying):
        if name in draws.data.coefficients:
            found[:, i] = draws["beta"][:, draws.data.coefficients.index(name)]
    return found


def _correlation(root: np.ndarray) -> np.ndarray:
    """Correlation matrices from square roots of covariances, shape `(draw, row, row)`."""
    lengths = np.sqrt((root**2).sum(axis=-1, keepdims=True))
    unit = np.divide(root, lengths, out=np.zeros_like(root), where=lengths > 0)
    product = unit @ np.swapaxes(unit, 1, 2)
    product[:, range(root.shape[1]), range(root.shape[1])] = 1
    return product
