"""Tables of the page."""

SHOWN = 20  # rows of a table on the page; the file has all


def table(columns, rows, note: str = "", numbers=()) -> dict:
    """A table for the template.

    Parameters
    ----------
    columns : list of str
    rows : list of list
        Cells: text, or a dict with `text`, `under` (a second line) and `mark` ("failed", "dim").
    note : str
        What is left out.
    numbers : iterable of int
        Columns aligned right.
    """
    return {"columns": columns, "rows": rows, "note": note, "numbers": set(numbers)}


def below(cells: list[str]) -> list[dict]:
    """A number with its interval below it."""
    text, interval = cells
    return [{"text": text, "under": interval}]
