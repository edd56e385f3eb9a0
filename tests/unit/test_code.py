"""The hash of a script's logic, and what is remembered of it between runs."""

import os
import shutil

import pytest

from partialpool import code, files


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A copy of the scripts to be edited, and a memory of its own."""
    copy = tmp_path / "scripts"
    shutil.copytree(code.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "SCRIPTS", copy)
    monkeypatch.setattr(code, "KNOWN", tmp_path / "known/code.json")
    forget()
    yield copy
    forget()


def forget():
    """As a new process would."""
    code._known.cache_clear()


def test_remembered_hashes_are_those_of_the_files(scripts):
    first = code.hashes()
    assert files.kept(code.KNOWN)
    forget()
    assert code.hashes() == first


def test_an_edit_is_seen_whatever_its_date_and_size(scripts):
    module = scripts / "partialpool/compare.py"
    before, status = code.hashes(), module.stat()
    text = module.read_text(encoding="utf-8")
    assert "8_000_000" in text
    module.write_text(text.replace("8_000_000", "9_000_000"), encoding="utf-8")
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
    forget()
    after = code.hashes()
    assert module.stat().st_size == status.st_size
    changed = {script for script in before if before[script] != after[script]}
    assert {"compare"} <= changed and "fit" not in changed


@pytest.mark.parametrize("old, new", [("{", ""), ('"hash": "', '"hash": "0'), ("", "{}")])
def test_a_damaged_memory_is_made_anew(scripts, old, new):
    first = code.hashes()
    text = code.KNOWN.read_text(encoding="utf-8")
    code.KNOWN.write_text(text.replace(old, new) if old else new, encoding="utf-8")
    forget()
    assert code.hashes() == first
    assert files.kept(code.KNOWN)
