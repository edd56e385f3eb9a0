"""Describe: every quantity of a model, under the same names whatever was sampled."""

import numpy as np
import xarray as xr

from partialpool.described import Described, Grouping
from partialpool.models import collapse
from partialpool.priors import WIDE_LOG_SIGMA, Priors


class Sampled:
    """Draws of a model's free variables, and what follows from them.

    Parameters
    ----------
    sampled : xarray.Dataset
        Variables of the PyMC model, dims `(chain, draw, ...)`.
    data : Described
    priors : Priors
    variant : str
    """

    def __init__(self, sampled: xr.Dataset, data: Described, priors: Priors, variant: str):
        self.chains, self.length = sampled.sizes["chain"], sampled.sizes["draw"]
        self.count = self.chains * self.length
        self._flat = {n: v.values.reshape(-1, *v.shape[2:]) for n, v in sampled.data_vars.items()}
        self.data, self.priors, self.variant = data, priors, variant

    def __getitem__(self, name: str) -> np.ndarray:
        """One variable, shape `(draw, ...)`."""
        return self._flat[name]

    def __contains__(self, name: str) -> bool:
        return name in self._flat

    @property
    def sigma(self) -> np.ndarray:
        """Residual sd, known or not, `(draw,)` or `(draw, group)`."""
        return self["sigma"] if "sigma" in self else np.full(self.count, self.data.known_sigma)

    def sd(self, factor: Grouping) -> np.ndarray:
        """Between-group sds, `(draw, varying)`."""
        if self.variant == "hierarchical":
            return self[f"sd_{factor.name}"]
        wide = np.array(list(self.priors.wide[factor.name].values()))
        return np.tile(wide * (self.variant == "unpooled"), (self.count, 1))

    def correlation(self, factor: Grouping):
        """Cholesky factor of the correlations, `[row][column]` of numbers or `(draw,)`."""
        pairs = collapse.partial_pairs(len(factor.varying))
        name = f"partial_cor_{factor.name}"
        if name not in self:
            return collapse.cholesky(dict.fromkeys(pairs, np.zeros(self.count)), np)
        return collapse.cholesky({p: 2 * self[name][:, i] - 1 for i, p in enumerate(pairs)}, np)

    def scale(self, factor: Grouping):
        """Cholesky factor of the covariance of u, entries `(draw, 1)` or `(draw, group)`."""
        sd = self.sd(factor)
        name = f"scale_{factor.name}"
        stretch = self[name] if name in self else np.ones((self.count, 1))
        return [
            [stretch * np.reshape(sd[:, i] * entry, (-1, 1)) for entry in row]
            for i, row in enumerate(self.correlation(factor))
        ]

    def covariance(self, factor: Grouping) -> np.ndarray:
        """Mean covariance of u, `(varying, varying)`."""
        scale = self.scale(factor)
        size = len(scale)
        dense = np.zeros((size, size, *scale[0][0].shape))
        for row in range(size):
            for column in range(row + 1):
                dense[row, column] = scale[row][column]
        return np.einsum("ikdg,jkdg->ij", dense, dense) / dense[0, 0].size


def describe(draws: Sampled, deviations: dict[str, np.ndarray]) -> xr.Dataset:
    """Every quantity of the model.

    Parameters
    ----------
    draws : Sampled
    deviations : dict of str to numpy.ndarray
        u by factor, `(draw, group, varying)`; a factor without has none.

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
    out = {"beta": (("coefficient",), draws["beta"])}
    coords = {
        "chain": np.arange(draws.chains),
        "draw": np.arange(draws.length),
        "coefficient": list(data.coefficients),
    }
    out |= _response(draws)
    for factor in data.factors:
        name, dims = factor.name, f"{factor.name}_coefficient"
        coords |= {name: list(factor.levels), dims: list(factor.varying)}
        out[f"sd_{name}"] = ((dims,), draws.sd(factor))
        if len(factor.varying) > 1:
            coords[f"{dims}_bis"] = list(factor.varying)
            correlation = _correlation(draws.correlation(factor), draws.count)
            out[f"cor_{name}"] = ((dims, f"{dims}_bis"), correlation)
        if f"nu_{name}" in draws:
            out[f"nu_{name}"] = ((), draws[f"nu_{name}"])
        shape = (draws.count, len(factor.levels), len(factor.varying))
        u = deviations[name] if name in deviations else np.zeros(shape)
        out[f"u_{name}"] = ((name, dims), u)
        out[f"coef_{name}"] = ((name, dims), _population(draws, factor)[:, None, :] + u)
    return xr.Dataset(
        {
            name: (
                ("chain", "draw", *dim),
                values.reshape(draws.chains, draws.length, *values.shape[1:]),
            )
            for name, (dim, values) in out.items()
        },
        coords=coords,
    )


def _response(draws: Sampled) -> dict:
    """Parameters of the response's distribution, with their dims."""
    outcome, out = draws.data.outcome, {}
    if outcome.has_sigma and not outcome.errors:
        by_group = outcome.sigma_by_group
        out["sigma"] = ((draws.data.factors[0].name,) if by_group else (), draws.sigma)
    if outcome.has_sigma and outcome.pools_sigma:
        fixed = WIDE_LOG_SIGMA if draws.variant == "unpooled" else 0.0
        out["sigma_median"] = ((), draws["sigma_median"])
        spread = draws["sd_log_sigma"] if "sd_log_sigma" in draws else np.full(draws.count, fixed)
        out["sd_log_sigma"] = ((), spread)
    return out | {name: ((), draws[name]) for name in ("nu", "alpha") if name in draws}


def _population(draws: Sampled, factor: Grouping) -> np.ndarray:
    """Population-level part of the coefficients that vary, `(draw, varying)`."""
    found = np.zeros((draws.count, len(factor.varying)))
    for i, name in enumerate(factor.varying):
        if name in draws.data.coefficients:
            found[:, i] = draws["beta"][:, draws.data.coefficients.index(name)]
    return found


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
