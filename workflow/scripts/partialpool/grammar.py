"""What a formula may say: its grammar, checked before anything is evaluated.

`formulae` parses. A formula is text from a config file, so its syntax tree is
walked first: only functions of a closed list, only arithmetic that ends, and a
sentence for what `formulae` would silently take to mean something else.
"""

import contextlib
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from formulae import expr as syntax
from formulae.environment import Environment
from formulae.parser import Parser
from formulae.resolver import Resolver
from formulae.scanner import Scanner
from formulae.terms import Model

from partialpool.errors import UserError, nearest

LABELLING = ("C", "S", "T")  # take a column as labels
SHAPING = ("I", "bs", "cc", "center", "cr", "poly", "scale", "standardize")
CONTRASTS = ("Sum", "Treatment")
ELEMENTWISE = {
    name: getattr(np, name)
    for name in ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt")
}
FUNCTIONS = (
    *LABELLING,
    *SHAPING,
    *CONTRASTS,
    *ELEMENTWISE,
    *(f"np.{name}" for name in ELEMENTWISE),
)


def _elementwise(function):
    """A function of one column only: numpy's `out=` and `where=` are out of reach."""
    return lambda column: function(column)


_SAFE = {name: _elementwise(function) for name, function in ELEMENTWISE.items()}
ENVIRONMENT = Environment([{**_SAFE, "np": SimpleNamespace(**_SAFE)}])


class Use(NamedTuple):
    """One use of a column in a formula."""

    name: str
    role: str  # "column", "label" or "number"


class _Refused(ValueError):
    """What is wrong with a formula, without its text."""


def fault(text: str, message: str) -> UserError:
    """An error about a formula, which it quotes."""
    return UserError(f"formula {shown(text)}: {message}")


def parse(text: str):
    """Read a formula.

    Returns
    -------
    tree : formulae.expr.Binary
        Of `response ~ terms`.
    uses : list of Use
        In the order of the formula.

    Raises
    ------
    UserError
        If it cannot be read, or says what may not be said.
    """
    try:
        parser = Parser(Scanner(text).scan())
        tree = parser.parse()
    except Exception as problem:
        reason = first_line(problem).strip(". ")
        if isinstance(problem, IndexError):
            reason = "a quotation mark or backtick is not closed"
        hint = "names with unusual characters go in backticks"
        raise fault(text, f"cannot be read ({reason}); {hint}") from None
    if not parser.at_end():
        raise fault(text, f"cannot be read from {parser.peek().lexeme!r} on")
    if not (isinstance(tree, syntax.Binary) and tree.operator.kind == "TILDE"):
        raise fault(text, "no response; write `response ~ predictors`")
    try:
        return tree, list(_uses(tree))
    except _Refused as refused:
        raise fault(text, str(refused)) from None


def resolve(text: str, tree) -> Model:
    """The terms of a tree that was read from `text`: new objects at every call."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return Resolver(tree).resolve()
    except Exception as problem:
        hint = "an intercept is left out by `0 + ...` at the beginning"
        raise fault(text, f"cannot be read ({first_line(problem)}); {hint}") from None


def group_terms(node) -> Iterator[dict[str, tuple[str, ...]]]:
    """The factors of each `|` of a tree, and their columns: `(1 | a/b)` has `a` and `a:b`."""
    match node:
        case syntax.Grouping():
            yield from group_terms(node.expression)
        case syntax.Binary(operator=operator) if operator.kind == "PIPE":
            found = Resolver(node).resolve()
            terms = found.group_terms if isinstance(found, Model) else [found]
            yield {
                term.factor.name: tuple(component.name for component in term.factor.components)
                for term in terms
            }
        case syntax.Binary():
            yield from group_terms(node.left)
            yield from group_terms(node.right)


def _uses(node, caller: str | None = None, role: str = "column") -> Iterator[Use]:
    """Every use of a column, after a check of each node.

    `caller` is the function around the node, if any; `role` is what the
    columns below the node are used as.
    """
    match node:
        case syntax.Grouping():
            yield from _uses(node.expression, caller, role)
        case syntax.Binary(operator=operator):
            _check_operator(node, caller)
            if operator.kind in ("EQUAL_EQUAL", "BANG_EQUAL") and role == "number":
                role = "column"
            yield from _uses(node.left, caller, role)
            if operator.kind != "STAR_STAR":
                yield from _uses(node.right, caller, role)
        case syntax.Unary():
            yield from _uses(node.right, caller, role)
        case syntax.Call():
            name = _function(node, caller)
            role = role if name in CONTRASTS else "label" if name in LABELLING else "number"
            for argument in node.args:
                named = isinstance(argument, syntax.Assign)
                yield from _uses(argument.value if named else argument, name, role)
        case syntax.Variable(level=None):
            if not (caller in LABELLING and node.name.lexeme in CONTRASTS):
                yield Use(node.name.lexeme, role)
        case syntax.QuotedName():
            yield Use(node.expression.lexeme[1:-1], role)
        case syntax.Literal():
            if caller is None and node.value not in (0, 1):
                raise _Refused(f"{node.value!r} is not a term; columns go in backticks")
        case _:
            raise _Refused("`=` and `[ ]` have no meaning here")


def _function(node, caller: str | None) -> str:
    """The name of the function that is called, which must be of the list."""
    name = node.callee.name.lexeme if isinstance(node.callee, syntax.Variable) else "(...)"
    if name not in FUNCTIONS:
        raise _Refused(
            f"function {name!r} cannot be used{nearest(name, FUNCTIONS)}; "
            f"known: {', '.join(FUNCTIONS)}"
        )
    if name in CONTRASTS and caller not in LABELLING:
        raise _Refused(f"{name} is written inside C(), as in C(x, {name})")
    return name


def _check_operator(node, caller: str | None) -> None:
    """Refuse what `formulae` would take to mean something else, or never finish."""
    kind = node.operator.kind
    sides = (node.left, node.right)
    if kind == "STAR_STAR":
        power = node.right.right if isinstance(node.right, syntax.Unary) else node.right
        value = power.value if isinstance(power, syntax.Literal) else None
        if caller is None and not isinstance(node.left, syntax.Grouping):
            raise _Refused("a power of a column is written I(x**2)")
        if caller is None and value not in (2, 3, 4, 5):
            raise _Refused("interactions go up to a power of 2 to 5, as in (a + b)**2")
        if not isinstance(value, int | float) or not any(_uses(node.left, caller)):
            raise _Refused("a power is of a column and a number, as in I(x**2)")
    elif caller is not None and kind not in ("EQUAL_EQUAL", "BANG_EQUAL"):
        literals = (side.value for side in sides if isinstance(side, syntax.Literal))
        if any(isinstance(value, str) for value in literals):
            raise _Refused("text can be compared by == and !=, nothing else")


def listed(names) -> str:
    """Up to ten names for a message."""
    names = [str(name) for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > 10 else ""
    return ", ".join(repr(name) for name in names[:10]) + more


def shown(value) -> str:
    """A value for a message: on one line, and not a page of it."""
    text = repr(" ".join(str(value).split()))
    return text if len(text) <= 80 else f"{text[:76]}...'"


def first_line(problem: Exception) -> str:
    """What a library said was wrong."""
    return (str(problem).splitlines() or [type(problem).__name__])[0]
