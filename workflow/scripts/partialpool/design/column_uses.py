"""Columns used by a call or arithmetic; refuse what cannot be evaluated safely."""

from collections.abc import Iterator
from typing import NamedTuple

from formulae import expr as syntax

from partialpool.design import refusals
from partialpool.design.functions import (
    COMPARISONS,
    CONTRASTS,
    LABELLING,
    MAX_DEGREE,
    arguments,
    literal,
    name_of,
)
from partialpool.design.tokens import InvalidFormula


class Use(NamedTuple):
    """One use of a column in a formula."""

    name: str
    role: str  # "column", "label", "number" or "group"


def uses(node, caller: str | None = None, role: str = "column") -> Iterator[Use]:
    """Yield the uses of columns in a node of a formula, and check each node.

    Parameters
    ----------
    node : formulae.expr
    caller : str or None
        The function around the node, if any.
    role : str
        How the node's columns are used; see :class:`Use`.

    Raises
    ------
    InvalidFormula
        If a function or its arguments are not allowed, or the arithmetic would not end.
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
    """Yield the uses of columns on both sides of an operator that can be evaluated."""
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
        if abs(power) > MAX_DEGREE:
            raise InvalidFormula(f"a power is from -{MAX_DEGREE} to {MAX_DEGREE}")
        yield from found
        return
    yield from uses(node.left, caller, role)
    yield from uses(node.right, caller, role)


def _check_order(node, kind: str) -> None:
    """Refuse what the parser of `formulae` reads in another order than mathematics does."""
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
