"""Link functions: from the expected response to the linear predictor eta."""

from collections.abc import Callable
from dataclasses import dataclass

from partialpool.base.wording import wording


@dataclass(frozen=True)
class Link:
    """A link function.

    Attributes
    ----------
    inverse : callable
        `(eta, xp)` to the expected response.
    centre : callable or None
        `(y, count, trials, offset, half, xp)`, all but `half` of shape `(row,)`, to the linear
        predictor of a model that has only an intercept; `half` a count more keeps it finite where
        responses are counts, and is zero where they are not. Default priors are then on a scale of
        one. None where eta is on the response's own scale, of which they take the mean and the sd.
    has_ratio : bool
        Whether the exponential of a coefficient is a ratio, of odds or of means. Where it is not,
        eta is on the response's own scale.
    clip_eta : bool
        Whether the inverse overflows where eta is large, as it may be under a wide prior.
    coefficient_scale : str
        How a coefficient is described in the report: empty, or ", in log odds".
    intercept_scale : str
        What an intercept is: "log odds"; `{expected}` stands for the expected response.
    """

    inverse: Callable
    centre: Callable | None
    has_ratio: bool
    clip_eta: bool
    coefficient_scale: str
    intercept_scale: str


def _log_odds(y, count, trials, offset, half, xp):
    """The log odds that, with each row's offset added, have the observed mean probability."""
    from scipy import optimize

    # Half a success and half a failure more.
    total = (count * trials).sum()
    mean, weight = ((count * y).sum() + half) / (total + 2 * half), count * trials / total
    own = xp.logit(mean)
    return optimize.brentq(
        lambda log_odds: weight @ xp.expit(log_odds + offset) - mean,
        own - offset.max() - 1e-6,
        own - offset.min() + 1e-6,
    )


def _log_rate(y, count, trials, offset, half, xp):
    """Log of the mean response per unit of exposure."""
    return xp.log(((count * y).sum() + half) / (count * xp.exp(offset)).sum())


LINKS = {
    "identity": Link(
        inverse=lambda eta, xp: eta,
        centre=None,
        has_ratio=False,
        clip_eta=False,
        coefficient_scale="",
        intercept_scale=wording("expected response"),
    ),
    "logit": Link(
        inverse=lambda eta, xp: xp.expit(eta),
        centre=_log_odds,
        has_ratio=True,
        clip_eta=False,
        coefficient_scale=wording(", in log odds"),
        intercept_scale=wording("log odds"),
    ),
    "log": Link(
        inverse=lambda eta, xp: xp.exp(eta),
        centre=_log_rate,
        has_ratio=True,
        clip_eta=True,
        coefficient_scale=wording(", on the log scale"),
        intercept_scale=wording("log of the {expected}"),
    ),
}
