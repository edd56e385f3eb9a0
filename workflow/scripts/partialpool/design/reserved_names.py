"""Check names of a formula: grouping factors that clash with results, columns in two roles."""

import re
import unicodedata
from collections.abc import Iterable

from partialpool.base.errors import quoted, quoted_list
from partialpool.design.formula import Formula
from partialpool.design.grammar import error
from partialpool.study.outcome import Outcome

# Names of variables and dimensions of a posterior, and of files made from it, besides the
# parameters of the response's distribution.
RESULTS = {
    *("beta", "sd_log_sigma", "sigma_median"),
    *("chain", "coefficient", "draw", "summary", "unit"),
}


def check(formula: Formula, outcome: Outcome, parameters: Iterable[str]) -> None:
    """Check a formula against the keys about its response, and the names of its factors.

    Parameters
    ----------
    formula : Formula
    outcome : Outcome
    parameters : iterable of str
        Names of the parameters of all response families.

    Raises
    ------
    UserError
        Quotes the formula; no file is read for this.
    """
    factors = list(formula.factors)
    if outcome.sigma_by_group:
        if len(factors) != 1:
            raise error(
                formula.text,
                f"sigma {outcome.sigma!r} needs exactly one grouping factor; "
                f"there are {quoted_list(factors) or 'none'}",
            )
        if outcome.sigma_factor not in (None, factors[0]):
            raise error(
                formula.text,
                f"sigma {outcome.sigma!r} is by {outcome.sigma_factor!r}, but the groups are "
                f'of {factors[0]!r}; write "~ (1 | {factors[0]})"',
            )
    for role, name in outcome.columns.items():
        if name in formula.response_columns or name in formula.group_columns:
            other = "a grouping factor" if name in formula.group_columns else "the response"
            raise error(formula.text, f"column {name!r} cannot be both {other} and the {role}")
    taken = dict.fromkeys([*RESULTS, *parameters], "results")
    for name in factors:
        if not _can_be_stored(name):
            raise error(
                formula.text,
                f"the grouping factor cannot be called {quoted(name)}: in results, a name begins "
                "with a letter, a digit or _, has no /, and does not end in a space; rename the "
                "column",
            )
        for variable in _variables(name):
            if variable in taken:
                raise error(
                    formula.text,
                    f"the grouping factor cannot be called {name!r}: {taken[variable]} "
                    f"have {variable!r}; rename the column",
                )
        taken |= dict.fromkeys(_variables(name), f"results of factor {name!r}")


def _variables(factor: str) -> tuple[str, ...]:
    """Names that a factor gives to variables and dimensions of a posterior."""
    variables = (f"{word}_{factor}" for word in ("sd", "cor", "u", "coef", "nu"))
    return factor, f"{factor}_coefficient", f"{factor}_coefficient_bis", *variables


def _can_be_stored(name: str) -> bool:
    """Whether netCDF takes a name for a dimension, and reads it back unchanged."""
    return (
        re.fullmatch(r"[A-Za-z0-9_\u0080-\U0010ffff][^/\x00-\x1f\x7f]*(?<! )", name) is not None
        and unicodedata.is_normalized("NFC", name)
        and len(f"{name}_coefficient_bis".encode()) <= 255
    )
