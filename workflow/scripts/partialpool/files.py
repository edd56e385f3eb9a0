"""Files that are whole or absent, logs, and where a result came from.

Imported while the workflow is parsed, so nothing scientific is imported at module level.
"""

import ast
import glob
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from partialpool.errors import UserError, nearest

SCRIPTS = Path(__file__).parent.parent
_IMPORT = re.compile(
    r"^\s*(?:from (partialpool[\w.]*) import (\([^)]*\)|.*)|import (partialpool[\w.]*))", re.M
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LAST_WORD = "partialpool:"
PACKAGES = ("pymc", "pytensor", "nutpie", "numba", "numpy", "arviz-stats", "formulae", "snakemake")


@contextmanager
def replacing(path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` only if the block succeeds.

    Readers see the old file or the new one, never half of either, and an open
    netCDF file is never overwritten in place. What a killed job left is removed; if
    that job is alive after all, on another machine, it fails and this one wins.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value) -> None:
    """Write `value` as indented JSON; numbers JSON cannot hold (nan, inf) are refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path):
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_csv(path, frame) -> None:
    """Write a DataFrame without its index, at full precision."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)


def write_parquet(path, frame) -> None:
    """Write a DataFrame as Parquet, without its index."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False)


def write_netcdf(path, data) -> None:
    """Write an xarray Dataset or DataTree as compressed netCDF-4.

    Shuffled zlib at its fastest level: draws shrink little, constant columns to nothing.
    """
    groups = {node.path: node.to_dataset() for node in data.subtree} if is_tree(data) else None
    packed = {"zlib": True, "complevel": 1, "shuffle": True}

    def encoding(dataset):
        return {name: packed for name, v in dataset.data_vars.items() if v.dtype.kind in "fiub"}

    with replacing(path) as temporary:
        if groups is None:
            data.to_netcdf(temporary, engine="netcdf4", encoding=encoding(data))
        else:
            data.to_netcdf(
                temporary,
                engine="netcdf4",
                encoding={where: encoding(dataset) for where, dataset in groups.items()},
            )


def is_tree(data) -> bool:
    """Whether `data` is an xarray DataTree rather than a Dataset."""
    return hasattr(data, "subtree")


def read_netcdf(path):
    """Load a netCDF file wholly into memory: a DataTree if it has groups, else a Dataset."""
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="netcdf4") as tree:
            loaded = tree.load()
    except OSError as error:
        raise UserError(
            f"{path}: not a readable netCDF file ({error.strerror or error}); "
            "delete it and run again to make it anew"
        ) from None
    return loaded if loaded.children else loaded.to_dataset()


def parts(path: str) -> list[str]:
    """The files of a table: itself, or the Parquet parts in a folder, in order of name."""
    if not Path(path).is_dir():
        return [path]
    found = (part for part in Path(path).rglob("*.parquet") if part.name[0] not in "._")
    return sorted(map(str, found))


def require_yaml(path) -> None:
    """Check that a YAML file can be read, and that no key of a mapping is there twice.

    Raises
    ------
    UserError
        With the line. YAML itself would keep the last of two equal keys, in silence.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file in {Path.cwd()}; write one, or name its folder by --directory"
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise UserError(f"{path}: line {at.line + 1}: not valid YAML ({error.problem})") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({error})") from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(f"{path}: holds no keys; add a study under `studies:`")
    waiting = [root]
    while waiting:
        node, seen = waiting.pop(), {}
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                first = seen.setdefault(key.value, key) if isinstance(key.value, str) else key
                if first is not key:
                    raise UserError(
                        f"{path}: line {key.start_mark.line + 1}: key {key.value!r} is there "
                        f"already, in line {first.start_mark.line + 1}; remove one of the two"
                    )
                waiting.append(value)


def require(path: str | None, where: str) -> None:
    """Check that a configured file, or a folder of Parquet parts, exists.

    Raises
    ------
    UserError
        With the nearest file of the same folder.
    """
    if path is None:
        return
    wanted = Path(path)
    if wanted.is_dir() and not parts(path):
        raise UserError(f"{where}: folder {path!r} has no .parquet files")
    if not wanted.exists():
        siblings = list(wanted.parent.iterdir()) if wanted.parent.is_dir() else []
        raise UserError(f"{where}: no file {path!r}{nearest(path, map(str, siblings))}")


@contextmanager
def job(log) -> Iterator[None]:
    """Run one Snakemake job: everything printed goes to `log`, its last line is for people.

    A :class:`UserError` is one line; anything else is a defect, so its
    traceback comes first. :func:`last_words` finds the lines when the run ends.

    The process ends with the block, without Python's clean-up: taking compiled
    models down object by object takes a second, and the files are written.
    """
    log = Path(str(log))
    log.parent.mkdir(parents=True, exist_ok=True)
    line = None
    with log.open("w", encoding="utf-8") as stream:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        except UserError as error:
            line = str(error)
        except Exception as error:
            traceback.print_exc(file=stream)
            line = f"{type(error).__name__}: {error} (traceback in {log})"
        if line is not None:
            print(LAST_WORD, " ".join(line.splitlines()), file=stream)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0 if line is None else 1)


def last_words(since: float) -> str:
    """The one line of each job that failed after `since`, in seconds since the epoch."""
    lines = []
    for log in sorted([*Path("results").glob("logs/*.log"), *Path("results").glob("*/logs/*.log")]):
        if log.stat().st_mtime >= since:
            last = log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]
            lines += [f"{last}\n"] if last.startswith(LAST_WORD) else []
    return "".join(lines)


@cache
def code(script: str) -> str:
    """Hash of the logic behind one script: the script and every module it imports.

    Only the syntax tree counts, without docstrings, so a comment, a docstring
    or a new line reruns nothing, while a changed constant reruns what uses it.

    Parameters
    ----------
    script : str
        Name of a file in `workflow/scripts`, without `.py`.
    """
    waiting, seen = [SCRIPTS / f"{script}.py"], {}
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen[path], imported = _module(path)
            waiting += imported
    text = "".join(f"{path.relative_to(SCRIPTS)} {seen[path]}\n" for path in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _module(path: Path) -> tuple[str, list[Path]]:
    """Hash of one module's logic, and the files of the package that it imports anywhere."""
    source = path.read_text(encoding="utf-8")
    logic = repr(_logic(ast.parse(source)))
    names = set()
    for module, listed, plain in _IMPORT.findall(source):
        names |= {module, plain} | {f"{module}.{n}" for n in re.findall(r"\w+", listed)}
    imported = []
    for name in filter(None, names):
        place = SCRIPTS / Path(*name.split("."))
        imported += [p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()]
    return hashlib.sha256(logic.encode()).hexdigest(), imported


def _logic(node):
    """A syntax tree as nested tuples, without docstrings and places in the file."""
    if isinstance(node, list):
        return tuple(map(_logic, node))
    if not isinstance(node, ast.AST):
        return node
    fields = node.__dict__
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields = fields | {"body": node.body[1:]}
    kind = type(node)
    return kind.__name__, *(_logic(fields.get(name)) for name in kind._fields)


def provenance() -> dict:
    """Versions, platform and commit a result came from."""
    from importlib.metadata import version

    return {
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "platform": platform.platform(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Short commit of the workflow, marked if its tracked files were edited; None without git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=SCRIPTS,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
