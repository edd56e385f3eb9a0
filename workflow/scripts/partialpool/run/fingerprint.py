"""Hash of the code that makes a result, so that an edit of it reruns what depends on it.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from partialpool.base import files, session

SCRIPTS = Path(__file__).parents[2]
PACKAGE = "partialpool"
ROOMS_WITH_WORDING = tuple(f"{PACKAGE}/{room}/" for room in ("answers", "figures", "report"))
# Starts, watches and ends jobs, and plans which of them run: a result is the same whatever it does.
UNHASHED = f"{PACKAGE}/run/"
HASH_CACHE = session.FOLDER / "code.json"
ERROR_TEXT, WORDING = "error_text", "wording"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def hashes() -> dict[str, str]:
    """The hash of every script in `workflow/scripts`, by name without `.py`."""
    found = {path.stem: hash_script(path.stem) for path in sorted(SCRIPTS.glob("*.py"))}
    files.write_cache(HASH_CACHE, {"by": _cache_key(), "modules": _known()})
    return found


def hash_script(script: str) -> str:
    """Hash of the logic behind one script: the script and every module it imports.

    Only the syntax tree counts, without docstrings and without the arguments of the exceptions
    that are raised. So a comment, a docstring or the message of an error reruns nothing, while
    a changed constant or condition reruns what uses it. A message that is put together
    elsewhere, printed or logged counts: it might be part of a result; unless it is marked by
    `base.errors.error_text`. The arguments of `base.wording.wording` count only if a module of a
    room that writes for readers is among these.

    Parameters
    ----------
    script : str
        Name of a file in `workflow/scripts`, without `.py`.
    """
    waiting, seen = [f"{script}.py"], {}
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = _module(name)
            waiting += seen[name]["imports"]
    which = (
        "hash"
        if any(name.startswith(ROOMS_WITH_WORDING) for name in seen)
        else "hash without wording"
    )
    text = "".join(f"{name} {seen[name][which]}\n" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _module(name: str) -> dict:
    """Hashes of one module's logic, and the files of the package that it imports anywhere."""
    path = SCRIPTS / name
    state = _state(path)
    known = _known().get(str(path))
    if known is None or known["state"] != state:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        whole = _hash(tree, wording=True)
        known = {
            "state": state,
            "hash": whole,
            "hash without wording": _hash(tree, wording=False) if WORDING in text else whole,
            "imports": sorted(file for file in _imports(tree) if (SCRIPTS / file).exists()),
        }
        _known()[str(path)] = known
    return known


def _hash(tree: ast.Module, wording: bool) -> str:
    return hashlib.sha256(repr(_logic(tree, wording)).encode()).hexdigest()


def _imports(tree: ast.Module) -> set[str]:
    """Files that may be what a module imports, anywhere in it, of the package."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=module, names=aliases, level=0):
                names |= {f"{module}.{alias.name}" for alias in aliases}
    steps = [name.split(".") for name in names if name.split(".")[0] == PACKAGE]
    # Python imports the packages that a module is in, too.
    places = {"/".join(of[: i + 1]) for of in steps for i in range(len(of))}
    files_of = {file for place in places for file in (f"{place}.py", f"{place}/__init__.py")}
    return {file for file in files_of if not file.startswith(UNHASHED)}


def _state(path: Path) -> list[int]:
    """What changes whenever a file is written; the last of them nobody can set back."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


@cache
def _known() -> dict[str, dict]:
    """What the last run found, by file: parsing every module anew takes longer than the rest."""
    kept = files.read_cache(HASH_CACHE)
    return kept.get("modules", {}) if kept.get("by") == _cache_key() else {}


def _cache_key() -> list:
    """What hashes depend on besides the files: this module, and Python's syntax trees."""
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return [own, *sys.version_info[:2]]


def _logic(node, wording: bool):
    """A syntax tree as nested tuples, without docstrings, messages and places in the file.

    Without `wording`, arguments of calls of that name are left out, too.
    """
    kind = type(node)
    if kind is list:
        return tuple([_logic(one, wording) for one in node])
    if not isinstance(node, ast.AST):
        return node
    fields = node.__dict__
    if isinstance(node, _DOCUMENTED):
        if ast.get_docstring(node, clean=False) is not None:
            fields = fields | {"body": node.body[1:]}
        decorators = getattr(node, "decorator_list", ())
        if any(getattr(one, "id", "") == ERROR_TEXT for one in decorators):
            fields = {"name": node.name}
    elif kind is ast.Call:
        called = getattr(node.func, "id", "")
        if called == WORDING and not wording:
            fields = fields | {"args": []}
        elif called == ERROR_TEXT:
            # Which keys a table has may decide what is refused.
            tables = [one for one in node.args if isinstance(one, ast.Dict)]
            fields = fields | {"args": [key for table in tables for key in table.keys if key]}
    elif kind is ast.Raise and isinstance(node.exc, ast.Call):
        # A result that exists was made by code that did not raise, or by code that caught what
        # was raised and read none of it, which tests/unit/run/test_fingerprint.py holds.
        fields = fields | {"exc": node.exc.func}
    return kind.__name__, *[_logic(fields.get(name), wording) for name in kind._fields]
