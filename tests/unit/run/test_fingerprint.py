"""The hash of a script's logic, and what is remembered of it between runs."""

import ast
import os
import shutil
from pathlib import Path

import pytest

from partialpool.base import files
from partialpool.run import fingerprint


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A copy of the scripts to be edited, and a memory of its own."""
    copy = tmp_path / "scripts"
    shutil.copytree(fingerprint.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "SCRIPTS", copy)
    monkeypatch.setattr(fingerprint, "HASH_CACHE", tmp_path / "known/modules.json")
    forget()
    yield copy
    forget()


def forget():
    """As a new process would."""
    fingerprint._known.cache_clear()


def test_remembered_hashes_are_those_of_the_files(scripts):
    first = fingerprint.hashes()
    assert files.read_cache(fingerprint.HASH_CACHE)
    forget()
    assert fingerprint.hashes() == first


def test_an_edit_is_seen_whatever_its_date_and_size(scripts):
    module = scripts / "partialpool/answers/loo.py"
    before, status = fingerprint.hashes(), module.stat()
    text = module.read_text(encoding="utf-8")
    assert "8_000_000" in text
    module.write_text(text.replace("8_000_000", "9_000_000"), encoding="utf-8")
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
    forget()
    after = fingerprint.hashes()
    assert module.stat().st_size == status.st_size
    changed = {script for script in before if before[script] != after[script]}
    assert {"compare"} <= changed and "fit" not in changed


def test_wording_counts_where_it_is_shown(scripts):
    """A new label of a check, or another advice, fits nothing again; another limit does."""
    module = scripts / "partialpool/study/checks.py"
    before, text = fingerprint.hashes(), module.read_text(encoding="utf-8")
    changed = []
    for old, new in (('label="R-hat"', 'label="Rhat"'), ("retry_limit=1.01", "retry_limit=1.02")):
        assert text.count(old) == 1
        module.write_text(text.replace(old, new), encoding="utf-8")
        after = fingerprint.hashes()
        changed.append({script for script in before if before[script] != after[script]})
    worded, limited = changed
    assert {"diagnose", "report", "index", "figures"} <= worded
    assert limited - worded == {"fit"}


def imported(path: Path) -> set[Path]:
    """Modules that a file imports anywhere, but for `run`, and the packages these are in."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    steps = [name.split(".") for name in names if name.split(".")[0] == "partialpool"]
    places = {Path(*of[: i + 1]) for of in steps if of[1:2] != ["run"] for i in range(len(of))}
    found = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}
    return {fingerprint.SCRIPTS / file for file in found if (fingerprint.SCRIPTS / file).exists()}


def test_an_edit_of_any_module_is_seen_in_all_that_imports_it(scripts):
    """And nowhere else."""
    direct = {path: imported(path) for path in scripts.rglob("*.py")}
    of_script = {path.stem: {path} for path in scripts.glob("*.py")}
    for files_of in of_script.values():
        while more := set().union(*(direct[path] for path in files_of)) - files_of:
            files_of |= more
    first = fingerprint.hashes()
    for module in scripts.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        module.write_text(f"{text}\nADDED = 1\n", encoding="utf-8")
        after = fingerprint.hashes()
        module.write_text(text, encoding="utf-8")
        changed = {script for script in first if first[script] != after[script]}
        assert changed == {script for script, own in of_script.items() if module in own}, module


def test_an_edit_of_what_starts_and_ends_jobs_is_seen_nowhere(scripts):
    """A result is the same whatever `run` does, so that none is made anew."""
    first = fingerprint.hashes()
    for module in scripts.glob("partialpool/run/*.py"):
        module.write_text("ADDED = 1\n", encoding="utf-8")
    assert fingerprint.hashes() == first


CHECKED = '''
def scale(x):
    """Scale a predictor."""
    if x < 0:
        raise UserError(f"t.csv: {x} is below 0", where="row 1")
    print("scaled", 3)
    return x / 2
'''


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("Scale a", "Rescale a", False),
        ("is below 0", "must be 0 or more", False),
        ('f"t.csv: {x} is below 0", where="row 1"', '"too small"', False),
        ("    if x", "    # Why.\n    if x", False),
        ("x < 0", "x <= 0", True),
        ("UserError", "ValueError", True),
        ("scaled", "halved", True),  # printed, so perhaps read
        ('"scaled", 3', '"scaled"', True),
        ("x / 2", "x / 3", True),
        ('raise UserError(f"t.csv: {x} is below 0", where="row 1")', "x = 0", True),
        ('raise UserError(f"t.csv: {x} is below 0", where="row 1")', "raise", True),
    ],
)
def test_which_edits_are_seen(tmp_path, monkeypatch, old, new, seen):
    """The message of an error is not: a result that exists was made without it."""
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path)
    assert CHECKED.count(old) == 1
    for name, text in (("before", CHECKED), ("after", CHECKED.replace(old, new))):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    before, after = (fingerprint._module(f"{name}.py") for name in ("before", "after"))
    assert (before["hash"] != after["hash"]) == seen


# What the system says of a file: of `os.stat`, a ValueError that its path has a NUL in it.
SYSTEM = {"OSError", "(OSError, ValueError)"}


def test_nothing_reads_what_an_exception_says_but_to_raise_another():
    """Or the message of an error could be part of a result, and an edit of it would go unseen."""
    for path in fingerprint.SCRIPTS.rglob("*.py"):
        if "run" in path.parts or path.stem == "partial_page":  # these make no result
            continue
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        raised = {one for node in nodes if isinstance(node, ast.Raise) for one in ast.walk(node)}
        names = {one.id for one in raised if isinstance(one, ast.Name)}
        assert "OSError" not in names, f"{path} raises what only the system may"
        for node in nodes:
            if isinstance(node, ast.ExceptHandler) and not isinstance(node.body[-1], ast.Raise):
                read = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
                read = [one for one in read if one.id == node.name and one not in raised]
                assert not read or ast.unparse(node.type) in SYSTEM, f"{path}, line {node.lineno}"


def test_what_another_version_of_this_module_remembered_is_not_used(scripts, monkeypatch):
    first = fingerprint.hashes()
    module = scripts / "partialpool/answers/loo.py"
    kept = files.read_cache(fingerprint.HASH_CACHE)
    kept["modules"][str(module)]["hash"] = "0"
    for by, hashes in ((kept["by"], False), (["another"], True)):
        files.write_cache(fingerprint.HASH_CACHE, kept | {"by": by})
        forget()
        assert (fingerprint.hashes() == first) == hashes


@pytest.mark.parametrize("old, new", [("{", ""), ('"hash": "', '"hash": "0'), ("", "{}")])
def test_a_damaged_memory_is_made_anew(scripts, old, new):
    first = fingerprint.hashes()
    text = fingerprint.HASH_CACHE.read_text(encoding="utf-8")
    fingerprint.HASH_CACHE.write_text(text.replace(old, new) if old else new, encoding="utf-8")
    forget()
    assert fingerprint.hashes() == first
    assert files.read_cache(fingerprint.HASH_CACHE)
