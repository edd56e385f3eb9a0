"""Expand a block of the config into several studies: by a pattern of files, or by a table.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import csv
import glob
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from partialpool.base.errors import UserError, nearest
from partialpool.study import paths, schema

_MAGIC = re.compile(r"[*?\[]")
_SUFFIX = re.compile(r"\.([ct]sv|[ct]sv\.gz|parquet|pq)$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def expand(key: str, block: Mapping, where: str) -> Iterator[tuple[str, Mapping, str]]:
    """Expand a block of the config into its studies.

    Parameters
    ----------
    key : str
        Key of the block, under `studies`.
    block : mapping
        Valid by the schema.
    where : str
        The file and the block, for messages.

    Yields
    ------
    tuple of str, mapping and str
        Name, block and origin of each study. The origin is for messages: in parentheses, the
        file or line that the study comes from; empty if the block is one study.
    """
    if "table" in block:
        return _of_table(key, block, where)
    data = block.get("data", "")
    if _MAGIC.search(data) and not os.path.lexists(data):
        return _of_files(key, block, where)
    return iter([(key, block, "")])


def _of_files(key: str, block: Mapping, where: str) -> Iterator[tuple[str, Mapping, str]]:
    """One study for each file, or folder of parts, that matches `data`."""
    pattern = block["data"]
    matching = glob.glob(pattern, recursive=True)
    found = [path for path in matching if not paths.is_ours(path)]
    if matching and not found:
        raise UserError(f"{where}.data: {paths.unusable(matching[0])}")
    if not found:
        raise UserError(f"{where}.data: no file matches {pattern!r}{_example(pattern)}")
    for path in sorted(found, key=_natural):
        if problem := paths.unusable(path):
            raise UserError(f"{where}.data: {problem}")
        stem = _SUFFIX.sub("", Path(path).name)
        texts = {"data": path}
        if "new_data" in block:
            texts["new_data"] = _filled(
                block["new_data"], {"stem": stem}, f"{where}.new_data", "a pattern of files"
            )
        yield f"{key}_{_clean(stem)}", {**block, **texts}, f" ({path})"


def _of_table(key: str, block: Mapping, where: str) -> Iterator[tuple[str, Mapping, str]]:
    """One study for each row of `table`; its cells replace the placeholders of the block."""
    if "simulate" in block:
        raise UserError(f"{where}: has both `table` and `simulate`; a table goes with `data`")
    shared = {name: value for name, value in block.items() if name != "table"}
    path = block["table"]
    for line, row in _rows(path, f"{where}.table"):
        place = f"{path}, line {line}"
        if not row["name"]:
            raise UserError(f"{where}.table: {place}: column 'name' is empty; name the study")
        filled = _filled_block(shared, row, where, place)
        yield f"{key}_{_clean(row['name'])}", filled, f" ({place})"


def _rows(path: str, where: str) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of each row of a table of studies; empty rows are left out."""
    if problem := paths.unusable(path):
        raise UserError(f"{where}: {problem}")
    lines = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                if any(map(str.strip, cells)):
                    lines.append((reader.line_num, [cell.strip() for cell in cells]))
    except UnicodeDecodeError:
        raise UserError(f"{where}: {path}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{where}: {path}: cannot be read ({error.strerror})") from None
    except csv.Error as error:
        raise UserError(
            f"{where}: {path}, line {reader.line_num}: not valid CSV ({error})"
        ) from None

    columns = lines[0][1] if lines else []
    for column in columns:
        if columns.count(column) > 1:
            raise UserError(f"{where}: {path}: column {column!r} is there twice; rename one")
    if "name" not in columns:
        known = ", ".join(map(repr, columns)) or "none"
        raise UserError(f"{where}: {path}: no column 'name', to name each study; columns: {known}")
    if not lines[1:]:
        raise UserError(f"{where}: {path}: has no rows; add one for each study")
    for line, cells in lines[1:]:
        if len(cells) != len(columns):
            raise UserError(
                f"{where}: {path}, line {line}: has {len(cells)} cells, for {len(columns)} columns"
            )
    return [(line, dict(zip(columns, cells, strict=True))) for line, cells in lines[1:]]


def _filled_block(block: Mapping, row: Mapping[str, str], where: str, place: str) -> dict:
    """A block with each `{column}` in its texts replaced by the cell of the row."""

    def filled(value, at: str):
        if isinstance(value, Mapping):
            return {name: filled(inner, f"{at}.{name}") for name, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner, f"{at}[{index}]") for index, inner in enumerate(value)]
        return _filled(value, row, at, place) if isinstance(value, str) else value

    found = filled(block, where)
    for name in schema.text_or_number() & block.keys():
        if found[name] != block[name]:
            found[name] = _number(found[name])
    return found


def _filled(text: str, values: Mapping[str, str], where: str, place: str) -> str:
    """A text with each `{name}` replaced by its value; values are not searched again."""

    def value(match: re.Match) -> str:
        name = match[1]
        if name not in values:
            hint = nearest(name, values) or f"; known: {', '.join(values)}"
            raise UserError(f"{where}: no value for {match[0]!r} ({place}){hint}")
        if not values[name]:
            raise UserError(f"{where}: column {name!r} is empty ({place}); fill it in")
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def _number(text: str) -> str | float:
    """A cell as a number, if it reads as one."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _clean(text: str) -> str:
    """Text as part of a study's name."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def _natural(path: str) -> tuple:
    """Sort key that puts `school_2` before `school_10`."""
    # As natsort does; none of its other rules is wanted here, so it would be one more dependency.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path)], path


def _example(pattern: str) -> str:
    """A file in the folder of a pattern, for a message, or that there is no such folder."""
    steps = Path(pattern).parts
    fixed = next(at for at, step in enumerate(steps) if _MAGIC.search(step))
    folder = Path(*steps[:fixed])
    if not folder.is_dir():
        return f"; no folder {str(folder)!r}"
    seen = sorted((str(path) for path in folder.iterdir() if path.name[0] != "."), key=_natural)
    return f"; there is, for example, {seen[0]!r}" if seen else f"; folder {str(folder)!r} is empty"
