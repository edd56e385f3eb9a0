"""Processes that compile one at a time, in the order they came."""

import errno

import pytest
from compiling import Compiling

from partialpool.sampler import compile_queue

QUEUEING = """
import sys
from pathlib import Path
from partialpool.sampler import compile_queue

for mine in compile_queue.turns(Path(sys.argv[1])):
    print("compiling" if mine else "another is done", flush=True)
    if mine:
        sys.stdin.read()
"""


def test_processes_compile_in_the_order_they_came(tmp_path):
    """Those who are killed while they wait hold nobody up, nor do those who came later."""
    first = Compiling(tmp_path, QUEUEING, str(tmp_path))
    assert first.says() == "compiling"
    waiting = []
    for _ in range(4):
        waiting.append(Compiling(tmp_path, QUEUEING, str(tmp_path)))
        assert waiting[-1].says().startswith("waits for")
    waiting[1].kill()
    waiting[1].communicate()
    first.communicate()
    assert waiting[3].says() == "another is done"
    for turn in (0, 2, 3):
        assert waiting[turn].compiles()
        assert waiting[turn].rest() == []


@pytest.mark.parametrize("queue", [True, False])
def test_who_compiles_has_the_lock_until_the_end_of_the_turn(tmp_path, queue):
    """With a queue and, where there can be none, by the lock alone."""
    if not queue:
        (tmp_path / "partialpool-queue").write_text("a file, not a folder", encoding="utf-8")
    mine = compile_queue.turns(tmp_path)
    assert next(mine) is True
    other = Compiling(tmp_path, QUEUEING, str(tmp_path))
    assert other.says().startswith("waits for")
    assert list(mine) == []
    assert other.compiles()
    assert other.rest() == []


def test_nobody_waits_where_files_cannot_be_locked(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(compile_queue.fcntl, "lockf", no_locks)
    assert list(compile_queue.turns(tmp_path)) == [True]


def test_whoever_is_not_done_in_time_holds_nobody_up(tmp_path, monkeypatch):
    first = Compiling(tmp_path, QUEUEING, str(tmp_path))
    assert first.says() == "compiling"
    monkeypatch.setattr(compile_queue, "LONGEST_WAIT", 0.5)
    assert list(compile_queue.turns(tmp_path)) == [True]
    first.kill()
    first.communicate()
