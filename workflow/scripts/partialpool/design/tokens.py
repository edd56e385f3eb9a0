"""Split a formula into the tokens that the parser of `formulae` takes."""

import re
from typing import NoReturn

from formulae.token import Token

from partialpool.design import refusals

MAX_LENGTH = 20_000  # characters of a formula
MAX_NESTING = 40  # parentheses within each other, and signs in a row

_TOKEN = re.compile(
    r"""(?P<space>[\ \t\r\n]+)
    |(?P<string>'[^']*'|"[^"]*")
    |(?P<backticks>`[^`]*`)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[^\W\d][\w.]*)
    |(?P<sign>%\w*%|~~|\*\*|\|\||//|==|!=|<=|>=|<-|&&|.)""",
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "(": "LEFT_PAREN",
    ")": "RIGHT_PAREN",
    "[": "LEFT_BRACKET",
    "]": "RIGHT_BRACKET",
    ",": "COMMA",
    "+": "PLUS",
    "-": "MINUS",
    "/": "SLASH",
    "*": "STAR",
    "**": "STAR_STAR",
    "!=": "BANG_EQUAL",
    "==": "EQUAL_EQUAL",
    "=": "EQUAL",
    "<=": "LESS_EQUAL",
    "<": "LESS",
    ">=": "GREATER_EQUAL",
    ">": "GREATER",
    "~": "TILDE",
    ":": "COLON",
    "|": "PIPE",
    "||": "PIPE",  # the lexeme tells them apart
}
_LITERALS = {"True": True, "False": False, "None": None}
# A name that needs no backticks.
PLAIN = re.compile(r"[^\W\d][\w.]*")


class InvalidFormula(ValueError):
    """A formula that is refused; the message does not quote it."""


def scan(text: str) -> list[Token]:
    """The tokens of a formula, closed by one of kind EOF.

    Raises
    ------
    InvalidFormula
        If a character has no meaning, or the formula is too long or nested too deeply.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFormula(f"has {len(text)} characters; {MAX_LENGTH} are possible")
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, lexeme = match.lastgroup, match.group()
        if kind == "space":
            continue
        if kind in ("sign", "name"):
            for at, character in enumerate(lexeme, match.start() + 1):
                odd = refusals.lookalike(character)
                if odd:
                    seen = f", {character!r}," if character.isprintable() else ""
                    raise InvalidFormula(f"character {at}{seen} {odd}")
        found.append(_token(kind, lexeme, text[match.end() :], found))
    _check_nesting(found)
    return [*found, Token("EOF", "")]


def _token(kind: str, lexeme: str, rest: str, before: list[Token]) -> Token:
    """One token; `rest` is the text after it, `before` the tokens before it."""
    match kind:
        case "string":
            return Token("STRING", lexeme, lexeme[1:-1])
        case "backticks":
            if len(lexeme) == 2:
                raise InvalidFormula("there is no name between two backticks")
            return Token("BQNAME", lexeme)
        case "number":
            return Token("NUMBER", lexeme, _number(lexeme, rest))
        case "name":
            if lexeme in refusals.WORDS and not rest.lstrip().startswith("("):
                raise InvalidFormula(refusals.WORDS[lexeme])
            if lexeme in _LITERALS:
                return Token("PYTHON_LITERAL", lexeme, _LITERALS[lexeme])
            return Token("IDENTIFIER", lexeme)
    if lexeme in refusals.SIGNS:
        raise InvalidFormula(refusals.SIGNS[lexeme])
    if lexeme in ("'", '"', "`"):
        raise InvalidFormula("a quotation mark or backtick is not closed")
    if lexeme == "." and before and before[-1].kind == "RIGHT_PAREN":
        raise InvalidFormula("`.` has no meaning after a parenthesis")
    if lexeme == ".":
        name = PLAIN.match(rest)
        if name:
            raise InvalidFormula(f"the name '.{name.group()}' goes in backticks: `.{name.group()}`")
        raise InvalidFormula(
            "`.` for all columns is not available; name the predictors, as in y ~ x + z"
        )
    if lexeme == "[":
        _refuse_bracket(before)
    if lexeme not in _KINDS:
        raise InvalidFormula(
            f"{lexeme!r} has no meaning in a formula; a name that has other characters than "
            "letters, digits, _ and . goes in backticks"
        )
    return Token(_KINDS[lexeme], lexeme)


def _number(lexeme: str, rest: str):
    glued = re.match(r"[\w.]+", rest)
    if glued:
        name = lexeme + glued.group()
        raise InvalidFormula(
            f"{name!r} has no sign between the number and the name; a product is written "
            f"I({lexeme} * {glued.group()}), and a column called {name!r} goes in backticks"
        )
    value = float(lexeme)
    if not abs(value) < 1e50:
        shown = lexeme if len(lexeme) <= 20 else f"{lexeme[:20]}..."
        raise InvalidFormula(f"the number {shown} is too large")
    return int(lexeme) if lexeme.isdigit() else value


def _refuse_bracket(before: list[Token]) -> NoReturn:
    if before and before[-1].kind in ("IDENTIFIER", "BQNAME"):
        name = before[-1].lexeme
        raise InvalidFormula(f"one label of {name} is written I({name} == 'label'), not with [ ]")
    raise InvalidFormula(
        "lists cannot be written: splines take `df`, and the reference of labels is chosen by "
        "C(x, Treatment('a'))"
    )


def _check_nesting(tokens: list[Token]) -> None:
    """Limit nesting, as the parser calls itself for each parenthesis and leading sign."""
    depth = signs = 0
    for token in tokens:
        depth += (token.kind == "LEFT_PAREN") - (token.kind == "RIGHT_PAREN")
        signs = signs + 1 if token.kind in ("PLUS", "MINUS") else 0
        if depth < 0:
            raise InvalidFormula("cannot be read: a parenthesis is closed that was not opened")
        if max(depth, signs) > MAX_NESTING:
            deep = depth > MAX_NESTING
            raise InvalidFormula(
                f"has more than {MAX_NESTING} "
                f"{'parentheses within each other' if deep else 'signs in a row'}; make such a "
                "column in the table"
            )
    if depth:
        raise InvalidFormula("cannot be read: a parenthesis is not closed")
