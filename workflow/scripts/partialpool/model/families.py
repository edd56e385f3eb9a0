"""Families: how a response is distributed around its linear predictor.

Densities are written once, for arrays of numbers and for PyTensor's symbols; `xp` is
:data:`NUMPY` or `pytensor.tensor`, of which they use `exp`, `gammaln`, `log`, `log1p`,
`logaddexp` and `softplus`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from scipy import special

from partialpool.study.study import Outcome

NUMPY = SimpleNamespace(
    exp=np.exp,
    gammaln=special.gammaln,
    log=np.log,
    log1p=np.log1p,
    # Ten times as fast as numpy's own.
    logaddexp=lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))),
    softplus=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
)
LOG_2PI = np.log(2 * np.pi)


@dataclass(frozen=True)
class ResponseFamily:
    """A distribution of the response, given its linear predictor eta.

    Attributes
    ----------
    link : {"identity", "logit", "log"}
        From the expected response (of one trial, of one unit of exposure) to eta.
    parameters : tuple of str
        Of its own, besides eta: `sigma`, `nu` (degrees of freedom), `alpha` (of a negative
        binomial, whose variance is mu + mu^2 / alpha).
    support : str
        What the response may be, in words.
    kernel : callable
        `(y, eta, parameters, trials, xp)` to the log density, without what :attr:`constant` has.
    constant : callable
        `(y, trials)` to the part of the log density that no parameter changes.
    draw : callable
        `(rng, eta, parameters, trials)` to new responses.
    robust : bool
        Whether default priors take the response's scale from its median and median absolute
        deviation, which a few responses far out do not move, instead of its mean and sd.
    """

    link: str
    parameters: tuple[str, ...]
    support: str
    kernel: Callable
    constant: Callable
    draw: Callable
    robust: bool = False

    @property
    def discrete(self) -> bool:
        """Whether responses are whole numbers."""
        return self.link != "identity"

    def inverse_link(self, eta):
        """Expected response, of one trial or of the exposure in eta."""
        return {"identity": lambda x: x, "logit": special.expit, "log": np.exp}[self.link](eta)

    def log_density(self, y, eta, parameters: dict, trials=None):
        """Log density or log probability of responses, broadcasting over all arguments."""
        kernel = self.kernel(y, eta, parameters, trials, NUMPY)
        return kernel + self.constant(y, trials)


def _gaussian(y, eta, parameters, trials, xp):
    sigma = parameters["sigma"]
    return -0.5 * ((y - eta) / sigma) ** 2 - xp.log(sigma)


def _student_t(y, eta, parameters, trials, xp):
    sigma, nu = parameters["sigma"], parameters["nu"]
    normalised = xp.gammaln((nu + 1) / 2) - xp.gammaln(nu / 2) - 0.5 * xp.log(nu) - xp.log(sigma)
    return normalised - (nu + 1) / 2 * xp.log1p(((y - eta) / sigma) ** 2 / nu)


def _binomial(y, eta, parameters, trials, xp):
    return y * eta - (1 if trials is None else trials) * xp.softplus(eta)


def _poisson(y, eta, parameters, trials, xp):
    return y * eta - xp.exp(eta)


def _negative_binomial(y, eta, parameters, trials, xp):
    alpha = parameters["alpha"]
    ways = xp.gammaln(y + alpha) - xp.gammaln(alpha)
    return ways + alpha * xp.log(alpha) + y * eta - (y + alpha) * xp.logaddexp(xp.log(alpha), eta)


def _ways(y, trials):
    return special.gammaln(trials + 1) - special.gammaln(y + 1) - special.gammaln(trials - y + 1)


def _draw_negative_binomial(rng, eta, parameters, trials):
    # A prior may say 0, to the digits of a float.
    alpha = np.broadcast_to(np.maximum(parameters["alpha"], 1e-10), np.shape(eta))
    return rng.poisson(_bounded(np.exp(eta) * rng.gamma(alpha) / alpha))


def _bounded(rate):
    """A prior may allow rates that no generator of counts can hold."""
    return np.minimum(rate, 1e15)


FAMILIES = {
    "gaussian": ResponseFamily(
        link="identity",
        parameters=("sigma",),
        support="numbers",
        kernel=_gaussian,
        constant=lambda y, trials: np.full(np.shape(y), -0.5 * LOG_2PI),
        draw=lambda rng, eta, p, trials: eta + p["sigma"] * rng.standard_normal(np.shape(eta)),
    ),
    "student_t": ResponseFamily(
        link="identity",
        parameters=("sigma", "nu"),
        support="numbers",
        kernel=_student_t,
        constant=lambda y, trials: np.full(np.shape(y), -0.5 * np.log(np.pi)),
        draw=lambda rng, eta, p, trials: eta + p["sigma"] * rng.standard_t(p["nu"], np.shape(eta)),
        robust=True,
    ),
    "bernoulli": ResponseFamily(
        link="logit",
        parameters=(),
        support="0 or 1",
        kernel=_binomial,
        constant=lambda y, trials: np.zeros(np.shape(y)),
        draw=lambda rng, eta, p, trials: rng.binomial(1, special.expit(eta)),
    ),
    "binomial": ResponseFamily(
        link="logit",
        parameters=(),
        support="whole numbers from 0 to the row's trials",
        kernel=_binomial,
        constant=_ways,
        draw=lambda rng, eta, p, trials: rng.binomial(
            np.asarray(trials).astype(int), special.expit(eta)
        ),
    ),
    "poisson": ResponseFamily(
        link="log",
        parameters=(),
        support="whole numbers, 0 or more",
        kernel=_poisson,
        constant=lambda y, trials: -special.gammaln(y + 1),
        draw=lambda rng, eta, p, trials: rng.poisson(_bounded(np.exp(eta))),
    ),
    "negative_binomial": ResponseFamily(
        link="log",
        parameters=("alpha",),
        support="whole numbers, 0 or more",
        kernel=_negative_binomial,
        constant=lambda y, trials: -special.gammaln(y + 1),
        draw=_draw_negative_binomial,
    ),
}


def outside(family: str, y: np.ndarray, trials=None) -> np.ndarray:
    """Which responses the family cannot give, shape `(row,)`."""
    wrong = ~np.isfinite(y)
    if FAMILIES[family].discrete:
        wrong |= (y != np.floor(y)) | (y < 0)
    if family == "bernoulli":
        wrong |= y > 1
    if family == "binomial":
        wrong |= y > trials
    return wrong


def columns(table, outcome: Outcome) -> dict[str, np.ndarray]:
    """The values of an outcome's columns, each of shape `(row,)`, by what they are.

    Rows to predict need not have all of them: without precision weights these are one, and
    standard errors are not numbers.
    """
    absent = {"precision weights": 1.0}
    return {
        role: table[name].to_numpy(dtype=float)
        if name in table
        else np.full(len(table), absent.get(role, np.nan))
        for role, name in outcome.columns.items()
    }


def offset(found: dict[str, np.ndarray], rows: int) -> np.ndarray:
    """What is added to the linear predictor: the offset and the log of the exposure, `(row,)`."""
    total = np.zeros(rows)
    if "offset" in found:
        total = total + found["offset"]
    if "exposure" in found:
        total = total + np.log(found["exposure"])
    return total


def relative_sd(found: dict[str, np.ndarray]) -> np.ndarray | None:
    """Residual sd of each row in units of sigma, `(row,)`; None where it is one in all rows.

    Known standard errors are in units of one.
    """
    if "precision weights" in found:
        return found["precision weights"] ** -0.5
    return found.get("standard errors")


def share_of_mean(found: dict[str, np.ndarray], rows: int) -> np.ndarray:
    """How much each row counts in a mean of responses, `(row,)`."""
    weights = np.ones(rows)
    for role in ("weights", "precision weights"):
        weights = weights * found.get(role, 1.0)
    return weights
