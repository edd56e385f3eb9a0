"""The logic behind a result: a hash of the code a script runs.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

from partialpool.base import files, session

SCRIPTS = Path(__file__).parents[2]
PACKAGE = "partialpool"
SHOWING = tuple(f"{PACKAGE}/{room}/" for room in ("answers", "figures", "report"))
KNOWN = session.FOLDER / "modules.json"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def hashes() -> dict[str, str]:
    """The hash of every script in `workflow/scripts`, by name without `.py`."""
    found = {path.stem: of(path.stem) for path in sorted(SCRIPTS.glob("*.py"))}
    files.keep(KNOWN, _known())
    return found


def of(script: str) -> str:
    """Hash of the logic behind one script: the script and every module it imports.

    Only the syntax tree counts, without docstrings, so a comment, a docstring
    or a new line reruns nothing, while a changed constant reruns what uses it.
    The arguments of `base.wording.wording` count only if a module of a room that
    writes for readers is among these.

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
    which = "hash" if any(name.startswith(SHOWING) for name in seen) else "hash without wording"
    text = "".join(f"{name} {seen[name][which]}\n" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _module(name: str) -> dict:
    """Hashes of one module's logic, and the files of the package that it imports anywhere."""
    path = SCRIPTS / name
    state = _state(path)
    known = _known().get(str(path))
    if known is None or known["state"] != state:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = {
            "state": state,
            "hash": _hash(tree, wording=True),
            "hash without wording": _hash(tree, wording=False),
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
    return {file for place in places for file in (f"{place}.py", f"{place}/__init__.py")}


def _state(path: Path) -> list[int]:
    """What changes whenever a file is written; the last of them nobody can set back."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


@cache
def _known() -> dict[str, dict]:
    """What the last run found, by file: parsing every module anew takes longer than the rest."""
    return files.kept(KNOWN)


def _logic(node, wording: bool):
    """A syntax tree as nested tuples, without docstrings and places in the file.

    Without `wording`, arguments of calls of that name are left out, too.
    """
    if isinstance(node, list):
        return tuple(_logic(one, wording) for one in node)
    if not isinstance(node, ast.AST):
        return node
    fields = node.__dict__
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields = fields | {"body": node.body[1:]}
    if not wording and isinstance(node, ast.Call) and getattr(node.func, "id", "") == "wording":
        fields = fields | {"args": []}
    kind = type(node)
    return kind.__name__, *(_logic(fields.get(name), wording) for name in kind._fields)
