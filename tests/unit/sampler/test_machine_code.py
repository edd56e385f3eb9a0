"""Compiled functions are stored: each is compiled by one process, once for its source."""

import errno
import os

import numba
import numpy as np
import pytest
from compiling import Compiling

from partialpool.sampler import machine_code
from partialpool.sampler.machine_code import PART, Code

SCRIPT = """
import sys
import numpy as np
from numba.core import event
from partialpool.sampler import machine_code
from partialpool.sampler.machine_code import PART, Code

def twice(lengths, addresses):
    return 2 * lengths[0]

def thrice(lengths, addresses):
    return 3 * lengths[0]

def slowly(code, place):
    print("compiling", code.function.__name__, flush=True)
    if stays:
        sys.stdin.readline()
    return load(code, place)

source, names, stays = sys.argv[1], sys.argv[2].split(","), len(sys.argv) > 3
load, stored = Code.load, Code.is_stored
Code.load = lambda code, place: (load if stored(code, place) else slowly)(code, place)
codes = [Code(globals()[name], PART, (source,)) for name in names]
with event.install_recorder("numba:run_pass") as recorder:
    found = machine_code.load(codes)
number = np.array([7])
values = [f.ctypes(*[number.ctypes.data_as(f.ctypes.argtypes[0])] * 2) for f in found]
print("compiled" if recorder.buffer else "loaded", *values, flush=True)
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("the source", encoding="utf-8")
    return path


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_another_process_compiles_nothing(cache, source):
    assert Compiling(cache, SCRIPT, source, "twice").rest() == ["compiling twice", "compiled 14"]
    assert Compiling(cache, SCRIPT, source, "twice").rest() == ["loaded 14"]


def test_another_source_is_other_code_and_so_is_another_function(cache, source):
    Compiling(cache, SCRIPT, source, "twice").rest()
    source.write_text("another source", encoding="utf-8")
    both = Compiling(cache, SCRIPT, source, "twice,thrice").rest()
    assert both == ["compiling twice", "compiling thrice", "compiled 14 21"]
    source.write_text("the source", encoding="utf-8")
    assert Compiling(cache, SCRIPT, source, "twice").rest() == ["loaded 14"]


def test_of_two_processes_each_compiles_what_the_other_does_not(cache, source):
    """And both have all of it."""
    first = Compiling(cache, SCRIPT, source, "twice,thrice", "stays")
    assert first.says() == "compiling twice"
    second = Compiling(cache, SCRIPT, source, "twice,thrice", "stays")
    assert second.says() == "compiling thrice"
    # The first is done, and waits for the second.
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.says() == machine_code.WAITS
    assert second.rest("\n") == ["compiled 14 21"]
    waited, last = first.rest()
    assert waited.startswith("waited ") and waited.endswith(" s for another fit to compile")
    assert last == "compiled 14 21"


def test_who_waits_compiles_what_a_process_that_is_gone_has_not(cache, source):
    first = Compiling(cache, SCRIPT, source, "twice", "stays")
    assert first.says() == "compiling twice"
    second = Compiling(cache, SCRIPT, source, "twice")
    assert second.says() == machine_code.WAITS
    first.kill()
    first.communicate()
    said, _, last = second.rest()
    assert (said, last) == ("compiling twice", "compiled 14")
    # Its lock is a file that stays, and holds nobody up.
    assert list(cache.rglob("lock"))


def test_a_folder_that_cannot_be_written_to_is_replaced_while_the_process_lives(tmp_path, source):
    """Without a trace afterwards."""
    file, own = tmp_path / "file", tmp_path / "temporary"
    file.write_text("not a folder", encoding="utf-8")
    own.mkdir()
    process = Compiling(file, SCRIPT, source, "twice", "stays", TMPDIR=str(own))
    assert process.says() == "compiling twice"
    assert list(own.glob("partialpool-*/*/lock"))
    assert process.rest("\n") == ["compiled 14"]
    assert list(own.iterdir()) == []


def half(lengths, addresses):
    return lengths[0] // 2


@pytest.fixture
def empty(monkeypatch, cache):
    """A process that has loaded nothing, and a folder in which nothing is stored."""
    cache.mkdir()
    monkeypatch.setattr(machine_code, "LOADED", {})
    monkeypatch.setattr(machine_code, "folder", lambda: cache)
    return cache


def test_nobody_waits_where_files_cannot_be_locked(empty, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(machine_code.fcntl, "lockf", no_locks)
    code = Code(half, PART, (__file__,))
    [function] = machine_code.load([code])
    number = np.array([9])
    given = [number.ctypes.data_as(kind) for kind in function.ctypes.argtypes]
    assert function.ctypes(*given) == 4
    assert code.is_stored(empty / code.key)


def test_what_is_loaded_is_not_loaded_again(empty):
    code = Code(half, PART, (__file__,))
    first, second = machine_code.load([code]), machine_code.load([Code(half, PART, (__file__,))])
    assert first[0] is second[0]
    assert machine_code.load([code, code]) == first  # one for each key


def test_code_is_of_a_kind_of_processor_and_of_versions(monkeypatch):
    code, keys = Code(half, PART, (__file__,)), set()
    keys.add(code.key)
    monkeypatch.setattr(machine_code, "version", lambda name: "1.2.3")
    keys.add(code.key)
    codegen = type(machine_code.cpu_target.target_context.codegen())
    monkeypatch.setattr(codegen, "magic_tuple", lambda self: ("another", "processor", "+avx9"))
    keys.add(code.key)
    assert len(keys) == 3


def test_the_folder_is_the_one_of_numba_or_the_users(monkeypatch, tmp_path):
    chosen = machine_code.folder.__wrapped__
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert chosen() == tmp_path / "numba/partialpool"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert chosen() == tmp_path / "user/partialpool"
    assert os.listdir(chosen()) == []  # what was tried there is gone


def test_a_part_is_called_at_its_address(empty):
    """With two arrays; pointers and addresses are the inverse of each other."""
    [function] = machine_code.load([Code(half, PART, (__file__,))])
    call, address, pointer = machine_code.call, machine_code.address, machine_code.pointer

    @numba.njit
    def calls(place, lengths, numbers):
        same = numba.carray(pointer(address(numbers)), (2,))
        return call(place, lengths, lengths), same[1]

    assert calls(function.address, np.array([8]), np.array([1.5, 2.5])) == (4, 2.5)


def test_numba_names_the_kind_of_processor_it_compiles_for():
    target, name, features = machine_code.cpu_target.target_context.codegen().magic_tuple()
    assert target.count("-") >= 2, "numba's magic_tuple no longer begins with the target triple"
    assert name and "+" in features, "numba's magic_tuple no longer has processor and features"
