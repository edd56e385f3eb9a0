"""Functions that a formula may call, and the arguments they take."""

import operator
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from formulae import expr as syntax
from formulae.categorical import ENCODINGS
from formulae.environment import Environment
from formulae.terms.call_resolver import CallResolver, LazyCall, LazyOperator
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
COLUMNS = 100  # of a spline, at most
DEGREE = 20  # of a polynomial, at most; numbers carry no more
PIECES = 5  # degree of a B-spline, at most; FITPACK reads beyond its memory above


def _elementwise(function):
    """A function of one column only: numpy's `out=` and `where=` are out of reach."""
    return lambda column: function(column)


_SAFE = {name: _elementwise(function) for name, function in ELEMENTWISE.items()}
ENVIRONMENT = Environment([{**_SAFE, "np": SimpleNamespace(**_SAFE)}])
EVERYTHING = Environment([{**TRANSFORMS, **ENCODINGS}]).with_outer_namespace(ENVIRONMENT.namespace)
COMPARISONS = ("EQUAL_EQUAL", "BANG_EQUAL", "LESS_EQUAL", "LESS", "GREATER_EQUAL", "GREATER")


class Use(NamedTuple):
    """One use of a column in a formula."""

    name: str
    role: str  # "column", "label", "number" or "group"


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


_DF = _whole(1, COLUMNS)
_BOUNDS = {"lower_bound": _number, "upper_bound": _number}
# Arguments after the column, in their order, and what is wrong with a value.
ARGUMENTS: dict[str, dict[str, Callable]] = {
    "C": {"contrast": _contrast, "levels": _order},
    "S": {"omit": _label, "levels": _order},
    "T": {"ref": _label, "levels": _order},
    "I": {},
    "bs": {"df": _DF, "knots": _knots, "degree": _whole(1, PIECES), "intercept": _intercept}
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
    "poly": {"degree": _whole(1, DEGREE), "raw": _flag},
    "scale": {},
    "standardize": {},
    "Sum": {"omit": _label},
    "Treatment": {"reference": _label},
    **{name: {} for name in ELEMENTWISE},
    **{f"np.{name}": {} for name in ELEMENTWISE},
}
REQUIRED = {"bs": ("df", "bs(x, df=4)"), "cc": ("period", "cc(x, period=12)")}


def name_of(node: syntax.Call, caller: str | None) -> str:
    """The name of the function that is called, which must be of the list.

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
    """What a call is of, after a check of its other arguments: nodes that may have columns.

    Raises
    ------
    InvalidFormula
        If an argument is missing, not known, or of a value that cannot be.
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
    if given.get("df", COLUMNS) < least:
        raise InvalidFormula(f"'df' of {name}() must be {least} or more here, not {given['df']}")


def _takes(names: list[str], column: int) -> str:
    shown = [name for name in names if name not in ("knots", "levels", "intercept")]
    return " and ".join(filter(None, ["a column" * column, ", ".join(shown)]))


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


class _Parentheses(LazyOperator):
    """Parentheses in arithmetic, which the name of a column keeps: I((x + z) * 2)."""

    def __init__(self, inner):
        super().__init__(operator.pos, inner)
        self.symbol = "()"

    def __str__(self):
        return f"({self.args[0]})"

    def eval(self, data_mask, env):
        return self.args[0].eval(data_mask, env)


class _Called(LazyCall):
    """A call that is another one's equal if it is written alike, whatever it is compared with."""

    def __eq__(self, other):
        return isinstance(other, LazyCall) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))


class Resolver(CallResolver):
    """From the syntax tree of a call to what `formulae` evaluates."""

    def visitCallExpr(self, expr):
        call = super().visitCallExpr(expr)
        return _Called(call.callee, call.args, call.kwargs)

    def visitGroupingExpr(self, expr):
        inner = expr.expression.accept(self)
        return _Parentheses(inner) if isinstance(inner, LazyOperator) else inner


def uses(node, caller: str | None = None, role: str = "column") -> Iterator[Use]:
    """Every use of a column in a column or call of a formula, after a check of each node.

    Parameters
    ----------
    node : formulae.expr
    caller : str or None
        The function around the node, if any.
    role : str
        What the columns below the node are used as.

    Raises
    ------
    InvalidFormula
        If a function cannot be called, or not so, or the arithmetic would not end.
    """
    match node:
        case syntax.Grouping():
            yield from uses(node.expression, caller, role)
        case syntax.Binary(operator=operator):
            yield from _operands(node, operator.kind, caller, role)
        case syntax.Unary():
            yield from uses(node.right, caller, role)
        case syntax.Call():
            called = name_of(node, caller)
            if called in LABELLING:
                role = "label"
            elif called not in CONTRASTS:
                role = "number"
            found = [use for one in arguments(called, node) for use in uses(one, called, role)]
            if not found and called not in CONTRASTS:
                raise InvalidFormula(f"{called}() has no column; constants are not terms")
            yield from found
        case syntax.Variable(level=None) | syntax.QuotedName():
            yield Use(column(node), role)
        case syntax.Literal():
            if not isinstance(node.value, int | float | str) or isinstance(node.value, bool):
                raise InvalidFormula(f"{node.value} has no meaning in {caller}()")
        case _:
            raise InvalidFormula("`=` and `[ ]` have no meaning here")


def _operands(node, kind: str, caller: str, role: str) -> Iterator[Use]:
    """Refuse what could not be evaluated, or never would be."""
    texts = any(
        isinstance(side, syntax.Literal) and isinstance(side.value, str)
        for side in (node.left, node.right)
    )
    if kind in ("EQUAL_EQUAL", "BANG_EQUAL"):
        role = "column" if role == "number" else role
    elif texts:
        raise InvalidFormula("text can be compared by == and !=, nothing else")
    if kind in ("COLON", "PIPE", "TILDE"):
        raise InvalidFormula(f"{node.operator.lexeme!r} has no meaning inside {caller}()")
    _check_order(node, kind)
    if kind == "STAR_STAR":
        power, found = literal(node.right), list(uses(node.left, caller, role))
        if type(power) not in (int, float) or not found:
            raise InvalidFormula("a power is of a column and a number, as in I(x**2)")
        if abs(power) > DEGREE:
            raise InvalidFormula(f"a power is from -{DEGREE} to {DEGREE}")
        yield from found
        return
    yield from uses(node.left, caller, role)
    yield from uses(node.right, caller, role)


def _check_order(node, kind: str) -> None:
    """Refuse what the parser of `formulae` reads in another order than mathematics."""
    left = node.left.operator.kind if hasattr(node.left, "operator") else None
    if kind == "STAR_STAR" and left in ("STAR_STAR", "MINUS"):
        raise InvalidFormula(
            "a power of a power, or of a negative number, needs parentheses: (-x)**2"
        )
    if kind in COMPARISONS and left in COMPARISONS:
        raise InvalidFormula("two comparisons are written I((x > 0) * (x < 1)), not I(0 < x < 1)")


def column(node) -> str:
    """The name of a column."""
    if isinstance(node, syntax.QuotedName):
        found = node.expression.lexeme[1:-1]
        if found == "Intercept":
            raise InvalidFormula(refusals.WORDS[found])
        return found
    return node.name.lexeme
