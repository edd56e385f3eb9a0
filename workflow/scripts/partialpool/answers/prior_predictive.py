"""Tables simulated from the priors, at the predictors and groups of the observed rows."""

import numpy as np

from partialpool.answers.predictor import LARGEST, SMALLEST, Predictor, responses
from partialpool.design.design import Design
from partialpool.engine import group_algebra, preconditioner
from partialpool.model import parameter_names
from partialpool.model.description import ModelDescription
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import WIDE_LOG_SIGMA, Priors
from partialpool.sampler import prior_draws

HELD = {  # what draws are kept to
    "real": (-LARGEST, LARGEST),
    "positive": (SMALLEST, LARGEST),
    "probability": (SMALLEST, 1 - 1e-16),
}
SIMULATED = 2_000  # tables: 99.9% of any quantity are between the least and the greatest of them


class PriorPredictive:
    """The prior predictive distribution of some rows.

    Parameters
    ----------
    draws : Predictor
        Of the same design; only the outcome's columns are taken from it.
    design : Design
    rows : numpy.ndarray
        Shape `(row,)`: numbers of the rows that are simulated.
    data : ModelDescription
    variant : {"pooled", "unpooled", "hierarchical"}
    """

    def __init__(
        self, draws: Predictor, design: Design, rows, data: ModelDescription, variant: str
    ):
        self.family, self.data, self.variant = draws.family, data, variant
        self.y, self.rows = design.y[rows], len(rows)
        self.population = design.select_columns(design.coefficients)[rows]
        self.offset, self.trials = draws.offset(rows), draws.trials(rows)
        self.relative_sd = draws.relative_sd(rows)
        self.factors = [
            # Only groups that have a row: there may be very many.
            (factor, design.select_columns(factor.varying)[rows], *_compact(factor.index[rows]))
            for factor in design.factors
        ]

    def simulate(self, priors: Priors, rng: np.random.Generator) -> dict:
        """Simulate tables from priors.

        Returns
        -------
        dict
            `eta` and `y`, `(row, draw)`; `parameters`, the draws of each by its name, `(draw,)`.
        """
        drawn = _draws(priors.beta, rng)
        if priors.centred:
            away = sum(drawn[name] * self.data.mean[name] for name in drawn if name != "Intercept")
            drawn["Intercept"] = drawn["Intercept"] - away
        eta = self.population @ np.stack(list(drawn.values())) + self.offset
        if self.variant == "hierarchical":
            of_groups = {
                parameter_names.sd(factor, column): prior
                for factor, of_factor in priors.sd.items()
                for column, prior in of_factor.items()
            }
            of_groups |= {parameter_names.nu(name): prior for name, prior in priors.nu.items()}
            drawn |= _draws(of_groups, rng)
        if self.variant != "pooled":
            for factor, varying, group, groups in self.factors:
                u = self._deviations(factor, groups, priors, drawn, rng)
                eta += np.einsum("ri,isr->rs", varying, u[:, :, group])
        parameters, more = self._parameters(priors, rng)
        y = responses(self.family, rng, eta, parameters, self.trials)
        return {"eta": eta, "y": y, "parameters": drawn | more}

    def _parameters(self, priors: Priors, rng) -> tuple[dict, dict]:
        """The family's own parameters, broadcasting to `(row, draw)`; and draws by their names."""
        drawn = _draws(
            {
                name: prior
                for name, prior in priors.response.items()
                if name != "sd_log_sigma" or self.variant == "hierarchical"
            },
            rng,
        )
        found = {name: values[None] for name, values in drawn.items()}
        outcome = self.data.outcome
        if outcome.errors:
            found["sigma"] = 1.0
        elif self.family.has_sigma and not self.family.estimates_sigma(outcome):
            found["sigma"] = np.full((1, 1), float(outcome.sigma))
        elif outcome.sigma_by_group:
            _, _, group, groups = self.factors[0]
            if outcome.has_hierarchical_sigma:
                fixed = WIDE_LOG_SIGMA if self.variant == "unpooled" else 0.0
                spread = drawn.get("sd_log_sigma", fixed)
                z = rng.standard_normal((groups, SIMULATED))
                with np.errstate(over="ignore"):
                    found["sigma"] = (drawn["sigma"] * np.exp(spread * z))[group]
            else:
                of_groups = _draws(dict.fromkeys(range(groups), priors.response["sigma"]), rng)
                found["sigma"] = np.stack(list(of_groups.values()))[group]
        if self.relative_sd is not None:
            found["sigma"] = found["sigma"] * self.relative_sd
        return found, drawn

    def _deviations(self, factor, groups: int, priors: Priors, drawn: dict, rng) -> np.ndarray:
        """u from its prior, `(varying, draw, group)`."""
        size, partial = len(factor.varying), {}
        v = rng.standard_normal((size, SIMULATED, groups))
        if self.variant == "unpooled":
            sd = [np.full(SIMULATED, wide) for wide in priors.wide[factor.name].values()]
        else:
            sd = [drawn[parameter_names.sd(factor.name, column)] for column in factor.varying]
            if factor.name in priors.cor:
                eta = priors.cor[factor.name].arguments
                shapes = group_algebra.partial_correlations(factor.blocks, *eta)
                partial = {p: 2 * rng.beta(a, a, SIMULATED) - 1 for p, a in shapes.items()}
            if parameter_names.nu(factor.name) in drawn:
                nu = drawn[parameter_names.nu(factor.name)][:, None]
                precision = rng.gamma(nu / 2, 2 / nu, (SIMULATED, groups))
                v /= np.sqrt(np.maximum(precision, SMALLEST))
        correlation = group_algebra.cholesky(partial, size, np)
        rows = [
            sd[i][:, None] * sum(np.reshape(entry, (-1, 1)) * v[k] for k, entry in enumerate(row))
            for i, row in enumerate(correlation)
        ]
        basis = preconditioner.effects_basis(self.data, priors, factor)
        return np.einsum("ik,ksg->isg", basis, np.stack(rows))


def _draws(priors: dict, rng: np.random.Generator) -> dict:
    """Draws of priors by the keys given, kept to what numbers can hold, `(draw,)` each."""
    drawn = prior_draws.draw(priors, rng, SIMULATED)
    support = {name: FAMILIES[prior.family].support for name, prior in priors.items()}
    return {name: np.clip(values, *HELD[support[name]]) for name, values in drawn.items()}


def _compact(index: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers of the rows' groups, without gaps; and how many groups there are."""
    found, group = np.unique(index, return_inverse=True)
    return group, len(found)
