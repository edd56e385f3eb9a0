"""Functions that a formula may call, and the arguments they take."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
from formulae import expr as syntax
from formulae.categorical import ENCODINGS
from formulae.environment import Environment
from formulae.transforms import TRANSFORMS

from partialpool.base.errors import nearest
from partialpool.design import refusals
from partialpool.design.tokens import InvalidFormula

LABELLING = ("C", "S", "T")  # take a column as labels
SPLINES = ("bs", "cc", "cr")
SEVERAL = (*SPLINES, "poly")  # give several columns
CONTRASTS = ("Sum", "Treatment")
ELEMENTWISE = {
    name: getattr(np, name)
    for name in ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt")
}
MAX_SPLINE_COLUMNS = 100  # of a spline, at most
MAX_DEGREE = 20  # of a polynomial, at most; numbers carry no more
MAX_SPLINE_DEGREE = 5  # degree of a B-spline, at most; FITPACK reads beyond its memory above


def _elementwise(function):
    """A function of one column only: numpy's `out=` and `where=` are out of reach."""
    return lambda column: function(column)


_SAFE = {name: _elementwise(function) for name, function in ELEMENTWISE.items()}
ENVIRONMENT = Environment([{**_SAFE, "np": SimpleNamespace(**_SAFE)}])
EVERYTHING = Environment([{**TRANSFORMS, **ENCODINGS}]).with_outer_namespace(ENVIRONMENT.namespace)
COMPARISONS = ("EQUAL_EQUAL", "BANG_EQUAL", "LESS_EQUAL", "LESS", "GREATER_EQUAL", "GREATER")


def _whole(least: int, most: int) -> Callable:
    def check(node):
        value = literal(node)
        if type(value) is not int or not least <= value <= most:
            return f"a whole number from {least} to {most}"

    return check


def _number(node):
    if type(literal(node)) not in (int, float):
        return "a number"


def _positive(node):
    value = literal(node)
    if type(value) not in (int, float) or value <= 0:
        return "a number over 0"


def _flag(node):
    if type(literal(node)) is not bool:
        return "True or False"


def _label(node):
    if type(literal(node)) not in (int, float, str):
        return "a label in quotes, or a number"


def _contrast(node):
    called = node.callee if isinstance(node, syntax.Call) else node
    if not (isinstance(called, syntax.Variable) and called.name.lexeme in CONTRASTS):
        return "Sum or Treatment, as in C(x, Sum) or C(x, Treatment('a'))"


def _knots(node):
    return "left out (`df` says how many columns there are)"


def _order(node):
    return "left out (the reference is chosen by C(x, Treatment('a')))"


def _intercept(node):
    return "left out (`center=False` gives a basis that has the constant)"


_DF = _whole(1, MAX_SPLINE_COLUMNS)
_BOUNDS = {"lower_bound": _number, "upper_bound": _number}
# Arguments after the column, in their order, each with a check that returns what is allowed.
ARGUMENTS: dict[str, dict[str, Callable]] = {
    "C": {"contrast": _contrast, "levels": _order},
    "S": {"omit": _label, "levels": _order},
    "T": {"ref": _label, "levels": _order},
    "I": {},
    "bs": {
        "df": _DF,
        "knots": _knots,
        "degree": _whole(1, MAX_SPLINE_DEGREE),
        "intercept": _intercept,
    }
    | _BOUNDS
    | {"center": _flag},
    "cc": {
        "period": _positive,
        "df": _DF,
        "knots": _knots,
        "lower_bound": _number,
        "center": _flag,
    },
    "center": {},
    "cr": {"df": _DF, "knots": _knots, **_BOUNDS, "center": _flag},
    "poly": {"degree": _whole(1, MAX_DEGREE), "raw": _flag},
    "scale": {},
    "standardize": {},
    "Sum": {"omit": _label},
    "Treatment": {"reference": _label},
    **{name: {} for name in ELEMENTWISE},
    **{f"np.{name}": {} for name in ELEMENTWISE},
}
REQUIRED = {"bs": ("df", "bs(x, df=4)"), "cc": ("period", "cc(x, period=12)")}


def name_of(node: syntax.Call, caller: str | None) -> str:
    """The name of the function that is called, which must be one of the list.

    Parameters
    ----------
    node : formulae.expr.Call
    caller : str or None
        The function around it, if any.

    Raises
    ------
    InvalidFormula
    """
    name = node.callee.name.lexeme if isinstance(node.callee, syntax.Variable) else "(...)"
    if name in refusals.FUNCTIONS:
        raise InvalidFormula(f"{name}() is not available in a formula; {refusals.FUNCTIONS[name]}")
    if name not in ARGUMENTS:
        if any(isinstance(a, syntax.Binary) and a.operator.kind == "PIPE" for a in node.args):
            raise InvalidFormula(
                f"no sign between {name} and the group term; write {name} + (1 | g) for two terms"
            )
        raise InvalidFormula(
            f"function {name!r} cannot be used{nearest(name, ARGUMENTS)}; "
            f"known: {', '.join(ARGUMENTS)}"
        )
    if name in CONTRASTS and caller not in LABELLING:
        raise InvalidFormula(f"{name} is written inside C(), as in C(x, {name})")
    if caller is not None and name in SEVERAL:
        raise InvalidFormula(f"{name}() gives several columns and cannot be inside {caller}()")
    if caller is not None and name in LABELLING:
        raise InvalidFormula(f"{name}() gives labels and cannot be inside {caller}()")
    return name


def arguments(name: str, node: syntax.Call) -> Iterator:
    """Check the arguments of a call, and yield those that may have columns.

    Parameters
    ----------
    name : str
        The function.
    node : formulae.expr.Call

    Yields
    ------
    formulae.expr

    Raises
    ------
    InvalidFormula
        If an argument is missing or unknown, or its value is not allowed.
    """
    known = ARGUMENTS[name]
    given: dict[str, object] = {}
    positional = [one for one in node.args if not isinstance(one, syntax.Assign)]
    first, names = (0, list(known)) if name in CONTRASTS else (1, list(known))
    if first and not (positional and node.args[0] is positional[0]):
        raise InvalidFormula(f"{name}() needs a column, which comes first, as in {_example(name)}")
    if len(positional) - first > len(names):
        raise InvalidFormula(
            f"{name}() takes {_takes(names, first)}, not {len(node.args)} arguments"
        )
    given |= dict(zip(names, positional[first:], strict=False))
    for one in node.args:
        if isinstance(one, syntax.Assign):
            key = one.name.name.lexeme
            if key not in known:
                near = nearest(key, known)
                raise InvalidFormula(
                    f"{name}() has no argument {key!r}{near}; it takes {_takes(names, first)}"
                )
            if key in given:
                raise InvalidFormula(f"{name}() has {key!r} twice")
            given[key] = one.value
    for key, value in given.items():
        wanted = known[key](value)
        if wanted:
            got = (
                f", not {literal(value)!r}" if isinstance(literal(value), int | float | str) else ""
            )
            raise InvalidFormula(f"{key!r} of {name}() must be {wanted}{got}")
    needed, example = REQUIRED.get(name, (None, ""))
    if needed and needed not in given:
        raise InvalidFormula(f"{name}() needs {needed!r}, as in {example}")
    _check_together(name, {key: literal(value) for key, value in given.items()})
    yield from positional[:first]
    for value in given.values():
        if isinstance(value, syntax.Call):
            yield value


def _check_together(name: str, given: dict) -> None:
    """Check arguments that depend on one another."""
    if given.get("lower_bound", -np.inf) >= given.get("upper_bound", np.inf):
        raise InvalidFormula(f"'lower_bound' of {name}() must be below 'upper_bound'")
    own = 0 if given.get("center", True) else 1
    least = {"bs": given.get("degree", 3) + own, "cr": 1 + own, "cc": 1 + own}.get(name, 0)
    if given.get("df", MAX_SPLINE_COLUMNS) < least:
        raise InvalidFormula(f"'df' of {name}() must be {least} or more here, not {given['df']}")


def _takes(names: list[str], column: int) -> str:
    shown = [name for name in names if name not in ("knots", "levels", "intercept")]
    return " and ".join(filter(None, ["a column" if column else "", ", ".join(shown)]))


def _example(name: str) -> str:
    return REQUIRED.get(name, ("", f"{name}(x)"))[1]


def literal(node):
    """The value of a number, text or flag; None for anything else."""
    match node:
        case syntax.Literal():
            return node.value
        case syntax.Unary(operator=sign, right=syntax.Literal(value=int() | float() as value)):
            return -value if sign.kind == "MINUS" else value
    return None
