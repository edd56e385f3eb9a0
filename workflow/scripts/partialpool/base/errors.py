"""Errors a user can fix: one-line messages without traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """An error in one line: which file, key or column, the value, and what to write instead."""


def error_text[T](made: T) -> T:
    """Mark what is part of error messages only: text, a table of texts, or a function making one.

    A change of these reruns nothing: hashes of code leave out the arguments of this function, but
    for the keys of a table, and the functions that it decorates, see `run.fingerprint`.
    """
    return made


@error_text
def nearest(word: str, words: Iterable[str]) -> str:
    """Suggest the valid word closest to a misspelt one.

    Returns
    -------
    str
        For example `"; nearest: 'floor'"`; empty when nothing is close.
    """
    by_folded = {str(valid).casefold(): str(valid) for valid in words}
    close = get_close_matches(str(word).casefold(), by_folded, n=1)
    return f"; nearest: {by_folded[close[0]]!r}" if close else ""


def quoted_list(names) -> str:
    """Format up to ten names for a message."""
    names = [str(name) for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > 10 else ""
    return ", ".join(repr(name) for name in names[:10]) + more


def quoted(value) -> str:
    """Format a value for a message: on one line, at most 80 characters."""
    text = repr(" ".join(str(value).split()))
    return text if len(text) <= 80 else f"{text[:76]}...'"
