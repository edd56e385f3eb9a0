"""What a run was started with, for its jobs alone."""

import os

import pytest

from partialpool.base import session
from partialpool.base.errors import UserError


def test_a_run_knows_what_it_was_started_with(folder):
    assert session.started_with() is None
    session.begin(studies={"radon": {"draws": 10}})
    assert session.started_with() == {"studies": {"radon": {"draws": 10}}}


def test_a_job_of_a_run_that_is_over_learns_nothing_of_the_next(folder, monkeypatch):
    session.begin(places={"radon": "mine.yaml: studies.radon"})
    first = os.environ[session.NAME]
    assert session.place("radon") == "mine.yaml: studies.radon"
    assert session.place("other") == "config/config.yaml: studies.other"
    session.begin(places={"radon": "other.yaml: studies.radon"})
    assert session.place("radon") == "other.yaml: studies.radon"
    monkeypatch.setenv(session.NAME, first)
    for ask in (session.started_with, session.require_current, lambda: session.place("radon")):
        with pytest.raises(UserError, match="belongs to a run that is over"):
            ask()
    monkeypatch.delenv(session.NAME)
    session.require_current()
    assert session.place("radon") == "config/config.yaml: studies.radon"
