"""Fixtures: the cluster, and a folder whose fits take long."""

import os

import pytest
from running import Workflow
from slurm_cluster import DIR, SLOWER, Slurm, on_slurm


@pytest.fixture(scope="session", autouse=True)
def slurm() -> Slurm:
    """The cluster, all nodes of it up."""
    cluster = Slurm()
    cluster.nodes("up")
    os.environ["SLURM_CONF"] = str(DIR / "slurm.conf")
    os.environ["PATH"] = f"{DIR / 'bin'}:{os.environ['PATH']}"
    return cluster


@pytest.fixture
def slow(tmp_path) -> Workflow:
    """A folder with the slow study, run on the cluster."""
    workflow = on_slurm(tmp_path / "analysis")
    workflow.configure(SLOWER)
    workflow.tables()
    return workflow
