"""Provenance of a result."""

import subprocess
from pathlib import Path

import numpy as np

from partialpool.base import provenance


def git(where, *words) -> str:
    """Standard output of git in a folder."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(["git", "-C", where, *who, *words], capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_of_a_result_is_that_of_the_workflow(tmp_path, monkeypatch):
    """Whatever the working directory: here, another repository."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "another")
    assert git(tmp_path, "rev-parse", "HEAD")
    workflow = git(Path(provenance.__file__).parent, "rev-parse", "HEAD")
    found = provenance.provenance()
    assert (found["commit"] or "").removesuffix("-dirty") == workflow[:12]
    assert {"python", *provenance.PACKAGES} == found["versions"].keys()
    assert found["versions"]["numpy"] == np.__version__


def test_an_edited_workflow_is_marked(tmp_path, monkeypatch):
    """Its tracked files; and a tag is not a commit."""
    own = tmp_path / "workflow"
    own.mkdir()
    monkeypatch.setattr(provenance, "__file__", str(own / "provenance.py"))
    assert provenance.provenance()["commit"] is None
    (own / "provenance.py").write_text("1", encoding="utf-8")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "-a", "v1", "-m", "v1")
    commit = git(tmp_path, "rev-parse", "HEAD")[:12]
    (own / "untracked").write_text("1", encoding="utf-8")
    assert provenance.provenance()["commit"] == commit
    (own / "provenance.py").write_text("2", encoding="utf-8")
    assert provenance.provenance()["commit"] == f"{commit}-dirty"
    monkeypatch.setenv("PATH", "")
    assert provenance.provenance()["commit"] is None
