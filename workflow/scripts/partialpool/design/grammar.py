"""Parse a formula, and refuse what cannot or should not be evaluated.

`formulae` parses. A formula is text from a config file, so its syntax tree is walked before
anything is evaluated: only functions of a closed list, only arithmetic that ends, and an error
for notation that would silently mean something else.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

from formulae import expr as syntax
from formulae.parser import ParseError, Parser

from partialpool.base.errors import UserError, error_text, quoted
from partialpool.design.algebra import TermExpander
from partialpool.design.column_uses import Use
from partialpool.design.functions import COMPARISONS
from partialpool.design.terms import GroupTerm, Term
from partialpool.design.tokens import PLAIN, InvalidFormula, scan

MAX_DEPTH = 100  # operators and calls within each other


class Parsed(NamedTuple):
    """A formula as terms: products of columns and calls."""

    response: Term
    population: list[Term]  # the intercept, which is the empty product, first
    groups: list[GroupTerm]
    uses: list[Use]  # of columns, in the order of the formula


@error_text
def error(text: str, message: str) -> UserError:
    """An error about a formula, which it quotes."""
    return UserError(f"formula {quoted(text)}: {message}")


def parse(text: str) -> Parsed:
    """Parse a formula.

    Parameters
    ----------
    text : str

    Returns
    -------
    Parsed

    Raises
    ------
    UserError
        If it cannot be read, or has a term that is not supported.
    """
    try:
        tree = _syntax_tree(text)
        _check_depth(tree.left)
        _check_depth(tree.right)
        reader = TermExpander(text)
        response = reader.response(tree.left)
        population, groups = reader.right(tree.right)
        return Parsed(response, population, groups, reader.uses)
    except InvalidFormula as problem:
        raise error(text, str(problem)) from None


def check_columns(text: str, columns: Iterable[str]) -> None:
    """Refuse a column name with signs that is not in backticks.

    Parameters
    ----------
    text : str
        The formula.
    columns : iterable of str
        Names of the table's columns.

    Raises
    ------
    UserError
        With the formula as it should be written.
    """
    kept = [match.span() for match in re.finditer(r"`[^`]*`|'[^']*'|\"[^\"]*\"", text)]
    # The longest first: with columns `a-b-c` and `b-c`, a-b-c is the former.
    used = {name for name in columns if name in text}
    for name in sorted(used, key=lambda name: (-len(name), name)):
        # A column may be called 1, but in a formula that is the intercept.
        if PLAIN.fullmatch(name.strip()) or "`" in name or not re.search(r"[^\W\d]", name):
            continue
        before = r"(?<![\w.])" if re.match(r"\w", name) else ""
        after = r"(?![\w.])" if re.search(r"\w$", name) else ""
        for match in re.finditer(before + re.escape(name) + after, text):
            if any(start < match.end() and match.start() < end for start, end in kept):
                continue
            better = f"{text[: match.start()]}`{name}`{text[match.end() :]}"
            other = _spaces(name) if re.search(r"[-+*/:|~(]", name) else ""
            raise error(
                text,
                f"the table has a column {name!r}, whose name goes in backticks: "
                f"{quoted(better)}{other}",
            )


@error_text
def _spaces(name: str) -> str:
    """What to write where signs in the name of a column were meant as signs."""
    spaces = "no spaces" if " " in name else "spaces"
    return f"; put {spaces} around its signs if you mean what they stand for"


def _syntax_tree(text: str) -> syntax.Binary:
    """The syntax tree of `response ~ terms`."""
    tokens = scan(text)
    kinds = [token.kind for token in tokens]
    if "TILDE" not in kinds or kinds[0] == "TILDE":
        raise InvalidFormula("no response; write `response ~ predictors`")
    if kinds.count("TILDE") > 1:
        raise InvalidFormula("has more than one `~`; write `response ~ predictors`")
    if kinds[-2] == "TILDE":
        raise InvalidFormula("no predictors; an intercept alone is written `y ~ 1`")
    _check_equals(kinds)
    parser = Parser(tokens)
    try:
        tree = parser.parse()
    except ParseError:
        _refuse_token(tokens, parser.current)
    if not parser.at_end():
        _refuse_token(tokens, parser.current)
    if not (isinstance(tree, syntax.Binary) and tree.operator.kind == "TILDE"):
        raise InvalidFormula("no response; write `response ~ predictors`")
    return tree


def _check_equals(kinds: list[str]) -> None:
    """Refuse `y ~ x = 1`, which the parser would take for an argument of a call."""
    depth = 0
    for kind in kinds:
        depth += (kind == "LEFT_PAREN") - (kind == "RIGHT_PAREN")
        if kind == "EQUAL" and not depth:
            raise InvalidFormula("`=` has a meaning inside a call only; a comparison is I(x == 1)")


def _refuse_token(tokens, at: int) -> NoReturn:
    """Refuse a token at which the parser cannot go on."""
    here, before = tokens[at], tokens[at - 1]
    if here.kind == "PIPE" and before.kind == "LEFT_PAREN":
        raise InvalidFormula("cannot be read: before | is what varies by group, as in (1 | g)")
    if here.kind == "PIPE":
        raise InvalidFormula("a group term is written in parentheses, as in y ~ x + (1 | g)")
    if before.kind == "PIPE":
        raise InvalidFormula("cannot be read: after | is the grouping factor, as in (1 | g)")
    if here.kind in COMPARISONS:
        raise InvalidFormula("a comparison is written inside I(), as in I(x > 0)")
    if here.kind == "EOF":
        raise InvalidFormula(
            f"cannot be read: a term is missing at the end, after {before.lexeme!r}"
        )
    names = ("IDENTIFIER", "BQNAME", "NUMBER", "STRING")
    if here.kind in names and before.kind in names:
        a, b = before.lexeme, here.lexeme
        raise InvalidFormula(
            f"no sign between {a} and {b}; write {a} + {b} for two terms, and `{a} {b}` in "
            "backticks for a column with a space in its name"
        )
    if here.kind in (*names, "LEFT_PAREN"):
        raise InvalidFormula(
            f"no sign between {before.lexeme!r} and {here.lexeme!r}; terms are joined by +"
        )
    raise InvalidFormula(f"cannot be read: {here.lexeme!r} cannot follow {before.lexeme!r}")


def _check_depth(root) -> None:
    """Limit nesting, as trees are read by recursion; only sums are read without."""
    waiting = [(root, 0, True)]
    while waiting:
        node, depth, summed = waiting.pop()
        if depth > MAX_DEPTH:
            raise InvalidFormula(
                f"has more than {MAX_DEPTH} operators and calls within each other; make such a "
                "column in the table"
            )
        below = depth + 1
        match node:
            case syntax.Binary(operator=operator):
                flat = summed and operator.kind in ("PLUS", "MINUS", "PIPE")
                depth = depth if flat else below
                waiting += [(node.left, depth, flat), (node.right, depth, flat)]
            case syntax.Unary():
                waiting.append((node.right, below, summed))
            case syntax.Grouping():
                waiting.append((node.expression, below, summed))
            case syntax.Call():
                waiting += [(one, below, False) for one in node.args]
            case syntax.Assign():
                waiting.append((node.value, below, False))
