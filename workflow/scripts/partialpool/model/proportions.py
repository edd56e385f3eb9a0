"""Families of proportions that vary beyond chance: beta, and beta-binomial with a column of trials.

Both have the mean mu = expit(eta) and the precision phi (Ferrari & Cribari-Neto 2004,
https://doi.org/10.1080/0266476042000214501): a share is Beta(mu phi, (1 - mu) phi), and successes
among trials are binomial given such a share.
"""

from partialpool.base.errors import error_text
from partialpool.base.wording import wording
from partialpool.model.family import Parameter, ResponseFamily, Words
from partialpool.model.successes import (
    SCALE,
    binomial_coefficient,
    count_successes,
    initial_log_odds,
)

PHI = Parameter("phi", prior="half_cauchy(10)", initial=10.0, symbol=wording("φ"))
SMALLEST = 1e-100  # shape that can be drawn from, where a prior allows less; and share drawn
NEAREST = 1e-16  # of a drawn share to one
LEAST_PHI, LARGEST_PHI = 0.1, 1e4  # rough values
EXACT = 30  # trials up to which the information is summed over all responses


def _shapes(eta, parameters, xp):
    """mu phi and (1 - mu) phi."""
    return xp.expit(eta) * parameters["phi"], xp.expit(-eta) * parameters["phi"]


def _beta(y, eta, parameters, trials, xp):
    a, b = _shapes(eta, parameters, xp)
    normalised = xp.gammaln(parameters["phi"]) - xp.gammaln(a) - xp.gammaln(b)
    return normalised + a * xp.log(y) + b * xp.log1p(-y)


def _beta_row(xp, y, eta, trials, phi):
    _, mu = xp.softplus_expit(eta)
    _, rest = xp.softplus_expit(-eta)
    a, b = mu * phi, rest * phi
    log_y, log_rest = xp.log(y), xp.log1p(-y)
    density = xp.gammaln(phi) - xp.gammaln(a) - xp.gammaln(b) + a * log_y + b * log_rest
    in_a, in_b = log_y - xp.digamma(a), log_rest - xp.digamma(b)
    return density, phi * mu * rest * (in_a - in_b), xp.digamma(phi) + mu * in_a + rest * in_b


def _draw_beta(rng, eta, parameters, trials, xp):
    a, b = _shapes(eta, parameters, xp)
    drawn = rng.beta(xp.maximum(a, SMALLEST), xp.maximum(b, SMALLEST))
    return xp.clip(drawn, SMALLEST, 1 - NEAREST)


def _beta_working(y, eta, parameters, trials, count, xp):
    a, b = _shapes(eta, parameters, xp)
    slope = xp.expit(-eta) * a  # of a in eta, and minus that of b
    information = slope**2 * (xp.trigamma(a) + xp.trigamma(b))
    return count * information, count * slope * (xp.logit(y) - xp.digamma(a) + xp.digamma(b))


def _beta_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    """phi by moments."""
    mu = xp.expit(linear + offset)
    variance = (count * (y - mu) ** 2 / (mu * (1 - mu))).sum() / freedom()
    return {"phi": float(xp.clip(1 / variance - 1, LEAST_PHI, LARGEST_PHI))}


def _initial_beta(y, trials, offset, centre, xp):
    return xp.logit(y) - offset


def _to_shares(values):
    if (values >= 0).all() and (values <= 1).all():
        return error_text(
            "with counts behind the shares, give these as the response, their totals as "
            "`trials`, and family beta_binomial"
        )
    if (values >= 0).all() and (values <= 100).all():
        return error_text("divide percentages by 100")
    return None


def _beta_binomial(y, eta, parameters, trials, xp):
    phi = parameters["phi"]
    a, b = _shapes(eta, parameters, xp)
    found = xp.gammaln(y + a) + xp.gammaln(trials - y + b) - xp.gammaln(trials + phi)
    return found - xp.gammaln(a) - xp.gammaln(b) + xp.gammaln(phi)


def _beta_binomial_row(xp, y, eta, trials, phi):
    _, mu = xp.softplus_expit(eta)
    _, rest = xp.softplus_expit(-eta)
    a, b, left = mu * phi, rest * phi, trials - y
    density = xp.gammaln(y + a) + xp.gammaln(left + b) - xp.gammaln(trials + phi)
    density = density - xp.gammaln(a) - xp.gammaln(b) + xp.gammaln(phi)
    in_a, in_b = xp.digamma(y + a) - xp.digamma(a), xp.digamma(left + b) - xp.digamma(b)
    in_phi = mu * in_a + rest * in_b + xp.digamma(phi) - xp.digamma(trials + phi)
    return density, phi * mu * rest * (in_a - in_b), in_phi


def _draw_beta_binomial(rng, eta, parameters, trials, xp):
    share = _draw_beta(rng, eta, parameters, trials, xp)
    return rng.binomial(xp.asarray(trials).astype(int), share)


def _beta_binomial_working(y, eta, parameters, trials, count, xp):
    a, b = _shapes(eta, parameters, xp)
    slope = xp.expit(-eta) * a

    def score(y):
        in_a, in_b = xp.digamma(y + a) - xp.digamma(a), xp.digamma(trials - y + b) - xp.digamma(b)
        return slope * (in_a - in_b)

    phi = parameters["phi"]
    if trials.max() > EXACT:  # that of a mean with the variance of the response
        variance = xp.expit(eta) * xp.expit(-eta)
        information = trials * variance * (phi + 1) / (phi + trials)
    else:
        information = 0.0
        for one in range(int(trials.max()) + 1):
            kept = xp.minimum(one, trials)
            density = _beta_binomial(kept, eta, parameters, trials, xp)
            probability = xp.exp(density + binomial_coefficient(kept, trials, xp))
            information = information + (one <= trials) * probability * score(kept) ** 2
    return count * information, count * score(y)


def _beta_binomial_estimate(y, linear, offset, parameters, trials, count, freedom, xp):
    """phi by moments, which has nothing to go by where all rows have one trial."""
    mu = xp.expit(linear + offset)
    variance = trials * mu * (1 - mu)
    excess = (count * ((y - trials * mu) ** 2 - variance)).sum()
    most = (count * (trials - 1) * variance).sum()
    share = xp.clip(excess / most, 1 / LARGEST_PHI, 1 / (1 + LEAST_PHI)) if most > 0 else 0.1
    return {"phi": float(1 / share - 1)}


BETA = ResponseFamily(
    name="beta",
    link="logit",
    bounds=(0, 1),
    parameters=(PHI,),
    kernel=_beta,
    row_slopes=_beta_row,
    constant=lambda y, trials, xp: -xp.log(y) - xp.log1p(-y),
    draw=_draw_beta,
    working=_beta_working,
    initial=_initial_beta,
    estimate=_beta_estimate,
    log_concave=False,
    confounded_in_single_rows=True,
    correction=_to_shares,
    words=wording(
        Words(
            support="numbers between 0 and 1, which are excluded",
            response="{y} is a share between 0 and 1 with expected value μ and variance "
            "μ(1 − μ)/(1 + φ).",
            expected="mean",
            difference="expected {y}",
            distribution="Beta",
            arguments=("expected", "phi"),
            scale=SCALE,
            ratio="odds ratio",
            multiplied="odds",
            compared="odds",
        )
    ),
)

BETA_BINOMIAL = ResponseFamily(
    name="beta_binomial",
    link="logit",
    bounds=(0, 1),
    discrete=True,
    needs=("trials",),
    parameters=(PHI,),
    kernel=_beta_binomial,
    row_slopes=_beta_binomial_row,
    constant=binomial_coefficient,
    draw=_draw_beta_binomial,
    working=_beta_binomial_working,
    initial=initial_log_odds,
    estimate=_beta_binomial_estimate,
    log_concave=False,
    correction=count_successes,
    words=wording(
        Words(
            support="whole numbers from 0 to the row's trials",
            response="{y} counts the successes among {trials}, whose probability differs between "
            "rows around its mean p: the smaller φ, the more it does.",
            expected="probability",
            difference="probability",
            distribution="BetaBinomial",
            arguments=("trials", "expected", "phi"),
            symbol="p",
            scale=SCALE,
            ratio="odds ratio",
            multiplied="odds",
            compared="odds",
        )
    ),
)
