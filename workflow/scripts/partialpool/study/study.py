"""What one study is.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import json
import re
from dataclasses import dataclass

VARIANTS = ("pooled", "unpooled", "hierarchical")

FAMILIES = (
    "gaussian",
    "student_t",
    "bernoulli",
    "binomial",
    "poisson",
    "negative_binomial",
)
SIGMA_FAMILIES = ("gaussian", "student_t")  # those with a residual standard deviation
COUNTS = ("poisson", "negative_binomial")

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CALL = re.compile(rf"\s*([A-Za-z_]\w*)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)?\s*\)\s*")
_BY_FACTOR = re.compile(r"\s*(?:sigma\s*)?~\s*(?:1\s*\+\s*)?\(\s*1\s*\|\s*(.+?)\s*\)\s*")


@dataclass(frozen=True)
class Outcome:
    """How a response is distributed around its expectation, and the columns that say so.

    Attributes
    ----------
    family : str
        One of `FAMILIES`.
    sigma : str or float
        "estimated", "by_group", "~ (1 | group)", a number (known), or a column of known
        standard errors. Of Gaussian and Student-t responses only.
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
    def has_sigma(self) -> bool:
        """Whether the family has a residual standard deviation."""
        return self.family in SIGMA_FAMILIES

    @property
    def errors(self) -> str | None:
        """The column of known standard errors, if that is what `sigma` is."""
        written = isinstance(self.sigma, str) and self.sigma not in ("estimated", "by_group")
        return self.sigma if written and not self.pools_sigma else None

    @property
    def pools_sigma(self) -> bool:
        """Whether each group's sigma is drawn from a distribution that is learned."""
        return isinstance(self.sigma, str) and _BY_FACTOR.fullmatch(self.sigma) is not None

    @property
    def sigma_by_group(self) -> bool:
        """Whether each group has a sigma of its own."""
        return self.sigma == "by_group" or self.pools_sigma

    @property
    def sigma_factor(self) -> str | None:
        """The factor written in `sigma: "~ (1 | group)"`."""
        return _BY_FACTOR.fullmatch(self.sigma)[1].strip("`") if self.pools_sigma else None

    @property
    def sigma_estimated(self) -> bool:
        """Whether sigma is a parameter."""
        return self.has_sigma and (self.sigma == "estimated" or self.sigma_by_group)

    @property
    def columns(self) -> dict[str, str]:
        """The columns it needs besides the formula's, by what they are."""
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
        """From a dict that has them among its keys, such as a rule's `params`."""
        return cls(**{name: block[name] for name in OUTCOME})


OUTCOME = tuple(Outcome.__dataclass_fields__)


@dataclass(frozen=True)
class Study:
    """One table, one formula, and everything that is done with them.

    Attributes
    ----------
    name : str
        Key under `studies`, and what tells it from others of the same block; also the folder of
        its results.
    data : str or None
        Path of the table; None where it is simulated.
    simulate : dict or None
        How the table is simulated; see `partialpool.table.simulate`.
    formula : str
    family, sigma, trials, offset, exposure, weights, precision_weights
        See :class:`Outcome`.
    group_effects : {"normal", "student_t"}
        Distribution of the deviations of groups.
    missing : {"error", "drop"}
        What is done with rows that have gaps.
    key : tuple of str
        Columns that tell rows apart.
    parts : int
        How many jobs share the compression of the table.
    priors : dict of str to str
        As written; defaults are filled in when the data is known.
    variants : tuple of str
        In the order of `VARIANTS`.
    new_data : str or None
        Path of the rows to predict.
    predict : tuple of str
        Whom each row is predicted for: "group" (its own), "new_group", "average_group".
    contrasts : tuple of (int, int)
        Pairs of rows to predict, from 1: the second minus the first.
    sampler : dict
        `chains`, `draws`, `tune`, `target_accept`, `attempts`.
    convergence : dict
        `max_rhat`, `min_ess`, `max_divergences`, `min_ebfmi`.
    interval : float
        Probability inside every reported interval.
    seed : int
        Of the config's seed and the study's name, so that no study moves another's.
    settings : dict
        Values of all other keys of the schema, for the steps that use them.
    """

    name: str
    data: str | None
    simulate: dict | None
    formula: str
    family: str
    sigma: str | float
    trials: str | None
    offset: str | None
    exposure: str | None
    weights: str | None
    precision_weights: str | None
    group_effects: str
    missing: str
    key: tuple[str, ...]
    parts: int
    priors: dict[str, str]
    variants: tuple[str, ...]
    new_data: str | None
    predict: tuple[str, ...]
    contrasts: tuple[tuple[int, int], ...]
    sampler: dict
    convergence: dict
    interval: float
    seed: int
    settings: dict

    def block(self, *names: str) -> dict:
        """The named fields and settings as one dict of plain values, for a rule's `params`."""
        values = self.settings | vars(self)
        return json.loads(json.dumps({name: values[name] for name in names}))


def call(text: str) -> tuple[str, tuple[float, ...]] | None:
    """Read `name(number, ...)`; None for anything else. Nothing is evaluated."""
    match = _CALL.fullmatch(text)
    if not match:
        return None
    return match[1], tuple(float(number) for number in (match[2] or "").split(",") if number)
