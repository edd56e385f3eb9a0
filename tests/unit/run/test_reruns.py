"""What runs again is decided by the records of results, by content."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake.api  # noqa: F401 (its modules import each other, in this order only)

from partialpool.base import records, session
from partialpool.run import reruns

PARAMS = {"study": {"formula": "y ~ x"}, "code": "1a"}


@pytest.fixture
def summary(tmp_path, monkeypatch) -> Path:
    """A result, with a record of what it was made from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(session.NAME, raising=False)
    path = Path("results/s/pooled/summary.csv")
    path.parent.mkdir(parents=True)
    path.write_text("name,mean\nsigma,1.5\n", encoding="utf-8")
    records.write([path], PARAMS, [])
    reruns._record.cache_clear()
    reruns._params.cache_clear()
    return path


class Job(SimpleNamespace):
    """The parts of a job of Snakemake that are asked for."""

    def __hash__(self):
        return id(self)


@pytest.mark.parametrize(
    ("params", "changed"),
    [
        (PARAMS, False),
        (dict(reversed(PARAMS.items())), False),
        (PARAMS | {"code": "1b"}, True),
        (PARAMS | {"study": {"formula": "y ~ 1"}}, True),
    ],
    ids=["the same", "in another order", "other code", "another formula"],
)
def test_a_result_is_outdated_if_it_was_made_with_other_parameters(
    summary, monkeypatch, params, changed
):
    answers = object.__new__(reruns.Persistence)
    # Snakemake's own account, which only adds what the change was.
    monkeypatch.setattr(reruns.FilePersistence, "params_changed", lambda *given: None)
    job = Job(output=[str(summary)], params=params)
    assert bool(answers.params_changed(job)) is changed


def test_a_result_without_a_record_is_outdated(summary):
    answers = object.__new__(reruns.Persistence)
    records.remove([summary])
    assert answers.params_changed(Job(output=[str(summary)], params=PARAMS))


def test_inputs_that_have_changed_places_are_other_inputs(summary, monkeypatch):
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(f"x\n{name}\n", encoding="utf-8")
    inputs = [(name, records.checksum(name)) for name in ("a.csv", "b.csv")]
    records.write([summary], PARAMS, inputs)
    reruns._record.cache_clear()
    answers = object.__new__(reruns.Persistence)
    for order, changed in ((inputs, False), (inputs[::-1], True)):
        monkeypatch.setattr(answers, "_checksums", lambda job, own=order: [sum for _, sum in own])
        assert answers._input_changed(None, str(summary)) is changed
