"""A disk that is full, or that nobody may write to: here, because only root can mount one."""

import subprocess
from contextlib import contextmanager

import pytest
from running import CONFIG, Workflow, started


def mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A folder whose results are on a disk of their own, with room for tables and no more."""
    workflow = Workflow(tmp_path / "analysis")
    workflow.configure(CONFIG | {"studies": {"measured": CONFIG["studies"]["measured"]}})
    workflow.tables()
    results = workflow.folder / "results"
    results.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", results)
    yield workflow
    subprocess.run(["umount", "--lazy", results], check=True)


@contextmanager
def remounted(results, while_, afterwards):
    mount("-o", f"remount,{while_}", results)
    yield
    mount("-o", f"remount,{afterwards}", results)


def test_a_full_disk(small_disk):
    said = small_disk.run(fails=True)
    assert "No space left on device" in said.splitlines()[-1], said
    assert said.splitlines()[-1].startswith("partialpool: results/measured/")
    assert not small_disk.results("**/.*.tmp")
    kept = small_disk.results("measured/*.parquet")
    mount("-o", "remount,size=100m", small_disk.folder / "results")
    again = started(small_disk.run())
    assert kept and "ingest" not in again
    assert "Nothing to be done" in small_disk.run()


def test_a_log_that_does_not_fit(small_disk):
    """The reason is on the terminal all the same."""
    mount("-o", "remount,size=40k", small_disk.folder / "results")
    last = small_disk.run(fails=True).splitlines()[-1]
    assert last.startswith("partialpool: results/measured/")
    assert last.endswith("cannot be written (No space left on device)")


def test_results_that_may_not_be_written(small_disk):
    results = small_disk.folder / "results"
    mount("-o", "remount,size=100m", results)
    small_disk.run("results/measured/compressed.nc")
    with remounted(results, "ro", "rw"):
        said = small_disk.run(fails=True)
    assert "Read-only file system" in said
    assert "ingest" not in started(small_disk.run())
