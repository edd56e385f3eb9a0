"""The default run, on a cluster and on one machine."""

import shutil

from running import ROOT, Workflow
from slurm_cluster import on_slurm

from partialpool.base import files


def files_of(workflow):
    return {name for name in workflow.results("**/*") if "/logs/" not in f"/{name}"}


def test_the_default_run_is_the_same_bit_for_bit(slurm, tmp_path):
    cluster, laptop = on_slurm(tmp_path / "cluster"), Workflow(tmp_path / "laptop")
    for workflow in (cluster, laptop):
        for name in ("config", "data"):
            shutil.copytree(ROOT / name, workflow.folder / name, dirs_exist_ok=True)
        workflow.run()
        assert "Nothing to be done" in workflow.run()

    assert files_of(cluster) == files_of(laptop)
    posteriors = laptop.results("*/*/posterior.nc")
    assert len(posteriors) == 10
    for name in posteriors:
        ours, theirs = (files.read_netcdf(w.folder / "results" / name) for w in (cluster, laptop))
        for group in ("posterior", "sample_stats"):
            assert ours[group].to_dataset().equals(theirs[group].to_dataset())
    for pattern in ("*/*/summary.csv", "*/*/predictions.csv", "*/comparison.csv"):
        for name in laptop.results(pattern):
            ours, theirs = ((w.folder / "results" / name).read_bytes() for w in (cluster, laptop))
            assert ours == theirs, name

    # One job a study before its fits, one a fit, one a study after them, on both nodes.
    jobs = slurm.jobs(cluster.folder)
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    assert {job["node"] for job in jobs} == {"n1", "n2"}
    kinds = [job["what"].split("_")[1] for job in jobs]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"data": 4, "fit": 10, "report": 4}
    assert not slurm.jobs(laptop.folder)
