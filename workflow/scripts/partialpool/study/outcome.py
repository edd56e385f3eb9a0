"""The keys of a study about its response: family, sigma, and columns such as trials and weights.

Imported while the workflow is parsed, so nothing scientific is imported here. What depends on the
family is answered by its record in `partialpool.model.families`.
"""

import re
from dataclasses import dataclass

_BY_FACTOR = re.compile(r"\s*(?:sigma\s*)?~\s*(?:1\s*\+\s*)?\(\s*1\s*\|\s*(.+?)\s*\)\s*")


@dataclass(frozen=True)
class Outcome:
    """The family of a response, how its sigma is modelled, and its columns besides the formula's.

    Attributes
    ----------
    family : str
        A key of `partialpool.model.families.FAMILIES`.
    sigma : str or float
        "estimated", "by_group", "~ (1 | group)", a number (known), or a column of known
        standard errors. It has no meaning for families without a residual scale.
    trials, offset, exposure, weights, precision_weights : str or None
        Columns: trials of a binomial row; a term of the linear predictor whose coefficient is
        one; what a count is proportional to; how often a row counts; what sigma^2 is divided by.
    """

    family: str = "gaussian"
    sigma: str | float = "estimated"
    trials: str | None = None
    offset: str | None = None
    exposure: str | None = None
    weights: str | None = None
    precision_weights: str | None = None

    @property
    def errors(self) -> str | None:
        """The column of known standard errors, if that is what `sigma` is."""
        written = isinstance(self.sigma, str) and self.sigma not in ("estimated", "by_group")
        return self.sigma if written and not self.has_hierarchical_sigma else None

    @property
    def has_hierarchical_sigma(self) -> bool:
        """Whether each group's sigma is drawn from a distribution that is learned."""
        return isinstance(self.sigma, str) and _BY_FACTOR.fullmatch(self.sigma) is not None

    @property
    def sigma_by_group(self) -> bool:
        """Whether each group has a sigma of its own."""
        return self.sigma == "by_group" or self.has_hierarchical_sigma

    @property
    def sigma_factor(self) -> str | None:
        """The factor written in `sigma: "~ (1 | group)"`."""
        return (
            _BY_FACTOR.fullmatch(self.sigma)[1].strip("`") if self.has_hierarchical_sigma else None
        )

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the table that are used besides the formula's, by their role."""
        found = {
            "standard errors": self.errors,
            "trials": self.trials,
            "offset": self.offset,
            "exposure": self.exposure,
            "weights": self.weights,
            "precision weights": self.precision_weights,
        }
        return {role: column for role, column in found.items() if column is not None}

    @classmethod
    def of(cls, block: dict) -> "Outcome":
        """Read the keys of `OUTCOME` from a dict with others, such as a rule's `params`."""
        return cls(**{name: block[name] for name in OUTCOME})


OUTCOME = tuple(Outcome.__dataclass_fields__)
