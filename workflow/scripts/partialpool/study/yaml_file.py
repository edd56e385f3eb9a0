"""Read YAML and JSON config files as plain values, with errors by line.

Imported while the workflow is parsed, so nothing scientific is imported here. Nothing in a file is
evaluated, and aliases, depth and numbers have limits, so that reading it ends soon. PyYAML has none
of these limits and takes the last of duplicate keys; ruamel.yaml refuses duplicate keys, but lacks
the limits, for which the nodes are walked anyway.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from partialpool.base.errors import UserError, quoted
from partialpool.study import paths

BYTES = 10_000_000  # of a file
DEPTH = 30  # of blocks within blocks
VALUES = 1_000_000  # of a file, with aliases expanded
DIGITS = 400  # of a number

_TYPES = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "value", "merge")
_TAG = "tag:yaml.org,2002:"
# YAML 1.1 wants a point in it, and takes 1e-3 for text.
_FLOAT = re.compile(r"[-+]?(?:\d+|\d+\.\d*|\.\d+)[eE][-+]?\d+")
# What YAML 1.1 takes for 8 and for 5400, and YAML 1.2 for 10 and for text.
_AMBIGUOUS = re.compile(r"[-+]?(?:0[0-9_]+|[0-9_]+(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)")


def read(path) -> dict:
    """Read a config file: YAML, or JSON.

    Raises
    ------
    UserError
        With the line.
    """
    text = _text(path)
    if text.lstrip().startswith("{"):
        try:
            return _json(path, text)
        except json.JSONDecodeError as error:
            if str(path).endswith(".json"):
                raise UserError(
                    f"{path}: line {error.lineno}: not valid JSON ({error.msg})"
                ) from None
    try:
        _check_events(path, text)
        root = yaml.compose(text, _loader())
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        if "nesting depth" in (error.problem or ""):  # libyaml 0.2.6 has a limit of its own
            raise _too_deep(path, at) from None
        raise UserError(f"{path}: line {at.line + 1}: not valid YAML ({error.problem})") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise UserError(
            f"{path}: line {line}: has the character U+{code:04X}, which is not text; remove it"
        ) from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({error})") from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(f"{path}: holds no keys; add a study under `studies:`")
    _check_nodes(path, root)
    try:
        return _loader()("").construct_document(root)
    except yaml.MarkedYAMLError as error:  # what `<<` refers to
        line = error.problem_mark.line + 1
        raise UserError(f"{path}: line {line}: not valid YAML ({error.problem})") from None


def _text(path) -> str:
    """The content of a file; refuses what is no file, too large or not UTF-8."""
    if not os.path.lexists(path):
        raise UserError(
            f"{path}: no such file in {Path.cwd()}; write one, or name its folder by --directory"
        )
    if os.path.isdir(path):
        raise UserError(f"{path}: is a folder; give the path of a YAML file")
    if problem := paths.unusable(str(path)):
        raise UserError(f"{path}: cannot be used: {problem}")
    size = os.stat(path).st_size
    if size > BYTES:
        raise UserError(
            f"{path}: has {size / 1e6:.0f} MB, and a config at most {BYTES / 1e6:.0f}; for many "
            "studies use a pattern in `data`, or a `table`"
        )
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _json(path, text: str) -> dict:
    """Parse JSON, with the same limits as YAML."""

    def pairs(found):
        keys = dict(found)
        if len(keys) < len(found):
            [(key, _), *_] = Counter(key for key, _ in found).most_common(1)
            raise UserError(f"{path}: key {quoted(key)} is there twice; remove one of the two")
        return keys

    def number(written):
        if len(written) > DIGITS:
            raise UserError(f"{path}: the number {written[:20]}... has {len(written)} digits")
        return float(written) if set(written) & set(".eE") else int(written)

    try:
        found = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number)
        if _deepest(found) <= DEPTH:
            return found
    except RecursionError:
        pass
    raise UserError(f"{path}: has more than {DEPTH} blocks within one another; a config needs 5")


def _deepest(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict | list) + max(map(_deepest, inner), default=0)


def _check_events(path, text: str) -> None:
    """Limit depth and length before anything recursive reads the file."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, _loader())):
        if number > VALUES:
            raise UserError(f"{path}: has over {VALUES:,} values; a config has some thousands")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise _too_deep(path, event.start_mark)


def _too_deep(path, mark) -> UserError:
    return UserError(
        f"{path}: line {mark.line + 1}: has more than {DEPTH} blocks within one another; a config "
        "needs 5"
    )


def _check_nodes(path, root: yaml.Node) -> None:
    """Check keys, tags and numbers, and limit the size of expanded aliases."""
    seen: dict[int, tuple[int, int] | None] = {}

    def at(node) -> str:
        return f"{path}: line {node.start_mark.line + 1}"

    def measure(node) -> tuple[int, int]:
        """Number and depth of the values of a node, with aliases expanded."""
        if id(node) in seen:
            found = seen[id(node)]
            if found is None:
                raise UserError(f"{at(node)}: this block contains itself by an alias; write it out")
            return found
        seen[id(node)] = None
        inner = [measure(value) for value in _inner(node)]
        values, depth = 1 + sum(n for n, _ in inner), max((d for _, d in inner), default=0)
        depth += isinstance(node, yaml.CollectionNode)
        if values > VALUES or depth > DEPTH:
            raise UserError(
                f"{at(node)}: the aliases in this block stand for over {VALUES:,} values, or for "
                f"more than {DEPTH} blocks within one another; write out what is needed"
            )
        _check_node(node, at)
        seen[id(node)] = values, depth
        return values, depth

    measure(root)


def _inner(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield value
            else:
                yield key
                yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _check_node(node: yaml.Node, at) -> None:
    if node.tag.removeprefix(_TAG) not in _TYPES:
        raise UserError(f"{at(node)}: the tag {node.tag!r} means nothing here; leave it out")
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node, at)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, yaml.Node] = {}
    for key, _ in node.value:
        kind = key.tag.removeprefix(_TAG)
        if not isinstance(key, yaml.ScalarNode):
            what = "list" if isinstance(key, yaml.SequenceNode) else "mapping"
            raise UserError(f"{at(key)}: a key must be text, not a {what}")
        if kind not in ("str", "merge", "value"):
            raise UserError(
                f"{at(key)}: the key {quoted(key.value)} is {_READ_AS.get(kind, 'not text')}; "
                "a key must be text; put it in quotes"
            )
        first = seen.setdefault(key.value, key)
        if first is not key:
            raise UserError(
                f"{at(key)}: key {quoted(key.value)} is there already, in line "
                f"{first.start_mark.line + 1}; remove one of the two"
            )


_READ_AS = {
    "bool": "read as true or false",
    "null": "read as no value",
    "int": "read as a number",
    "float": "read as a number",
    "timestamp": "read as a date",
}


def _check_scalar(node: yaml.ScalarNode, at) -> None:
    kind, written = node.tag.removeprefix(_TAG), node.value
    if kind not in ("int", "float"):
        return
    if len(written) > DIGITS:
        raise UserError(f"{at(node)}: the number {written[:20]}... has {len(written)} digits")
    if _AMBIGUOUS.fullmatch(written):
        raise UserError(
            f"{at(node)}: {written} is not read in the same way by everyone; write a number "
            "without a leading 0 or colons, or put text in quotes"
        )
    try:
        value = float(_loader()("").construct_object(node))
    except OverflowError:
        value = float("inf")
    except (ValueError, yaml.YAMLError):
        raise UserError(
            f"{at(node)}: {quoted(written)} is not a number; write one, or put text in quotes"
        ) from None
    if value in (float("inf"), float("-inf")) and "inf" not in written.lower():
        raise UserError(f"{at(node)}: the number {written} is too large")


@cache
def _loader() -> type:
    """The safe loader of PyYAML, with 1e-3 as a number and dates as text."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass

    Loader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+.0123456789"))
    Loader.add_constructor(f"{_TAG}timestamp", Loader.construct_scalar)
    Loader.add_constructor(f"{_TAG}value", Loader.construct_scalar)
    return Loader


class Sources:
    """The files that a config is read from; each extends the files before it.

    Parameters
    ----------
    paths : list of path
        In the order in which they are read.
    given : mapping
        Keys from the command line (`--config`); they come last.
    """

    def __init__(self, paths, given: Mapping | None = None):
        self.trees = [(str(path), read(path)) for path in paths]
        self.trees += [("--config", _typed(dict(given)))] if given else []

    def merged(self) -> dict:
        """All files merged into one config."""
        found: dict = {}
        for _, tree in self.trees:
            _update(found, tree)
        return found

    def of(self, *keys) -> str:
        """The file that has most of a path of keys, the last if several do."""
        depths = [(_depth(tree, keys), order) for order, (_, tree) in enumerate(self.trees)]
        return self.trees[max(depths)[1]][0]


def _typed(value):
    """Convert the text of a command line to numbers, true and false, where Snakemake has not."""
    if isinstance(value, Mapping):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    loader = _loader()("")
    node = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, value, (True, False)), value)
    if node.tag.removeprefix(_TAG) not in ("int", "float", "bool", "null"):
        return value
    node.start_mark = yaml.Mark("", 0, 0, 0, None, None)
    _check_scalar(node, lambda _: "--config")
    return loader.construct_object(node)


def _update(found: dict, tree: Mapping) -> None:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            inner = found.get(key)
            found[key] = dict(inner) if isinstance(inner, Mapping) else {}
            _update(found[key], value)
        else:
            found[key] = value


def _depth(tree, keys) -> int:
    """Number of leading keys of a path that a tree has."""
    depth = 0
    for key in keys:
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    return depth
