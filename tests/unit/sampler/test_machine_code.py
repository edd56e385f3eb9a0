"""Code that is compiled once, stored, and shared by processes."""

import os
import subprocess
import sys

from partialpool.sampler import machine_code
from partialpool.sampler.machine_code import PART, Code

SCRIPT = """
import sys
from numba.core import event
from partialpool.sampler import machine_code, nuts

compiled = []

class Listener(event.Listener):
    def on_start(self, one):
        compiled.append(one)

    def on_end(self, one):
        pass

event.register("numba:compile", Listener())
[found] = machine_code.load([nuts.COPY])
print(len(compiled), found.cache_hits, found.address > 0)
"""


def loaded(folder, count=1) -> list[str]:
    """What processes that load a function at once say: compilations, from the store, loaded."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(folder),
        "XDG_CACHE_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    return [one.communicate(timeout=120)[0].strip() for one in running]


def test_a_second_process_compiles_nothing(tmp_path):
    [first], [second] = loaded(tmp_path), loaded(tmp_path)
    assert first.split()[1:] == ["0", "True"]
    assert second == "0 1 True"


def test_processes_that_start_at_once_all_get_it(tmp_path):
    assert all(said.endswith("True") for said in loaded(tmp_path, count=3))


def test_a_lock_of_a_process_that_is_gone_holds_nobody(tmp_path):
    loaded(tmp_path)
    for code in tmp_path.rglob("*.nb?"):
        code.unlink()
    assert list(tmp_path.rglob("lock"))
    assert loaded(tmp_path)[0].endswith("0 True")


def test_where_nothing_can_be_stored_it_is_compiled(tmp_path):
    assert loaded("/proc/none")[0].endswith("True")


def answer(lengths, addresses):
    """A function to compile."""
    return 42


def test_what_another_process_compiles_is_left_to_it(tmp_path):
    holding = f"""
import fcntl, sys
with open({str(tmp_path / "lock")!r}, "a") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    code = Code(answer, PART, (__file__,))
    assert machine_code._load(code, tmp_path) is None
    other.communicate()
    assert machine_code._load(code, tmp_path) is not None


def test_other_source_is_other_code(tmp_path):
    source = tmp_path / "module.py"
    keys = set()
    for text in ("one", "two"):
        source.write_text(text, encoding="utf-8")
        machine_code._text.cache_clear()
        keys.add(Code(answer, PART, (str(source),)).key)
    assert len(keys) == 2


def test_numba_names_the_kind_of_processor_it_compiles_for():
    target, name, features = machine_code.cpu_target.target_context.codegen().magic_tuple()
    assert target.count("-") >= 2, "numba's magic_tuple no longer begins with the target triple"
    assert name and "+" in features, "numba's magic_tuple no longer has processor and features"
