"""A grouping factor: its groups, and the columns of the design whose coefficients vary by it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class GroupingFactor:
    """A grouping factor.

    Attributes
    ----------
    name : str
    blocks : tuple of tuple of str
        Columns of the design whose coefficients vary by group. Those of one block are
        correlated, those of different blocks independent: `(1 + x | g)` is one block,
        `(1 | g) + (0 + x | g)` and `(x || g)` are two.
    levels : tuple of str
        Labels of the groups, sorted.
    """

    name: str
    blocks: tuple[tuple[str, ...], ...]
    levels: tuple[str, ...]

    @property
    def varying(self) -> tuple[str, ...]:
        """Columns of all blocks."""
        return tuple(name for block in self.blocks for name in block)


def unit(columns: Iterable[str]) -> str:
    """One group of a factor that is made of some columns, such as `class within school`."""
    return " within ".join(reversed([*columns]))
