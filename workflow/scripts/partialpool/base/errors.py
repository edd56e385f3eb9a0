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


def listed(names) -> str:
    """Up to ten names for a message."""
    names = [str(name) for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > 10 else ""
    return ", ".join(repr(name) for name in names[:10]) + more


def shown(value) -> str:
    """A value for a message: on one line, and not a page of it."""
    text = repr(" ".join(str(value).split()))
    return text if len(text) <= 80 else f"{text[:76]}...'"
