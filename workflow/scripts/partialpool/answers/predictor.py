"""Posterior draws of linear predictors, parameters, densities and new responses, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.base.streams import Stream
from partialpool.design.design import Design
from partialpool.model import families, parameter_names
from partialpool.model.family import ResponseFamily
from partialpool.model.links import LINKS
from partialpool.study.outcome import Outcome

# Limits of parameters, of responses and of their logarithms, so that none overflows.
SMALLEST, LARGEST, LARGEST_LOG = 1e-100, 1e100, 700.0


@dataclass(frozen=True)
class FactorEffects:
    """Posterior draws of one factor's group effects, and the rows they act on.

    Attributes
    ----------
    name : str
    varying : numpy.ndarray
        Shape `(row, varying)`: design columns whose coefficients vary by group.
    labels, index : numpy.ndarray
        Shape `(row,)`: each row's group, and its position among those fitted; -1 if new.
    u : numpy.ndarray
        `(draw, group, varying)`.
    scale : numpy.ndarray
        `(draw, varying, varying)`: Cholesky factor of the scale matrix of u.
    nu : numpy.ndarray or None
        `(draw,)`: degrees of freedom, if effects are Student-t.
    """

    name: str
    varying: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    u: np.ndarray
    scale: np.ndarray
    nu: np.ndarray | None

    def added(self, rows: np.ndarray, new: bool, seed: int) -> np.ndarray:
        """Contribution of the deviations to the linear predictor of rows, `(row, draw)`.

        Parameters
        ----------
        rows : numpy.ndarray
        new : bool
            Whether every group is taken for a new one.
        seed : int
        """
        varying, labels, index = self.varying[rows], self.labels[rows], self.index[rows]
        known = (index >= 0) & (not new)
        found = np.empty((len(rows), len(self.u)))
        found[known] = sum(
            column[:, None] * self.u[:, index[known], i].T
            for i, column in enumerate(varying[known].T)
        )
        for label, at in _by_label(labels, ~known):
            found[at] = varying[at] @ self.of_new(label, seed).T
        return found

    def of_new(self, label: str, seed: int) -> np.ndarray:
        """Deviations of a new group, `(draw, varying)`: the same draws for all its rows."""
        rng = _stream(seed, Stream.NEW_GROUP_EFFECTS, self.name, label)
        u = np.einsum("sij,sj->si", self.scale, rng.standard_normal(self.scale.shape[:2]))
        if self.nu is not None:
            u /= np.sqrt(rng.gamma(self.nu / 2, 2 / self.nu))[:, None]
        return u


class Predictor:
    """Predictions of rows in every posterior draw.

    The target of a prediction is `"group"`, the row's own groups, drawn where they are new;
    `"new_group"`, groups drawn anew for all factors; or `"average_group"`, without deviations.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
    outcome : Outcome
    values : dict of str to numpy.ndarray
        The outcome's columns, from `families.columns`.
    thin : int
        Keep every `thin`-th draw.
    seed : int
        Seed of the deviations of new groups.
    """

    def __init__(
        self,
        posterior,
        design: Design,
        outcome: Outcome,
        values: dict[str, np.ndarray],
        *,
        thin: int = 1,
        seed: int = 0,
    ):
        self.family, self.outcome, self.seed = families.family_of(outcome), outcome, seed
        self._values = values
        self._drawn = {
            name: flat(posterior, name)[::thin]
            for name in ("beta", *self.family.parameter_names, "sigma_median", "sd_log_sigma")
            if name in posterior
        }
        self.count = len(self._drawn["beta"])
        self._population = design.select_columns(design.coefficients)
        self._offset = families.offset(values, len(design.matrix))
        self.effects = [
            FactorEffects(
                name=factor.name,
                varying=design.select_columns(factor.varying),
                labels=factor.groups,
                index=factor.index,
                u=flat(posterior, parameter_names.u(factor.name))[::thin],
                scale=scale(posterior, factor.name)[::thin],
                nu=degrees_of_freedom(posterior, factor.name, thin),
            )
            for factor in design.factors
        ]

    @property
    def known(self) -> np.ndarray:
        """Whether the groups of each row were fitted, of every factor, `(row,)`."""
        return np.all([np.ones(len(self._offset), bool), *(e.index >= 0 for e in self.effects)], 0)

    def linear_predictor(self, rows: np.ndarray, prediction_target: str = "group") -> np.ndarray:
        """Linear predictor of the rows with these numbers, `(row, draw)`."""
        eta = self._population[rows] @ self._drawn["beta"].T + self.offset(rows)
        if prediction_target != "average_group":
            for effects in self.effects:
                eta += effects.added(rows, prediction_target == "new_group", self.seed)
        return eta

    def mean(self, rows: np.ndarray, eta: np.ndarray, prediction_target="group") -> np.ndarray:
        """Expected response, of one trial where there are trials."""
        with np.errstate(over="ignore"):
            given = self.parameters(rows, prediction_target) if self.family.mean else {}
            return self.family.expected(eta, given)

    def trials(self, rows: np.ndarray) -> np.ndarray | None:
        """Trials of each row, `(row, 1)`; None where there are none."""
        return self._values["trials"][rows][:, None].astype(int) if self.outcome.trials else None

    def offset(self, rows: np.ndarray) -> np.ndarray:
        """Offset and log exposure of rows, `(row, 1)`."""
        return self._offset[rows][:, None]

    def relative_sd(self, rows: np.ndarray) -> np.ndarray | None:
        """Residual sd of each row in units of sigma, `(row, 1)`; None where it is one in all.

        With known standard errors, sigma is one.
        """
        relative = families.relative_sd(self._values)
        return None if relative is None else relative[rows][:, None]

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """Frequency weight of rows, `(row, 1)`."""
        return self._values.get("weights", np.ones(len(self._offset)))[rows][:, None]

    def log_exposure(self, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the exposure of rows, `(row, 1)`; zero without exposure."""
        if not self.outcome.exposure:
            return np.zeros((len(rows), 1))
        return np.log(self._values["exposure"][rows])[:, None]

    def parameters(
        self, rows: np.ndarray, prediction_target: str = "group"
    ) -> dict[str, np.ndarray]:
        """Parameters of the family besides eta, each broadcasting to `(row, draw)`.

        sigma is not a number where it is by group and the group was not fitted, unless sigma has
        a distribution between groups; and in a row without a standard error.
        """
        return {
            name: self._sigma(rows, prediction_target)
            if name == "sigma"
            else self._drawn[name][None, :]
            for name in self.family.parameter_names
        }

    def log_density(self, rows: np.ndarray, y: np.ndarray, eta, parameters) -> np.ndarray:
        """Log density of responses, `(row, draw)`, times the frequency weight of the row."""
        trials = self.trials(rows)
        return self.weights(rows) * self.family.log_density(
            y[rows][:, None], eta, parameters, trials
        )

    def responses(
        self, rng, rows: np.ndarray, eta: np.ndarray, prediction_target: str = "group"
    ) -> np.ndarray:
        """New responses of rows, `(row, draw)`."""
        return responses(
            self.family, rng, eta, self.parameters(rows, prediction_target), self.trials(rows)
        )

    def _sigma(self, rows: np.ndarray, prediction_target: str) -> np.ndarray:
        relative = self.relative_sd(rows)
        if self.outcome.errors:
            return relative
        sigma = self._unweighted_sigma(rows, prediction_target)
        return sigma if relative is None else sigma * relative

    def _unweighted_sigma(self, rows: np.ndarray, prediction_target: str) -> np.ndarray:
        """sigma of rows whose precision weight is one."""
        sigma = self._drawn["sigma"]
        if sigma.ndim == 1:
            return sigma[None, :]
        factor = self.effects[0]
        index = factor.index[rows] if prediction_target == "group" else np.full(len(rows), -1)
        found = np.concatenate([sigma, np.full((self.count, 1), np.nan)], axis=1)[:, index].T
        if "sigma_median" in self._drawn:
            for label, at in _by_label(factor.labels[rows], index < 0):
                found[at] = self._new_sigma(label, prediction_target)
        return found

    def _new_sigma(self, label: str, prediction_target: str) -> np.ndarray:
        """sigma of a group that was not fitted, `(draw,)`: drawn, or of the average group."""
        median, spread = self._drawn["sigma_median"], self._drawn["sd_log_sigma"]
        if prediction_target == "average_group":
            return median
        rng = _stream(self.seed, Stream.NEW_GROUP_SIGMA, self.effects[0].name, label)
        return median * np.exp(spread * rng.standard_normal(self.count))


def _by_label(labels: np.ndarray, among: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Labels of the rows that are `among`, each with the positions of its rows."""
    at = np.flatnonzero(among)
    codes, found = pd.factorize(labels[at])
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(found)))
    yield from zip(found, np.split(at[order], ends)[:-1], strict=True)


def responses(family: ResponseFamily, rng, eta, parameters, trials) -> np.ndarray:
    """Draw new responses, within the limits of numbers: priors may allow any parameter."""
    parameters = {name: np.maximum(values, SMALLEST) for name, values in parameters.items()}
    if LINKS[family.link].clip_eta:
        eta = np.clip(eta, -LARGEST_LOG, LARGEST_LOG)
    with np.errstate(over="ignore", divide="ignore"):
        drawn = family.responses(rng, eta, parameters, trials)
    return drawn if family.discrete else np.clip(drawn, -LARGEST, LARGEST)


def merged_posterior(tree: xr.DataTree) -> xr.Dataset:
    """The posterior of a stored fit, with group effects in the draws for which these are stored.

    `coef_{factor}` is left out where effects are stored apart: it follows from `u_{factor}`.
    """
    posterior = tree["posterior"].to_dataset()
    if "group_effects" not in tree.children:
        return posterior
    effects = tree["group_effects"].to_dataset()
    return posterior.sel(draw=effects["draw"]).merge(effects)


def flat(posterior, name: str) -> np.ndarray:
    """Draws of one variable, chain after chain, `(draw, ...)`."""
    values = posterior[name].transpose("chain", "draw", ...).values
    return values.reshape(-1, *values.shape[2:])


def scale(posterior, factor: str) -> np.ndarray:
    """Cholesky factor of the scale matrix of a factor's deviations, `(draw, varying, varying)`."""
    sd = flat(posterior, parameter_names.sd(factor))
    if parameter_names.cor(factor) not in posterior:
        return sd[:, :, None] * np.eye(sd.shape[1])
    return sd[:, :, None] * _cholesky(flat(posterior, parameter_names.cor(factor)))


def _cholesky(matrices: np.ndarray) -> np.ndarray:
    """Cholesky factors, `(draw, row, row)`, also of correlations of one but for rounding.

    NumPy's refuses those, and adding to the diagonal would change the rest: where an intercept
    lies a million sds from the data, correlations differ from one in the twelfth digit.
    """
    factor = np.zeros_like(matrices)
    for i in range(matrices.shape[1]):
        left = matrices[:, i:, i] - np.einsum("dik,dk->di", factor[:, i:, :i], factor[:, i, :i])
        pivot = np.sqrt(np.maximum(left[:, :1], 0))
        factor[:, i:, i] = np.divide(left, pivot, out=np.zeros_like(left), where=pivot > 0)
    return factor


def degrees_of_freedom(posterior, factor: str, thin: int = 1) -> np.ndarray | None:
    """Degrees of freedom of a factor's deviations, `(draw,)`; None where these are normal."""
    name = parameter_names.nu(factor)
    return flat(posterior, name)[::thin] if name in posterior else None


def _stream(seed: int, purpose: Stream, factor: str, label: str) -> np.random.Generator:
    """Random numbers of one group, whichever rows are predicted beside it."""
    return np.random.default_rng([seed, purpose, *f"{factor}\0{label}".encode()])
