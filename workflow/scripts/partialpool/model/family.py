"""The record of a response family: all that the other modules know of a family."""

from collections.abc import Callable
from dataclasses import dataclass

from partialpool.base.wording import wording
from partialpool.model.links import LINKS
from partialpool.model.prior_families import FAMILIES as PRIOR_FAMILIES
from partialpool.study.outcome import Outcome

INFINITY = float("inf")
# How rows of a family that have the same predictors, groups and offset are merged.
TRIANGLES = "triangles"  # the triangle of their QR decomposition
TRIALS = "trials"  # one row with the successes and trials of all
EXPOSURES = "exposures"  # one row with the sum of responses and of exposures
MEANS = "means"  # one row with the mean of responses, and their number
COPIES = "copies"  # one row for each distinct response, with the number of its copies
MERGING = (TRIANGLES, TRIALS, EXPOSURES, MEANS, COPIES)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the response's distribution besides the linear predictor.

    It is positive or, as a probability, from 0 to 1: as its default prior.

    Attributes
    ----------
    name : str
        In the config's `priors` and `simulate` blocks, and in `summary.csv`.
    prior : str
        Default prior; `{scale}` stands for the sd of the response.
    initial : float
        Value from which the working model is found.
    symbol : str
        In the report's mathematics; a record has it as `wording("σ")`.
    scaled : bool
        Whether `initial` is in units of the response's sd.
    """

    name: str
    prior: str
    initial: float
    symbol: str
    scaled: bool = False

    @property
    def support(self) -> str:
        """That of its prior."""
        return PRIOR_FAMILIES[self.prior.partition("(")[0]].support


@dataclass(frozen=True)
class Words:
    """How a family is described in messages and in the report.

    A record has them as `wording(Words(...))`, so that an edit reruns what shows them and no fit:
    see :mod:`partialpool.base.wording`.

    Attributes
    ----------
    support : str
        What a response may be.
    response : str
        A sentence about the distribution; `{y}` and `{trials}` stand for column names.
    expected : str
        The expected response, of one trial or of one row: "mean", "probability".
    linked : str
        What the inverse link of eta is, where that is not the expected response: "median".
    expected_per_exposure : str
        The same of one unit of exposure.
    difference : str
        What a contrast of two rows is a difference in; `{y}` stands for the response.
    scale : str
        A sentence about the scale of the coefficients, empty for the identity link; `{expected}`
        stands for the symbol of the expected response or for the rate per unit of exposure.
    ratio : str
        What the exponential of a coefficient is, such as "odds ratio"; empty for the identity
        link.
    multiplied : str
        What that ratio multiplies; empty where this is the expected response.
    compared : str
        What the ratio of two rows compares.
    distribution, arguments, symbol : str, tuple of str, str
        The likelihood in mathematics. Arguments are "expected", "trials", or names of parameters;
        the symbol is that of the inverse link of eta, which is "expected".
    sigma, sigma_squared : str
        What sigma and its square are.
    """

    support: str
    response: str
    expected: str
    distribution: str
    arguments: tuple[str, ...]
    difference: str
    linked: str = ""
    symbol: str = wording("μ")
    expected_per_exposure: str = ""
    scale: str = ""
    ratio: str = ""
    multiplied: str = ""
    compared: str = ""
    sigma: str = wording("scale")
    sigma_squared: str = wording("squared scale")


@dataclass(frozen=True)
class ResponseFamily:
    """A distribution of the response given its linear predictor eta.

    Functions take the array module `xp`, see :mod:`partialpool.model.arrays`.

    Attributes
    ----------
    name : str
        In the config.
    link : {"identity", "logit", "log"}
        From the expected response (of one trial, of one unit of exposure), or what else the
        record's words say is `linked`, to eta.
    words : Words
    kernel : callable
        `(y, eta, parameters, trials, xp)` to the log density without its `constant`; for arrays
        and for PyTensor's variables.
    constant : callable
        `(y, trials, xp)` to the part of the log density that no parameter changes.
    draw : callable
        `(rng, eta, parameters, trials, xp)` to new responses.
    working : callable
        `(y, eta, parameters, trials, count, xp)` to the expected information, or about that, and
        the score of each row in eta. It affects the speed of the sampler, not what it draws.
    initial : callable
        `(y, trials, offset, centre, xp)` to the eta, without offset, that each row has alone.
        `centre` is eta at the mean of all rows.
    row_slopes : callable, optional
        `(xp, y, eta, trials, *parameters)` of one row to its `kernel`, and the derivatives of that
        in eta and in each parameter. It is compiled, so it is arithmetic without branches or
        calls, except of the functions of :mod:`partialpool.engine.arithmetic`, its `xp`. A family
        without it is sampled by PyMC's density, which is slower.
    parameters : tuple of Parameter
        In the order of the results.
    mean : callable, optional
        `(eta, parameters, xp)` to the expected response, of one trial or of the exposure in eta,
        where it is not the inverse link of eta.
    estimate : callable, optional
        `(y, linear, offset, parameters, trials, count, freedom, xp)` to rough values of
        parameters, by name; `linear` is eta without offset, `freedom()` the residual degrees of
        freedom. Those not returned keep their value.
    bounds : tuple of float
        Infimum and supremum of the response, of one trial or one row.
    atoms : tuple of float
        Responses of a density that have a probability of their own.
    discrete : bool
        Whether responses are whole numbers.
    needs, takes : tuple of str
        Keys of the config about the response that the family must have, and may have: `trials`;
        `exposure`, `sigma`, `precision_weights`. All families take `offset` and `weights`.
    sigma_by_group : bool
        Whether each group may have its own sigma.
    merging : str
        One of `MERGING`.
    robust : bool
        Whether default priors take the response's location and scale from its median and median
        absolute deviation, which outliers do not move, instead of its mean and sd.
    log_concave : bool
        Whether the density is log-concave in eta, so that it has a single mode.
    confounded_in_single_rows : bool
        Whether the noise of a group's only row cannot be told from the group's effect.
    unbounded_at_ties : bool
        Whether the density grows without bound at responses that are all the same.
    zero_probability : callable, optional
        `(y, mean, xp)` to the probability of zero in each row of counts with these means.
    wider : str
        The family to consider where counts vary more than this one allows.
    correction : callable, optional
        `(distinct responses)` outside the support to what to do about them in words, or None.
    """

    name: str
    link: str
    words: Words
    kernel: Callable
    constant: Callable
    draw: Callable
    working: Callable
    initial: Callable
    row_slopes: Callable | None = None
    parameters: tuple[Parameter, ...] = ()
    mean: Callable | None = None
    estimate: Callable | None = None
    bounds: tuple[float, float] = (-INFINITY, INFINITY)
    atoms: tuple[float, ...] = ()
    discrete: bool = False
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    sigma_by_group: bool = False
    merging: str = COPIES
    robust: bool = False
    log_concave: bool = True
    confounded_in_single_rows: bool = False
    unbounded_at_ties: bool = False
    zero_probability: Callable | None = None
    wider: str = ""
    correction: Callable | None = None

    def __post_init__(self):
        if self.link not in LINKS or self.merging not in MERGING:
            raise ValueError(f"{self.name}: unknown link {self.link!r} or merging {self.merging!r}")

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of :attr:`parameters`."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def has_sigma(self) -> bool:
        """Whether the family has a residual scale."""
        return "sigma" in self.parameter_names

    @property
    def normal(self) -> bool:
        """Whether responses are normal around eta, so that group effects integrate out exactly."""
        return self.merging == TRIANGLES

    @property
    def bounded(self) -> bool:
        """Whether the expected response is between 0 and 1."""
        return self.bounds == (0, 1)

    @property
    def binary(self) -> bool:
        """Whether every response is 0 or 1."""
        return self.discrete and self.bounded and "trials" not in self.needs

    @property
    def is_probability(self) -> bool:
        """Whether the expected response is the probability of a success."""
        return self.discrete and self.bounded

    def estimates_sigma(self, outcome: Outcome) -> bool:
        """Whether sigma is a parameter, rather than known or absent."""
        return self.has_sigma and (outcome.sigma == "estimated" or outcome.sigma_by_group)

    def has_hierarchical_sigma(self, outcome: Outcome) -> bool:
        """Whether the sigma of each group is drawn from a distribution that is estimated."""
        return self.has_sigma and outcome.has_hierarchical_sigma

    def expected(self, eta, parameters: dict):
        """Expected response, of one trial or of the exposure in eta."""
        if self.mean is not None:
            return self.mean(eta, parameters, _numpy())
        return LINKS[self.link].inverse(eta, _numpy())

    def log_density(self, y, eta, parameters: dict, trials=None):
        """Log density or log probability of responses, broadcasting over all arguments."""
        return self.log_kernel(y, eta, parameters, trials) + self.log_constant(y, trials)

    def log_kernel(self, y, eta, parameters: dict, trials=None):
        """:attr:`kernel` of arrays."""
        return self.kernel(y, eta, parameters, trials, _numpy())

    def log_constant(self, y, trials=None):
        """:attr:`constant` of arrays."""
        return self.constant(y, trials, _numpy())

    def responses(self, rng, eta, parameters: dict, trials=None):
        """Draw new responses, broadcasting over eta, parameters and trials."""
        return self.draw(rng, eta, parameters, trials, _numpy())

    def outside(self, y, trials=None):
        """Which responses are outside the support, shape `(row,)`."""
        xp = _numpy()
        low, high = self.bounds
        wrong = ~xp.isfinite(y)
        if self.discrete:
            highest = high * trials if "trials" in self.needs else high
            return wrong | (y != xp.floor(y)) | (y < low) | (y > highest)
        # Bounds of a density are not part of its support.
        return wrong | (((y <= low) | (y >= high)) & ~xp.isin(y, self.atoms))


def _numpy():
    """The array module; imported late, as the config is checked without it."""
    from partialpool.model.arrays import NUMPY

    return NUMPY
