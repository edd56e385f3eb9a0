"""Expand the syntax tree of a formula into terms, by the rules of R.

`a/b` is `a + a:b`, `a*b` is `a + b + a:b`, and `-` takes a term away.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import NoReturn

from formulae import expr as syntax

from partialpool.design import column_uses, functions
from partialpool.design.column_uses import Use
from partialpool.design.resolver import Resolver
from partialpool.design.terms import Atom, GroupTerm, Term, group_text, term_key, term_name
from partialpool.design.tokens import InvalidFormula

MAX_TERMS = 1000  # of a formula
MAX_ORDER = 6  # columns in an interaction
MAX_CALL_LENGTH = 200  # characters of a call, which names a coefficient


class TermExpander:
    """Reads the two sides of a formula.

    Parameters
    ----------
    text : str
        The formula, for messages.

    Attributes
    ----------
    uses : list of Use
        Uses of columns in what has been read, in its order.
    """

    def __init__(self, text: str):
        self.text = text
        self.uses: list[Use] = []
        self._spelled: dict[frozenset, Term] = {}  # each term as it is first written
        self._names: dict[str, frozenset] = {}

    def response(self, node) -> Term:
        """The response, which stands before `~`."""
        node = _without_parentheses(node)
        if isinstance(node, syntax.Binary) and node.operator.kind == "PIPE":
            added = _without_parentheses(node.right)
            if isinstance(added, syntax.Call):
                functions.name_of(added, None)
            raise InvalidFormula("`|` has no meaning before `~`; write `response ~ predictors`")
        if isinstance(node, syntax.Binary):
            sign = node.operator.lexeme
            if sign in ("+", ":", "|"):
                raise InvalidFormula("more than one response; write one study for each")
            raise InvalidFormula(f"arithmetic of the response goes inside I(), as in I(y {sign} n)")
        if not isinstance(node, syntax.Variable | syntax.QuotedName | syntax.Call):
            raise InvalidFormula(
                "the response must be a column, or a function of one such as log(y)"
            )
        atom = self._atom(node)
        if isinstance(node, syntax.Call):
            called = node.callee.name.lexeme
            if called in functions.LABELLING:
                raise InvalidFormula(
                    f"the response {atom.name!r} must be numbers, not labels; a response of 0 and "
                    "1 is written I(y == 'label'), for family bernoulli"
                )
            if called in functions.SEVERAL:
                raise InvalidFormula(f"the response {atom.name!r} has several columns")
        return (atom,)

    def right(self, node) -> tuple[list[Term], list[GroupTerm]]:
        """The right-hand side: population-level terms, and group terms."""
        groups: list[GroupTerm] = []
        return self._sum(node, groups), groups

    def _sum(self, node, groups: list[GroupTerm] | None) -> list[Term]:
        """The terms of a sum, the intercept first; group terms are appended to `groups`."""
        found: dict[frozenset, Term] = {}
        intercept = True
        for plus, piece in _summands(node):
            match piece:
                case syntax.Literal(value=0 | 1 as value) if not isinstance(value, bool):
                    intercept = plus == bool(value)
                case syntax.Binary(operator=sign) if sign.kind == "PIPE":
                    if groups is None:
                        raise InvalidFormula("a group term cannot be inside another one")
                    own = self._group(piece)
                    if not plus:
                        bar = piece.operator.lexeme
                        gone = group_text(
                            own[0].terms, _nesting([group.factor for group in own]), bar
                        )
                        raise InvalidFormula(f"{gone} is taken away; leave it out")
                    groups += own
                case _:
                    terms = self._terms(piece)
                    if plus:
                        found |= {term_key(t): t for t in terms if term_key(t) not in found}
                    else:
                        self._remove(found, terms)
            if len(found) > MAX_TERMS:
                raise InvalidFormula(f"has more than {MAX_TERMS} terms")
        return [(), *found.values()] if intercept else [*found.values()]

    def _remove(self, found: dict[frozenset, Term], terms: list[Term]) -> None:
        if not any(term_key(term) in found for term in terms):
            gone = term_name(terms[-1])
            glued = re.search(rf"[\w.]+(?:-[\w.]+)*-{re.escape(gone)}(?![\w.])", self.text)
            if glued:
                raise InvalidFormula(
                    f"`-` takes away {gone!r}, which is not there; if {glued.group()!r} is a "
                    f"column, write it in backticks: `{glued.group()}`"
                )
            raise InvalidFormula(
                f"`-` takes away {gone!r}, which is not there; leave it out, or write I(-x) for "
                "the negative of a column x"
            )
        for term in terms:
            found.pop(term_key(term), None)

    def _terms(self, node) -> list[Term]:
        """The terms of a product, or of a sum in parentheses."""
        match node:
            case syntax.Grouping():
                found = {}
                for plus, piece in _summands(node):
                    if isinstance(piece, syntax.Literal) and piece.value in (0, 1):
                        raise InvalidFormula("0 and 1 stand in a sum; write x * z, not (1 + x) * z")
                    if plus:
                        found |= {
                            term_key(t): t for t in self._terms(piece) if term_key(t) not in found
                        }
                    else:
                        self._remove(found, self._terms(piece))
                return [*found.values()]
            case syntax.Binary(operator=sign):
                return self._product(node, sign)
            case syntax.Variable() | syntax.QuotedName() | syntax.Call():
                return [self._canonical((self._atom(node),))]
        _refuse_term(node)

    def _product(self, node, sign) -> list[Term]:
        if sign.kind == "STAR_STAR":
            return self._power(node)
        if sign.kind == "PIPE":
            raise InvalidFormula("a group term such as (1 | g) cannot be part of a product")
        if sign.kind not in ("COLON", "STAR", "SLASH"):
            raise InvalidFormula(f"a comparison is written inside I(), as in I(x {sign.lexeme} 0)")
        left, right = self._terms(node.left), self._terms(node.right)
        own = [] if sign.kind == "COLON" else left if sign.kind == "SLASH" else [*left, *right]
        if sign.kind == "SLASH":
            left = [tuple(atom for term in left for atom in term)]
        if len(left) * len(right) > MAX_TERMS:
            raise InvalidFormula(f"has more than {MAX_TERMS} terms")
        return self._unique([*own, *(a + b for a in left for b in right)])

    def _power(self, node) -> list[Term]:
        power = node.right.value if isinstance(node.right, syntax.Literal) else None
        if not isinstance(node.left, syntax.Grouping):
            raise InvalidFormula("a power of a column is written I(x**2)")
        if type(power) is not int or not 2 <= power <= 5:
            raise InvalidFormula("interactions go up to a power of 2 to 5, as in (a + b)**2")
        terms = self._terms(node.left)
        if len(terms) == 1:
            raise InvalidFormula("a power of a column is written I(x**2)")
        found = [*terms]
        for order in range(2, power + 1):
            if len(terms) ** order > MAX_TERMS**2:
                raise InvalidFormula(f"has more than {MAX_TERMS} terms")
            found += [sum(chosen, ()) for chosen in combinations(terms, order)]
        return self._unique(found)

    def _unique(self, terms: list[Term]) -> list[Term]:
        """Each term once, and in it each column or call once."""
        found: dict[frozenset, Term] = {}
        for term in terms:
            found.setdefault(term_key(term), self._canonical(term))
        if len(found) > MAX_TERMS:
            raise InvalidFormula(f"has more than {MAX_TERMS} terms")
        return [*found.values()]

    def _canonical(self, term: Term) -> Term:
        term = tuple({atom.name: atom for atom in term}.values())
        if len(term) > MAX_ORDER:
            raise InvalidFormula(
                f"an interaction has more than {MAX_ORDER} columns: {term_name(term)[:80]}"
            )
        for atom in term if len(term) > 1 else ():
            if isinstance(atom.node, syntax.Call):
                called = atom.node.callee.name.lexeme
                if called in functions.SPLINES:
                    raise InvalidFormula(
                        f"{atom.name} cannot be part of an interaction; poly(x, 3) can"
                    )
        term = self._spelled.setdefault(term_key(term), term)
        if self._names.setdefault(term_name(term), term_key(term)) != term_key(term):
            raise InvalidFormula(
                f"{term_name(term)!r} is a column and another term; rename the column"
            )
        return term

    def _atom(self, node) -> Atom:
        uses = tuple(column_uses.uses(node))
        self.uses += uses
        if isinstance(node, syntax.Call):
            called = str(Resolver(node).resolve())
            if len(called) > MAX_CALL_LENGTH:
                raise InvalidFormula(
                    f"a term has {len(called)} characters; make a column of {called[:30]}... in "
                    "the table"
                )
            return Atom(called, node, uses)
        return Atom(column_uses.column(node), node, uses)

    def _group(self, node) -> list[GroupTerm]:
        """The group terms of one `|`: one for each of its factors."""
        if _is_group(_without_parentheses(node.left)) or _is_group(
            _without_parentheses(node.right)
        ):
            raise InvalidFormula(
                "a group term has one |; write (1 | g) + (1 | h), or (1 | g/h) for h within g"
            )
        terms = self._sum(node.left, None)
        factors = self._factors(node.right)
        if not terms:
            raise InvalidFormula(
                f"nothing is left that varies by {term_name(factors[0])!r}; write (1 | g)"
            )
        correlated = node.operator.lexeme == "|"
        return [GroupTerm(terms, factor, correlated) for factor in factors]

    def _factors(self, node) -> list[Term]:
        """The grouping factors after `|`: `a/b` has `a` and `a:b`."""
        match node:
            case syntax.Grouping():
                return self._factors(node.expression)
            case syntax.Variable(level=None) | syntax.QuotedName():
                self.uses.append(use := Use(column_uses.column(node), "group"))
                return [(Atom(use.name, node, (use,)),)]
            case syntax.Binary(operator=sign) if sign.kind in ("SLASH", "COLON"):
                left, right = self._factors(node.left), self._factors(node.right)
                if sign.kind == "COLON" and len(left) * len(right) > 1:
                    raise InvalidFormula("write a/b/c or a:b:c in a group term, not both at once")
                own = left if sign.kind == "SLASH" else []
                found = [*own, *(left[-1] + factor for factor in right)]
                return [tuple({atom.name: atom for atom in term}.values()) for term in found]
            case syntax.Binary(operator=sign):
                a, b = _column_or(node.left, "g"), _column_or(node.right, "h")
                raise InvalidFormula(
                    f"groups are not joined by {sign.lexeme}; write (1 | {a}) + (1 | {b}), "
                    f"(1 | {a}/{b}) for {b} within {a}, or (1 | {a}:{b}) for their combinations"
                )
            case syntax.Call():
                _refuse_grouping(node)
        value = f", not {node.value!r}" if isinstance(node, syntax.Literal) else ""
        raise InvalidFormula(f"the grouping factor must be a column, as in (1 | g){value}")


def _summands(node) -> Iterator[tuple[bool, object]]:
    """The summands of a sum, with True for `+` and False for `-`, without recursion."""
    waiting = [(True, False, _without_parentheses(node))]
    while waiting:
        plus, inner, node = waiting.pop()
        match node:
            case syntax.Grouping():
                waiting.append((plus, True, node.expression))
            case syntax.Binary(operator=sign) if sign.kind in ("PLUS", "MINUS"):
                minus = sign.kind == "MINUS"
                if minus and not plus:
                    raise InvalidFormula(
                        "`-` inside what is taken away; write the terms that are left"
                    )
                if minus and inner:
                    _refuse_minus(node.right)
                waiting.append((plus and not minus, inner, node.right))
                waiting.append((plus, inner, node.left))
            case syntax.Unary(operator=sign):
                if sign.kind == "MINUS" and inner:
                    _refuse_minus(node.right)
                waiting.append((plus == (sign.kind == "PLUS"), inner, node.right))
            case _:
                yield plus, node


def _refuse_minus(node) -> None:
    """Refuse `- term` inside parentheses, where R takes it from the sum in them alone."""
    if not isinstance(node, syntax.Literal):  # the intercept is that of the whole formula
        raise InvalidFormula("`-` inside parentheses; write the terms that are left")


def _without_parentheses(node):
    while isinstance(node, syntax.Grouping):
        node = node.expression
    return node


def _is_group(node) -> bool:
    return isinstance(node, syntax.Binary) and node.operator.kind == "PIPE"


def _nesting(factors: list[Term]) -> str:
    """Nested factors as they are written: `a/b` for `a` and `a:b`."""
    outer = [(), *factors]
    own = (term_name(factor[len(before) :]) for before, factor in zip(outer, factors, strict=False))
    return "/".join(own)


def _column_or(node, otherwise: str) -> str:
    node = _without_parentheses(node)
    return node.name.lexeme if isinstance(node, syntax.Variable) else otherwise


def _refuse_term(node) -> NoReturn:
    """Refuse a number, text or anything else that is not a term."""
    match node:
        case syntax.Literal(value=str() as value):
            raise InvalidFormula(
                f"{value!r} is text, not a column; write names without quotes, or in backticks"
            )
        case syntax.Literal(value=value):
            raise InvalidFormula(
                f"{value!r} is not a term; 1 is the intercept, arithmetic is written I(2 * x), and "
                "a column of that name goes in backticks"
            )
        case syntax.Unary():
            raise InvalidFormula(
                "a sign before a term stands in a sum; arithmetic is written I(-x)"
            )
        case syntax.Assign():
            raise InvalidFormula(
                "`=` has a meaning inside a call only; a comparison is written I(x == 1)"
            )
    raise InvalidFormula("a group term is written (1 + x | g), and stands in a sum")


def _refuse_grouping(node: syntax.Call) -> None:
    called = functions.name_of(node, None)
    inner = node.args[0] if node.args else None
    column = inner.name.lexeme if isinstance(inner, syntax.Variable) else None
    if called in functions.LABELLING and column:
        raise InvalidFormula(
            f"the grouping factor must be a column: write (1 | {column}), whose values are labels "
            "already"
        )
    raise InvalidFormula(
        f"the grouping factor must be a column, not {called}(); make a column of it in the table"
    )
