"""Fixtures of figures."""

import pytest

from partialpool.figures import style
from partialpool.figures.style import plt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def as_text(monkeypatch):
    """Keep text of SVG files as text, to be read."""
    monkeypatch.setattr(style, "_in_font", lambda letter: False)
