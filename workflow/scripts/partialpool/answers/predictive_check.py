"""Check: what the model says of the data before and after it has seen them."""

import json

import numpy as np
import xarray as xr

from partialpool.answers.predictor import LARGEST, LARGEST_LOG, SMALLEST, Predictor, responses
from partialpool.base.errors import listed
from partialpool.base.streams import Stream
from partialpool.design.design import Design
from partialpool.engine import collapse, preconditioner
from partialpool.model.description import ModelDescription
from partialpool.model.priors import (
    FAMILIES,
    WIDE_LOG_SIGMA,
    Prior,
    Priors,
    complete,
    holds_as_written,
)

REPLICATES = 500  # predictive draws kept
SIMULATED = 2_000  # tables from the prior: 99.9% are between the least and the greatest of them
ROWS = 2_000  # rows replicated; a stated random subset of larger tables
WIDE = 100  # times the data's range, or this much on a link's scale, is beyond any use
WIDER, NARROWER = 10, 2  # times as wide, or as narrow, as its default, a prior is to blame
MOMENTS = {"mean": np.mean, "standard deviation": np.std}
NAMED = 3  # priors that one sentence names
FAR = 2  # sds of a predictor from its mean to zero: beyond, intercepts are outside most data


def check(
    posterior: xr.Dataset,
    design: Design,
    numbers: np.ndarray,
    data: ModelDescription,
    values: dict[str, np.ndarray],
    priors: Priors,
    variant: str,
    *,
    seed: int,
) -> xr.DataTree:
    """Replicate the table from the prior and from the posterior.

    Parameters
    ----------
    posterior : xarray.Dataset
    design : Design
        Of the fitted table, or of a random subset of its rows.
    numbers : numpy.ndarray
        Shape `(row,)`: the numbers of these rows in the table.
    data : ModelDescription
        What the fit has read.
    values : dict of str to numpy.ndarray
        The outcome's columns, from `families.columns`.
    priors : Priors
    variant : str
    seed : int

    Returns
    -------
    xarray.DataTree
        `prior_predictive` and `posterior_predictive`, `y` with dims `(chain, draw,
        row)`; `observed_data`. Attributes `rows`, `rows_replicated` and `warnings`, a JSON
        list of sentences about priors of the config that are nowhere near the data.
    """
    rng = np.random.default_rng([seed, Stream.PREDICTIVE_CHECKS])
    rows = np.arange(len(design.y))
    if len(rows) > ROWS:
        rows = np.sort(rng.choice(len(rows), ROWS, replace=False))

    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    thin = max(1, count // REPLICATES)
    draws = Predictor(posterior, design, data.outcome, values, thin=thin)
    after = draws.responses(rng, rows, draws.linear_predictor(rows))
    table = PriorPredictive(draws, design, rows, data, variant)
    before = table.simulate(priors, rng)
    kept = before["y"][:, :: SIMULATED // REPLICATES]
    coords = {"chain": [0], "row": numbers[rows]}

    def group(replicates):
        return xr.Dataset({"y": (("chain", "draw", "row"), replicates.T[None])}, coords=coords)

    tree = xr.DataTree.from_dict(
        {
            "prior_predictive": group(kept),
            "posterior_predictive": group(after),
            "observed_data": xr.Dataset(
                {"y": ("row", design.y[rows])}, coords={"row": numbers[rows]}
            ),
        }
    )
    tree.attrs |= {"variant": variant, "rows": data.total, "rows_replicated": len(rows)}
    warnings = table.warnings(before, priors, rng) + far_from_the_data(
        design, data, priors, variant
    )
    tree.attrs["warnings"] = json.dumps(warnings)
    return tree


def far_from_the_data(
    design: Design, data: ModelDescription, priors: Priors, variant: str
) -> list[str]:
    """Sentences about priors of the config for groups' intercepts far outside the data.

    Where some rows have a zero, as those of a reference label, intercepts are within the data.
    """
    said = []
    without_zero = {
        name for name, column in zip(design.columns, design.matrix.T, strict=True) if column.all()
    }
    for factor in data.factors if variant == "hierarchical" else ():
        keys = holds_as_written(priors.given, factor.name)
        for block in factor.blocks if keys else ():
            slopes = [c for c in block if c != "Intercept" and c in without_zero]
            away = {c: abs(data.mean[c]) / data.sd[c] for c in slopes}
            if "Intercept" in block and away and max(away.values()) > FAR:
                name = max(away, key=away.get)
                said.append(
                    f"What the config has as {listed(keys)} holds, for {factor.name!r}, where "
                    f"{name!r} is zero, {away[name]:,.1f} sds from its mean: deviations there are "
                    "those of lines far outside the data. Leave it out, and the default holds at "
                    "the mean; or center the predictor in the formula, as in center(x)."
                )
    return said


class PriorPredictive:
    """Tables simulated from priors, beside the one that was observed.

    Parameters
    ----------
    draws : Predictor
        Of the same design; for what it says of the outcome's columns.
    design : Design
    rows : numpy.ndarray
        Numbers of the rows that are simulated.
    data : ModelDescription
    variant : str
    """

    def __init__(
        self, draws: Predictor, design: Design, rows, data: ModelDescription, variant: str
    ):
        self.family, self.data, self.variant = draws.family, data, variant
        self.y, self.rows = design.y[rows], len(rows)
        self.population = design.of(design.coefficients)[rows]
        self.offset, self.trials = draws.offset(rows), draws.trials(rows)
        self.relative_sd = draws.relative_sd(rows)
        self.factors = [
            # Only groups that have a row: there may be very many.
            (factor, design.of(factor.varying)[rows], *_compact(factor.index[rows]))
            for factor in design.factors
        ]

    def simulate(self, priors: Priors, rng) -> dict:
        """`eta` and `y`, `(row, draw)`, and draws of `parameters` by their names."""
        drawn = {name: _draw(prior, rng) for name, prior in priors.beta.items()}
        if priors.centred:
            away = sum(drawn[name] * self.data.mean[name] for name in drawn if name != "Intercept")
            drawn["Intercept"] = drawn["Intercept"] - away
        eta = self.population @ np.stack(list(drawn.values())) + self.offset
        if self.variant == "hierarchical":
            drawn |= {
                f"sd_{factor}[{column}]": _draw(prior, rng)
                for factor, own in priors.sd.items()
                for column, prior in own.items()
            }
            drawn |= {f"nu_{name}": _draw(prior, rng) for name, prior in priors.nu.items()}
        if self.variant != "pooled":
            for factor, varying, group, groups in self.factors:
                u = self._deviations(factor, groups, priors, drawn, rng)
                eta += np.einsum("ri,isr->rs", varying, u[:, :, group])
        parameters, more = self._parameters(priors, rng)
        y = responses(self.family, rng, eta, parameters, self.trials)
        return {"eta": eta, "y": y, "parameters": drawn | more}

    def _parameters(self, priors: Priors, rng) -> tuple[dict, dict]:
        """The family's own, broadcasting to `(row, draw)`; and those drawn, by their names."""
        drawn = {
            name: _draw(prior, rng)
            for name, prior in priors.response.items()
            if name != "sd_log_sigma" or self.variant == "hierarchical"
        }
        found = {name: values[None] for name, values in drawn.items()}
        outcome = self.data.outcome
        if outcome.errors:
            found["sigma"] = 1.0
        elif self.family.has_sigma and not self.family.estimates_sigma(outcome):
            found["sigma"] = np.full((1, 1), float(outcome.sigma))
        elif outcome.sigma_by_group:
            _, _, group, groups = self.factors[0]
            if outcome.pools_sigma:
                fixed = WIDE_LOG_SIGMA if self.variant == "unpooled" else 0.0
                spread = drawn.get("sd_log_sigma", fixed)
                z = rng.standard_normal((groups, SIMULATED))
                with np.errstate(over="ignore"):
                    found["sigma"] = (drawn["sigma"] * np.exp(spread * z))[group]
            else:
                found["sigma"] = _draw(priors.response["sigma"], rng, (groups, SIMULATED))[group]
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
            sd = [drawn[f"sd_{factor.name}[{column}]"] for column in factor.varying]
            if factor.name in priors.cor:
                eta = priors.cor[factor.name].arguments
                shapes = collapse.partial_correlations(factor.blocks, *eta)
                partial = {p: 2 * rng.beta(a, a, SIMULATED) - 1 for p, a in shapes.items()}
            if f"nu_{factor.name}" in drawn:
                nu = drawn[f"nu_{factor.name}"][:, None]
                precision = rng.gamma(nu / 2, 2 / nu, (SIMULATED, groups))
                v /= np.sqrt(np.maximum(precision, SMALLEST))
        correlation = collapse.cholesky(partial, size, np)
        rows = [
            sd[i][:, None] * sum(np.reshape(entry, (-1, 1)) * v[k] for k, entry in enumerate(row))
            for i, row in enumerate(correlation)
        ]
        basis = preconditioner.effects_basis(self.data, priors, factor)
        return np.einsum("ik,ksg->isg", basis, np.stack(rows))

    def warnings(self, before: dict, priors: Priors, rng) -> list[str]:
        """Sentences about priors of the config that are nowhere near the data.

        Parameters
        ----------
        before : dict
            Simulated from them.
        priors : Priors
        rng : numpy.random.Generator

        Returns
        -------
        list of str
            None where the default priors would do no better.
        """
        wide, missed = self._is_wide(before), self._missed(before)
        if not priors.given or not (wide or missed):
            return []
        usual = complete({}, self.data, "student_t" if priors.nu else "normal")
        default = self.simulate(usual, rng)
        distances = _distances(before["parameters"], default["parameters"])
        named, usually = _by_name(priors), _by_name(usual)
        # A default sd may be another than usual, because of where a written prior holds.
        for factor, own in priors.sd.items():
            for name in [f"sd_{factor}[{column}]" for column in own]:
                if not {"sd", f"sd_{factor}", name} & {*priors.given}:
                    named.pop(name)
        distances = {
            name: found
            for name, found in distances.items()
            if name in named and named[name] != usually[name]
        }

        def blamed(names) -> str:
            said = [f"{name}: {named[name]} (default {usually[name]})" for name in names[:NAMED]]
            return f"Furthest from the defaults: {'; '.join(said)}."

        said = []
        far = _ranked({n: w for n, (w, _) in distances.items() if w > np.log(WIDER)})
        if wide and far and not self._is_wide(default):
            said.append(f"{self._how_wide(before['y'], before['eta'])} {blamed(far)}")
        # One that is wide and where it should be allows too much, but it does allow the data.
        narrow = -np.log(NARROWER)
        off = {n: max(-w, away) for n, (w, away) in distances.items() if w < narrow or away > 1}
        furthest = _ranked(off)
        for what, (observed, low, high) in missed.items():
            if not furthest or self._strange(what, observed, high, default):
                continue
            said.append(
                f"Under these priors the {what} of {self.data.response} is between {low:,.4g} and "
                f"{high:,.4g} in all of {SIMULATED:,} simulated tables; in the data it is "
                f"{observed:,.4g}. {blamed(furthest)}"
            )
        return said

    def _is_wide(self, simulated: dict) -> bool:
        """Whether 95% of what is simulated is spread beyond any use by the priors."""
        if self.variant == "unpooled":
            return False  # by what is fixed in it, whatever the priors
        linear = self.family.link == "identity"
        low, high = np.quantile(simulated["y" if linear else "eta"], [0.025, 0.975])
        return bool(high - low > WIDE * (np.ptp(self.y) if linear else 1))

    def _how_wide(self, y: np.ndarray, eta: np.ndarray) -> str:
        if self.family.is_probability:
            share = (np.abs(eta) > np.log(999)).mean()
            return (
                f"Under these priors {share:.0%} of simulated rows have a probability below 0.001 "
                f"or over 0.999; the data's mean is {self._rate():.3g}."
            )
        what, drawn = "simulated", y
        if self.family.link == "log":
            what, drawn = "expected", np.exp(np.clip(eta, -LARGEST_LOG, LARGEST_LOG))
        low, high = np.quantile(drawn, [0.025, 0.975])
        return (
            f"Under these priors 95% of {what} responses are between {low:,.4g} and "
            f"{high:,.4g}; the data are between {self.y.min():,.4g} and {self.y.max():,.4g}."
        )

    def _rate(self) -> float:
        return self.y.sum() / (self.rows if self.trials is None else self.trials.sum())

    def _missed(self, simulated: dict) -> dict[str, tuple[float, float, float]]:
        """Observed mean or sd outside of all simulated ones, and the range of these."""
        found = {}
        for what, moment in MOMENTS.items():
            observed, of_draws = moment(self.y), moment(simulated["y"], axis=0)
            if not of_draws.min() <= observed <= of_draws.max():
                found[what] = observed, of_draws.min(), of_draws.max()
        return found

    def _strange(self, what: str, observed: float, high: float, default: dict) -> bool:
        """Whether default priors hardly reach what others miss: then these are not to blame."""
        least, most = np.quantile(MOMENTS[what](default["y"], axis=0), [0.01, 0.99])
        return observed > most if observed > high else observed < least


def _draw(prior: Prior, rng, size=SIMULATED) -> np.ndarray:
    """Draws of a prior, kept to what numbers can hold."""
    with np.errstate(over="ignore", divide="ignore"):
        drawn = np.clip(prior.draw(rng, size), -LARGEST, LARGEST)
    return drawn if FAMILIES[prior.family].support == "real" else np.maximum(drawn, SMALLEST)


def _compact(index: np.ndarray) -> tuple[np.ndarray, int]:
    """Groups of rows, counted anew without those that have none; and how many there are."""
    found, group = np.unique(index, return_inverse=True)
    return group, len(found)


def _by_name(priors: Priors) -> dict[str, Prior]:
    """Every prior but those of correlations, by the name of its parameter."""
    of_sd = {f"sd_{f}[{c}]": prior for f, own in priors.sd.items() for c, prior in own.items()}
    of_nu = {f"nu_{factor}": prior for factor, prior in priors.nu.items()}
    return priors.beta | of_sd | of_nu | priors.response


def _distances(given: dict, default: dict) -> dict[str, tuple[float, float]]:
    """Log ratio of the widths of two sets of draws, and their distance in the greater width."""
    found = {}
    for name in given:
        (low, middle, high), (lowest, usual, highest) = (
            np.quantile(drawn[name], [0.1, 0.5, 0.9]) for drawn in (given, default)
        )
        width, usually = high - low, highest - lowest
        found[name] = np.log(width / usually), abs(middle - usual) / max(width, usually)
    return found


def _ranked(scores: dict[str, float]) -> list[str]:
    """Names of the highest scores, and of those more than half as high."""
    top = max(scores.values(), default=0)
    return [n for n in sorted(scores, key=scores.get, reverse=True) if scores[n] > top / 2]
