"""A folder to run the workflow in, and a finished run to start from."""

import shutil

import pytest
from running import CONFIG, ROOT, Workflow


@pytest.fixture
def own_folder(tmp_path) -> Workflow:
    """An empty folder of a user's, and the repository as it is."""
    return Workflow(tmp_path / "my analysis")


@pytest.fixture(scope="session")
def first_run(tmp_path_factory) -> Workflow:
    """A finished run of `CONFIG`, by a copy of the repository; not to be changed."""
    root = tmp_path_factory.mktemp("run")
    mine = root / "repository"
    mine.mkdir()
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, mine)
    for name in ("workflow", "profiles", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, mine / name, ignore=ignored)
    workflow = Workflow(root / "analysis", mine)
    workflow.configure(CONFIG)
    workflow.tables()
    workflow.run()
    shutil.copytree(root, root.with_name("untouched"))
    return workflow


@pytest.fixture
def finished(first_run) -> Workflow:
    """The finished run, to be edited and run again, and put back after the test.

    Always at the same path: some inputs are known by their absolute paths.
    """
    yield first_run
    root = first_run.folder.parent
    shutil.rmtree(root)
    shutil.copytree(root.with_name("untouched"), root)
