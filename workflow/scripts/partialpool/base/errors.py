"""Errors that are for people: one line, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something a user can put right, said in one line: where, what, and what would be right."""


def nearest(word: str, words: Iterable[str]) -> str:
    """Name the known word closest to an unknown one.

    Returns
    -------
    str
        For example `"; nearest: 'floor'"`; empty when nothing is close.
    """
    by_folded = {str(known).casefold(): str(known) for known in words}
    close = get_close_matches(str(word).casefold(), by_folded, n=1)
    return f"; nearest: {by_folded[close[0]]!r}" if close else ""
