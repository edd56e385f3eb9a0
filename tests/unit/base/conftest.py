"""A working directory that belongs to no run."""

import pytest

from partialpool.base import session


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, outside of any run."""
    monkeypatch.chdir(tmp_path)
    # Set and taken away, so that what a test sets is taken away after it.
    monkeypatch.setenv(session.NAME, "")
    monkeypatch.delenv(session.NAME)
    return tmp_path
