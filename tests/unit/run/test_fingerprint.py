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
    monkeypatch.setattr(fingerprint, "KNOWN", tmp_path / "known/modules.json")
    forget()
    yield copy
    forget()


def forget():
    """As a new process would."""
    fingerprint._known.cache_clear()


def test_remembered_hashes_are_those_of_the_files(scripts):
    first = fingerprint.hashes()
    assert files.kept(fingerprint.KNOWN)
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
    for old, new in (('label="R-hat"', 'label="Rhat"'), ("published=1.01", "published=1.02")):
        assert text.count(old) == 1
        module.write_text(text.replace(old, new), encoding="utf-8")
        after = fingerprint.hashes()
        changed.append({script for script in before if before[script] != after[script]})
    worded, limited = changed
    assert {"diagnose", "report", "index", "figures"} <= worded
    assert limited - worded == {"fit"}


def imported(path: Path) -> set[Path]:
    """Modules of the package that a file imports anywhere, and the packages these are in."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    steps = [name.split(".") for name in names if name.split(".")[0] == "partialpool"]
    places = {Path(*of[: i + 1]) for of in steps for i in range(len(of))}
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


@pytest.mark.parametrize("old, new", [("{", ""), ('"hash": "', '"hash": "0'), ("", "{}")])
def test_a_damaged_memory_is_made_anew(scripts, old, new):
    first = fingerprint.hashes()
    text = fingerprint.KNOWN.read_text(encoding="utf-8")
    fingerprint.KNOWN.write_text(text.replace(old, new) if old else new, encoding="utf-8")
    forget()
    assert fingerprint.hashes() == first
    assert files.kept(fingerprint.KNOWN)
