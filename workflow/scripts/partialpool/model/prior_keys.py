"""Check the priors of the config: their vocabulary, and that each names a parameter it fits.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

from partialpool.base.errors import UserError, nearest
from partialpool.model import families, parameter_names
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior, check_support, of_response


def check(given: dict[str, str], where: str) -> None:
    """Check how configured priors are written, before any data is read.

    Which parameter a key names, and so which priors fit it, is known once there is a design: a
    predictor may be called `sigma`.

    Raises
    ------
    UserError
        For the first prior that is not one.
    """
    for key, text in given.items():
        Prior.parse(text, f"{where}.{key}")


def supports(given: dict[str, str]) -> dict[str, str]:
    """The support of each configured prior, by key.

    Reading a table depends on no more of them, so that other numbers do not read it again.
    """
    return {key: FAMILIES[Prior.parse(given[key]).family].support for key in sorted(given)}


def check_keys(given: dict[str, str], design, outcome, group_effects: str, where: str) -> None:
    """Check that every configured prior names a parameter of the model, and fits it.

    Parameters
    ----------
    given : dict of str to str
        From :func:`supports`.
    design : partialpool.design.design.Design
    outcome : partialpool.study.outcome.Outcome
    group_effects : {"normal", "student_t"}
    where : str
        File and key, for the message.

    Raises
    ------
    UserError
        With the nearest known key, or the families that fit.
    """
    coefficients = dict.fromkeys([*design.coefficients, *design.terms], "real")
    correlations = {"cor", *(parameter_names.cor(factor.name) for factor in design.factors)}
    others = {}
    for factor in design.factors:
        others |= dict.fromkeys(["sd", parameter_names.sd(factor.name)], "positive")
        others |= {parameter_names.sd(factor.name, column): "positive" for column in factor.varying}
        if any(len(block) > 1 for block in factor.blocks):
            others |= dict.fromkeys(["cor", parameter_names.cor(factor.name)], "correlation")
        if group_effects == "student_t":
            others[parameter_names.nu(factor.name)] = "positive"
    others |= of_response(outcome)
    known = coefficients | others
    for key, support in given.items():
        if key in coefficients and key in others:
            raise UserError(
                f"{where}.{key}: {key!r} is a coefficient and another parameter of the model; "
                "copy the column under a second name"
            )
        if key not in known:
            has_sigma = families.family_of(outcome).has_sigma
            why = " (sigma is known here)" if key == "sigma" and has_sigma else ""
            if key in correlations and "cor" not in others:
                why = " (only coefficients of one group term with `|` are correlated)"
            raise UserError(
                f"{where}.{key}: no such parameter in the model{why}{nearest(key, known)}; "
                f"known: {', '.join(known)}"
            )
        check_support(support, known[key], f"{where}.{key}: the prior")
