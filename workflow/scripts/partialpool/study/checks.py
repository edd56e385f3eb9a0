"""Checks of a fit: how each is computed, its limit in the config, and how it is shown.

Imported while the workflow is parsed and by the report, so nothing scientific is imported here
before a check is computed.

R-hat and effective sample sizes are rank-normalised (Vehtari, Gelman, Simpson, Carpenter &
Bürkner 2021, https://doi.org/10.1214/20-BA1221); E-BFMI is Betancourt's (2016,
https://arxiv.org/abs/1604.00695).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from partialpool.base.wording import wording


@dataclass(frozen=True)
class Limit:
    """A limit of checks: a key of `convergence` in the config.

    Attributes
    ----------
    key : str
    schema : dict
        JSON schema of its values, with `description` and `default`; a fit knows none of it.
    retry_limit : float
        The limit by which a fit is tried again: fixed, so that another limit in the config
        refits nothing.
    per_chain : bool
        Whether `retry_limit` is for each chain.
    """

    key: str
    schema: dict
    retry_limit: float
    per_chain: bool = False


@dataclass(frozen=True)
class Presentation:
    """How a check is shown, and what is advised where it fails.

    Attributes
    ----------
    label : str
    decimals : int
    finding : str or None
        Sentence about a failed check, a format of `value, threshold, worst`; None where it is
        listed with others that the same quantity fails.
    setting : {"draws", "tune", "target_accept"} or None
        The setting of the sampler that helps; None where none does.
    times_more : callable or None
        `(value, threshold)` to how many times the draws would be needed, about; by default how
        many times the value misses the threshold.
    model_advice : str or None
        What to change in the model, where no setting helps; None for a general advice.
    one_chain : str or None
        What is advised where there is one chain.
    """

    label: str
    decimals: int
    finding: str | None = None
    setting: str | None = "draws"
    times_more: Callable[[float, float], float] | None = None
    model_advice: str | None = None
    one_chain: str | None = None


@dataclass(frozen=True)
class Check:
    """One check of a fit.

    Attributes
    ----------
    compute : callable
        `(summary, statistics, earlier)`, see `sampler.convergence.check`, to the value and the
        quantity or chain that it is worst in; to None where the check does not apply.
    at_most : bool
        Whether a fit passes with values up to the limit, rather than from the limit on.
    limit : Limit or None
        None where the limit is zero, whatever the config.
    shown : Presentation
    """

    compute: Callable
    at_most: bool
    limit: Limit | None
    shown: Presentation

    @property
    def direction(self) -> str:
        """From the value to its limit, in words."""
        return wording("at most") if self.at_most else wording("at least")

    def passes(self, value: float, threshold: float) -> bool:
        """Whether a value passes; one that is not a number does not."""
        return bool(value <= threshold if self.at_most else value >= threshold)

    def text(self, value: float | None) -> str:
        """A value of this check, or that it is not a number."""
        return wording("not a number") if value is None else f"{value:,.{self.shown.decimals}f}"

    def times_more(self, value: float, threshold: float) -> float:
        """How many times the draws would be needed to pass, about."""
        if self.shown.times_more is not None:
            return self.shown.times_more(value, threshold)
        return value / threshold if self.at_most else threshold / max(value, 1e-9)


def _worst(column: str, extreme: str) -> Callable:
    """The worst value of a column of the summary, and the scalar that has it.

    Not a number is worst of all; and nothing was estimated where there is no scalar.
    """

    def compute(summary, statistics, earlier) -> tuple[float, str | None]:
        values = summary[column]
        if not len(values):
            return math.nan, None
        if values.isna().any():
            return math.nan, summary["name"][values.isna().idxmax()]
        at = values.idxmax() if extreme == "max" else values.idxmin()
        return float(values[at]), summary["name"][at]

    return compute


def _divergences(summary, statistics, earlier) -> tuple[int, str | None]:
    """Divergent transitions, and the chain that has most of them."""
    by_chain = statistics["diverging"].sum("draw")
    worst = f"chain {int(by_chain.values.argmax())}" if by_chain.any() else None
    return int(by_chain.sum()), worst


def _ebfmi(summary, statistics, earlier) -> tuple[float, str]:
    """E-BFMI of the chain that has the lowest."""
    import arviz_stats as azs
    import numpy as np
    import xarray as xr

    with np.errstate(all="ignore"):  # an energy may be constant, or infinite
        found = azs.bfmi(xr.DataTree.from_dict({"sample_stats": statistics[["energy"]]}))
    # The lowest, as far as all are numbers: else the first that is not.
    energy = found["energy"].values
    slowest = int(energy.argmin())
    return float(energy[slowest]), f"chain {slowest}"


def _earlier_attempts(summary, statistics, earlier) -> tuple[int, str | None] | None:
    """Chains of earlier attempts that found another mode, and the scalar farthest away."""
    return None if earlier is None else (earlier["chains"], earlier["worst"])


MIN_ESS = Limit(
    "min_ess",
    wording(
        {
            "description": "a number of effective draws, 0 or more",
            "type": "number",
            "minimum": 0,
            "default": 400,
        }
    ),
    retry_limit=100,
    per_chain=True,
)

# By their names in diagnostics.json.
CHECKS: dict[str, Check] = {
    "rhat": Check(
        _worst("rhat", "max"),
        at_most=True,
        limit=Limit(
            "max_rhat",
            wording(
                {
                    "description": "a number over 1, such as 1.01",
                    "type": "number",
                    "exclusiveMinimum": 1,
                    "default": 1.01,
                }
            ),
            retry_limit=1.01,
        ),
        shown=wording(
            Presentation(
                label="R-hat",
                decimals=3,
                # Its distance from one is that of a variance of means.
                times_more=lambda value, threshold: (value - 1) / (threshold - 1),
                one_chain="R-hat compares chains, and there is one: set `sampler: {chains: 4}`.",
            )
        ),
    ),
    "ess_bulk": Check(
        _worst("ess_bulk", "min"),
        at_most=False,
        limit=MIN_ESS,
        shown=wording(Presentation(label="bulk ESS", decimals=0)),
    ),
    "ess_tail": Check(
        _worst("ess_tail", "min"),
        at_most=False,
        limit=MIN_ESS,
        shown=wording(Presentation(label="tail ESS", decimals=0)),
    ),
    "divergences": Check(
        _divergences,
        at_most=True,
        limit=Limit(
            "max_divergences",
            wording(
                {
                    "description": "a whole number, 0 or more",
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                }
            ),
            retry_limit=0,
        ),
        shown=wording(
            Presentation(
                label="divergences",
                decimals=0,
                finding="{value:,} transitions diverged (at most {threshold:,}), most in {worst}, "
                "so part of the posterior may be missing",
                setting="target_accept",
                model_advice="Give standard deviations tighter priors, or leave out varying "
                "slopes.",
            )
        ),
    ),
    "ebfmi": Check(
        _ebfmi,
        at_most=False,
        limit=Limit(
            "min_ebfmi",
            wording(
                {
                    "description": "a number from 0 to 1, such as 0.3",
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": 0.3,
                }
            ),
            retry_limit=0.3,
        ),
        shown=wording(
            Presentation(
                label="E-BFMI",
                decimals=2,
                finding="The energy of {worst} was explored slowly (E-BFMI {value:.2f}, at least "
                "{threshold:g})",
                setting="tune",
                model_advice="Use priors with lighter tails.",
            )
        ),
    ),
    "earlier_attempts": Check(
        _earlier_attempts,
        at_most=True,
        limit=None,
        shown=wording(
            Presentation(
                label="earlier attempts",
                decimals=0,
                finding="Chains of an earlier attempt found another mode and stayed there: "
                "{value:,}, farthest away in {worst}",
                setting=None,
            )
        ),
    ),
}


def limits() -> dict[str, Limit]:
    """The limits of all checks, by their keys in the config."""
    return {check.limit.key: check.limit for check in CHECKS.values() if check.limit is not None}


def published_limits(chains: int) -> dict[str, float]:
    """Limits by which a fit of so many chains is tried again, by their keys in the config."""
    return {
        key: limit.retry_limit * (chains if limit.per_chain else 1)
        for key, limit in limits().items()
    }
