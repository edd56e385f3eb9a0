"""The response families, and the columns that a likelihood uses besides the response.

Imported while the workflow is parsed, so nothing scientific is imported at the top.
"""

from collections.abc import Mapping

from partialpool.base.errors import UserError
from partialpool.model.continuous import GAUSSIAN, STUDENT_T
from partialpool.model.counts import NEGATIVE_BINOMIAL, POISSON
from partialpool.model.family import ResponseFamily
from partialpool.model.hurdle import (
    HURDLE_GAMMA,
    HURDLE_LOGNORMAL,
    HURDLE_NEGATIVE_BINOMIAL,
    HURDLE_POISSON,
)
from partialpool.model.positive import EXPONENTIAL, GAMMA, LOGNORMAL, WEIBULL
from partialpool.model.proportions import BETA, BETA_BINOMIAL
from partialpool.model.successes import BERNOULLI, BINOMIAL
from partialpool.model.zero_inflated import ZERO_INFLATED_NEGATIVE_BINOMIAL, ZERO_INFLATED_POISSON
from partialpool.study.outcome import Outcome

FAMILIES = {
    family.name: family
    for family in (
        *(GAUSSIAN, STUDENT_T, BERNOULLI, BINOMIAL, POISSON, NEGATIVE_BINOMIAL),
        *(LOGNORMAL, GAMMA, WEIBULL, EXPONENTIAL, BETA, BETA_BINOMIAL),
        *(ZERO_INFLATED_POISSON, ZERO_INFLATED_NEGATIVE_BINOMIAL),
        *(HURDLE_POISSON, HURDLE_NEGATIVE_BINOMIAL, HURDLE_LOGNORMAL, HURDLE_GAMMA),
    )
}


def family_of(outcome: Outcome) -> ResponseFamily:
    """The family of an outcome."""
    return FAMILIES[outcome.family]


def parameter_supports() -> dict[str, str]:
    """Supports of the parameters of all families, by name."""
    return {one.name: one.support for family in FAMILIES.values() for one in family.parameters}


def parameter_names() -> tuple[str, ...]:
    """Names of the parameters of all families, each once."""
    return tuple(parameter_supports())


def check(outcome: Outcome, written: Mapping, where: str) -> None:
    """Check that a study's keys about the response go with its family.

    Parameters
    ----------
    outcome : Outcome
    written : mapping
        The study's block of the config.
    where : str
        File and block, for the message.

    Raises
    ------
    UserError
        For the first key that is missing or does not apply.
    """
    family = family_of(outcome)
    if "trials" in family.needs and not outcome.trials:
        raise UserError(f"{where}: no `trials`; add the column with the trials of each row")
    if outcome.trials and "trials" not in family.needs:
        raise UserError(f"{where}.trials: family {family.name} has none; leave it out")
    if outcome.exposure and "exposure" not in family.takes:
        having = [name for name, other in FAMILIES.items() if "exposure" in other.takes]
        raise UserError(
            f"{where}.exposure: family {family.name} has none, only {', '.join(having)} have; "
            "leave it out"
        )
    if "sigma" in written and "sigma" not in family.takes:
        raise UserError(f"{where}.sigma: family {family.name} has none; leave it out")
    if outcome.sigma_by_group and not family.sigma_by_group:
        having = [name for name, other in FAMILIES.items() if other.sigma_by_group]
        raise UserError(
            f"{where}.sigma: {outcome.sigma!r} goes with family {', '.join(having)}; "
            f"{family.name} takes 'estimated', a number or a column of standard errors"
        )
    if outcome.precision_weights and "precision_weights" not in family.takes:
        raise UserError(
            f"{where}.precision_weights: family {family.name} has no sigma that they could "
            "divide; leave it out"
        )
    if outcome.precision_weights and outcome.errors:
        raise UserError(
            f"{where}.precision_weights: the standard errors in {outcome.errors!r} are known; "
            "divide these by the roots of the weights, and leave it out"
        )


def columns(table, outcome: Outcome) -> dict:
    """The values of an outcome's columns, each of shape `(row,)`, by their role.

    Rows to predict need not have all of them: without precision weights these are one, and
    standard errors are not numbers.
    """
    import numpy as np

    absent = {"precision weights": 1.0}
    return {
        role: table[name].to_numpy(dtype=float)
        if name in table
        else np.full(len(table), absent.get(role, np.nan))
        for role, name in outcome.columns.items()
    }


def offset(values: dict, rows: int):
    """What is added to the linear predictor: the offset and the log of the exposure, `(row,)`."""
    import numpy as np

    total = np.zeros(rows)
    if "offset" in values:
        total = total + values["offset"]
    if "exposure" in values:
        total = total + np.log(values["exposure"])
    return total


def relative_sd(values: dict):
    """Residual sd of each row in units of sigma, `(row,)`; None where it is one in all rows.

    Known standard errors are in units of one.
    """
    if "precision weights" in values:
        return values["precision weights"] ** -0.5
    return values.get("standard errors")


def share_of_mean(values: dict, rows: int):
    """Weight of each row in a mean of responses, `(row,)`."""
    import numpy as np

    weights = np.ones(rows)
    for role in ("weights", "precision weights"):
        weights = weights * values.get(role, 1.0)
    return weights
