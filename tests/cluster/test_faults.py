"""What goes wrong on a cluster: nothing finished is lost; what failed is tried again with more."""

import json
import signal
import time

from running import started
from slurm_cluster import SLOWER

from partialpool.base import files

POOLED = "results/slow/pooled/posterior.nc"


def running(slurm, workflow):
    """Whether the last fit submitted runs: its job; nothing before."""
    fits = slurm.fits(workflow.folder)
    return bool(fits) and fits[-1]["state"] == "RUNNING" and fits[-1]


def states(slurm, workflow):
    return [job["state"] for job in slurm.fits(workflow.folder)]


def draws(workflow, posterior=POOLED):
    return files.read_netcdf(workflow.folder / posterior)["posterior"].sizes["draw"]


def test_a_cancelled_job_is_tried_again(slurm, slow):
    run = slow.start(POOLED)
    run.until(slow.sampling("pooled"))
    slurm.say("scancel", running(slurm, slow)["id"])
    run.finish()
    assert states(slurm, slow) == ["CANCELLED", "COMPLETED"]
    assert draws(slow) == 200


def test_a_job_over_its_time_limit_gets_more_time(slurm, slow):
    """Slurm counts in minutes, and kills at the next half a minute."""
    # Minutes: as many steps as may be, and small ones.
    most = {"tune": 1_000_000, "target_accept": 0.9999}
    slow.configure(SLOWER | {"sampler": SLOWER["sampler"] | most})
    slow.run(POOLED, "--set-resources", "fit:runtime=1+19*(attempt-1)")
    assert states(slurm, slow) == ["TIMEOUT", "COMPLETED"]
    assert draws(slow) == 200


def test_a_job_out_of_memory_gets_more_memory(slurm, slow):
    slow.run(POOLED, "--set-resources", "fit:mem_mb=300+2700*(attempt-1)")
    # This Slurm says FAILED where one with cgroups says OUT_OF_MEMORY.
    assert states(slurm, slow) == ["FAILED", "COMPLETED"]
    killed = slurm.fits(slow.folder)[0]["id"]
    [log] = slow.folder.glob(f".snakemake/slurm_logs/rule_fit/*/{killed}.log")
    assert "exceeded memory limit" in log.read_text(encoding="utf-8")
    assert draws(slow) == 200


def test_a_node_that_goes_down(slurm, slow):
    run = slow.start(POOLED)
    run.until(slow.sampling("pooled"))
    node = running(slurm, slow)["node"]
    slurm.nodes("crash", node)
    run.finish()
    slurm.nodes("up")
    first, second = slurm.fits(slow.folder)
    assert (first["state"], first["node"]) == ("NODE_FAIL", node)
    assert second["state"] == "COMPLETED" and second["node"] != node
    assert draws(slow) == 200
    assert not slow.results("**/.*.tmp")


def test_an_interrupted_run_cancels_its_jobs(slurm, slow):
    run = slow.start(POOLED)
    run.until(slow.sampling("pooled"))
    run.process.send_signal(signal.SIGINT)
    run.finish(fails=True)
    assert states(slurm, slow) == ["CANCELLED"]
    slow.run(POOLED)
    assert draws(slow) == 200


def test_snakemake_killed_while_sampling(slurm, slow):
    """Its jobs go on without it; those of the next run win, whatever comes first."""
    slow.run(POOLED)
    run = slow.start()
    run.until(slow.sampling())
    run.process.send_signal(signal.SIGKILL)
    run.process.communicate()
    orphan = running(slurm, slow)
    assert "--unlock" in slow.run(fails=True)
    slow.run("--unlock")
    changed = json.loads(json.dumps(SLOWER))
    changed["studies"]["slow"]["variants"] = ["hierarchical", "pooled"]
    changed["interval"] = 0.5
    slow.configure(changed)
    said = slow.run()
    assert started(said).count("fit") == 1, "the pooled fit was done"
    assert [job["id"] for job in slurm.fits(slow.folder)].count(orphan["id"]) == 1
    deadline = time.monotonic() + 60
    while states(slurm, slow)[1] == "RUNNING" and time.monotonic() < deadline:
        time.sleep(1)
    assert states(slurm, slow) == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "Nothing to be done" in slow.run()
    assert not slow.results("**/.*.tmp")


def test_config_edited_while_jobs_are_queued(slurm, slow):
    """Even into something that cannot be read: the run goes on with the config it began with."""
    run = slow.start("results/index.html")
    run.until(lambda: slurm.fits(slow.folder))
    (slow.folder / "config/config.yaml").write_text("studies: [unfinished", encoding="utf-8")
    run.finish()
    assert draws(slow) == draws(slow, "results/slow/hierarchical/posterior.nc") == 200
    slow.configure(SLOWER | {"sampler": SLOWER["sampler"] | {"draws": 100}})
    assert {"fit slow/pooled", "fit slow/hierarchical"} <= slow.planned()
