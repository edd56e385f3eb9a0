"""Terms of a formula: products of columns and calls, and group terms.

A term has no repetitions and no order; the intercept is the empty product.
"""

from typing import NamedTuple

from formulae import expr as syntax
from formulae.terms import Call, Variable

from partialpool.design.column_uses import Use
from partialpool.design.resolver import Resolver


class Atom(NamedTuple):
    """A column or a call."""

    name: str
    node: object  # of the syntax tree
    uses: tuple[Use, ...]

    def component(self) -> Variable | Call:
        """An object of `formulae`: a new one each time, as it learns the coding of its own term."""
        if isinstance(self.node, syntax.Call):
            return Call(Resolver(self.node).resolve())
        return Variable(self.name)


Term = tuple[Atom, ...]


class GroupTerm(NamedTuple):
    """Terms that vary by one grouping factor: `(terms | factor)` or `(terms || factor)`."""

    terms: list[Term]
    factor: Term
    correlated: bool


def term_name(term: Term) -> str:
    """The name of a term, such as `a:b` or `Intercept`."""
    return ":".join(atom.name for atom in term) or "Intercept"


def term_key(term: Term) -> frozenset[tuple[str, bool]]:
    """Identifies a term whatever its order: the same for `a:b` and `b:a`."""
    return frozenset((atom.name, isinstance(atom.node, syntax.Call)) for atom in term)


def group_text(terms: list[Term], factor: str, bar: str = "|") -> str:
    """A group term as it is written, for a message."""
    own = " + ".join(term_name(term) if term else "1" for term in terms)
    return f"({own if () in terms else f'0 + {own}'} {bar} {factor})"
