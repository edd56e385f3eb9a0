"""Families of successes: Bernoulli, and binomial with a column of trials."""

from partialpool.base.errors import error_text
from partialpool.base.wording import wording
from partialpool.model.family import TRIALS, ResponseFamily, Words


def _kernel(y, eta, parameters, trials, xp):
    return y * eta - (1 if trials is None else trials) * xp.softplus(eta)


def _row_slopes(xp, y, eta, trials):
    softplus, probability = xp.softplus_expit(eta)
    return y * eta - trials * softplus, y - trials * probability


def binomial_coefficient(y, trials, xp):
    return xp.gammaln(trials + 1) - xp.gammaln(y + 1) - xp.gammaln(trials - y + 1)


def _draw_binomial(rng, eta, parameters, trials, xp):
    return rng.binomial(xp.asarray(trials).astype(int), xp.expit(eta))


def _working(y, eta, parameters, trials, count, xp):
    probability = xp.expit(eta)
    return trials * probability * xp.expit(-eta), y - trials * probability


def initial_log_odds(y, trials, offset, centre, xp):
    return xp.logit((y + 0.5) / (trials + 1)) - offset


def _recode(values):
    if len(values) == 2:
        return error_text(f"make {values[0]:g} and {values[1]:g} 0 and 1")
    return None


def count_successes(values):
    if (values >= 0).all() and (values <= 1).all():
        return error_text("give the number of successes, not their share")
    return None


SCALE = wording("Coefficients are on the scale of log odds, log({expected} / (1 − {expected})).")

BERNOULLI = ResponseFamily(
    name="bernoulli",
    link="logit",
    bounds=(0, 1),
    discrete=True,
    merging=TRIALS,
    kernel=_kernel,
    row_slopes=_row_slopes,
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)),
    draw=lambda rng, eta, parameters, trials, xp: rng.binomial(1, xp.expit(eta)),
    working=_working,
    initial=initial_log_odds,
    confounded_in_single_rows=True,
    correction=_recode,
    words=wording(
        Words(
            support="0 or 1",
            response="{y} is 1 with probability p, else 0.",
            expected="probability",
            difference="probability",
            distribution="Bernoulli",
            arguments=("expected",),
            symbol="p",
            scale=SCALE,
            ratio="odds ratio",
            multiplied="odds",
            compared="odds",
        )
    ),
)

BINOMIAL = ResponseFamily(
    name="binomial",
    link="logit",
    bounds=(0, 1),
    discrete=True,
    needs=("trials",),
    merging=TRIALS,
    kernel=_kernel,
    row_slopes=_row_slopes,
    constant=binomial_coefficient,
    draw=_draw_binomial,
    working=_working,
    initial=initial_log_odds,
    correction=count_successes,
    words=wording(
        Words(
            support="whole numbers from 0 to the row's trials",
            response="{y} counts the successes among {trials}, each with probability p.",
            expected="probability",
            difference="probability",
            distribution="Binomial",
            arguments=("trials", "expected"),
            symbol="p",
            scale=SCALE,
            ratio="odds ratio",
            multiplied="odds",
            compared="odds",
        )
    ),
)
