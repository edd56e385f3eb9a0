"""What goes wrong in a run on one machine: nothing finished is lost, and the next run goes on."""

import json
import os
import signal
import time

import pytest
from running import CONFIG, SLOW, Workflow, started

from partialpool.base import files


@pytest.fixture
def slow(own_folder) -> Workflow:
    """A user's folder with the slow study."""
    own_folder.configure(SLOW)
    own_folder.tables()
    return own_folder


def test_snakemake_killed_while_sampling(slow):
    slow.run("results/slow/pooled/diagnostics.json")
    run = slow.start("--cores", "1")
    run.until(slow.sampling())
    run.process.send_signal(signal.SIGKILL)
    run.process.communicate()
    assert "--unlock" in slow.run(fails=True)
    slow.run("--unlock")
    again = slow.run("--cores", "1")
    assert started(again).count("fit") == 1, "the pooled fit was done"
    assert "Nothing to be done" in slow.run()
    assert not slow.results("**/.*.tmp")


def test_an_interrupted_run(slow):
    """Ctrl-C reaches the fits as well; none keeps the draws it happens to have."""
    run = slow.start("results/slow/pooled/posterior.nc")
    run.until(slow.sampling("pooled"))
    os.killpg(run.process.pid, signal.SIGINT)
    run.finish(fails=True)
    assert not slow.results("slow/pooled/*")
    assert slow.planned() >= {"fit slow/pooled"}
    slow.run("results/slow/pooled/posterior.nc")
    tree = files.read_netcdf(slow.folder / "results/slow/pooled/posterior.nc")
    assert tree["posterior"].sizes["draw"] == 200


def test_results_of_a_run_that_is_over_are_dropped(slow):
    """An orphan of a killed run does not write over what the next run, of another config, made."""
    slow.configure(SLOW | {"sampler": SLOW["sampler"] | {"tune": 300_000}})
    run = slow.start("results/slow/pooled/posterior.nc")
    run.until(slow.sampling("pooled"))
    run.process.send_signal(signal.SIGKILL)
    run.process.communicate()
    slow.run("--unlock")
    slow.configure(SLOW | {"sampler": SLOW["sampler"] | {"draws": 100, "tune": 100}})
    slow.run("results/slow/pooled/posterior.nc")
    assert run.has_orphans(), "the fit of the first run was over too soon"
    while run.has_orphans():
        time.sleep(0.1)
    tree = files.read_netcdf(slow.folder / "results/slow/pooled/posterior.nc")
    assert tree["posterior"].sizes["draw"] == 100
    assert not slow.results("**/.*.tmp")


def test_two_runs_at_once_in_one_folder(slow):
    first = slow.start()
    first.until(slow.sampling())
    said = slow.run(fails=True)
    assert "Another Snakemake instance" in said or "--unlock" in said
    first.finish()
    assert "Nothing to be done" in slow.run()


def test_config_edited_while_a_run_is_under_way(slow):
    """The run goes on with the config it began with; the next one makes anew what was edited."""
    run = slow.start()
    run.until(slow.sampling())
    slow.configure(SLOW | {"interval": 0.5, "sampler": SLOW["sampler"] | {"draws": 100}})
    run.finish()
    tree = files.read_netcdf(slow.folder / "results/slow/hierarchical/posterior.nc")
    assert tree["posterior"].sizes["draw"] == 200
    assert {"fit slow/pooled", "fit slow/hierarchical"} <= slow.planned()


@pytest.mark.parametrize("where", ["code", "table"])
def test_what_a_job_reads_is_edited_meanwhile(finished, where):
    """And set back before the run ends, so that by name and date nothing has changed."""
    table = finished.folder / "data/line.csv"
    module = finished.repository / "workflow/scripts/partialpool/table/ingest.py"
    edited = module if where == "code" else table
    before, dates = edited.read_bytes(), edited.stat()
    adapter = "workflow/scripts/ingest.py"
    finished.edit(adapter, "    block =", "    import time; time.sleep(3)\n    block =")
    data = "results/hasty/data.parquet"
    log = finished.folder / "results/hasty/logs/ingest.log"
    began = time.time()
    run = finished.start(data)
    run.until(lambda: log.exists() and log.stat().st_mtime > began)
    time.sleep(1)
    edited.write_bytes(before + b"\nADDED = 1\n" if where == "code" else before + b"7,7.1\n")
    said = run.finish(fails=True).splitlines()[-1]
    edited.write_bytes(before)
    os.utime(edited, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    expected = {
        "code": "partialpool: the code of ingest was edited while the run was under way; run again",
        "table": "partialpool: data/line.csv: was edited while it was being read; run again",
    }
    assert said.startswith(expected[where])
    assert not finished.results("hasty/data.parquet")
    assert started(finished.run(data)) == ["ingest"]


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_a_damaged_posterior(finished, damage):
    """Noticed and named by whatever reads it, and made anew once it is deleted."""
    posterior = finished.folder / "results/simulated/pooled/posterior.nc"
    whole = files.read_netcdf(posterior)["posterior"].to_dataset()
    content = bytearray(posterior.read_bytes())
    middle = len(content) // 2
    if damage == "cut off":
        del content[middle:]
    else:
        content[middle : middle + 4096] = bytes(4096)
    posterior.write_bytes(content)
    said = finished.run(fails=True).splitlines()[-1]
    assert "results/simulated/pooled/posterior.nc: damaged" in said
    assert "delete it and run again" in said
    posterior.unlink()
    assert started(finished.run()).count("fit") == 1
    assert files.read_netcdf(posterior)["posterior"].to_dataset().equals(whole)


def test_damaged_files_of_any_format(finished):
    """Each is named, and no page is made from one."""
    results = finished.folder / "results"
    table = results / "measured/unpooled/summary.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
    learned = results / "hasty/learned.json"
    learned.write_bytes(learned.read_bytes()[:30])
    picture = next((results / "simulated/figures").glob("*.svg"))
    picture.write_text(picture.read_text(encoding="utf-8") + " ", encoding="utf-8")
    pages = [results / study / "report.html" for study in ("measured", "hasty", "simulated")]
    for page in pages:
        page.unlink()
    damaged = ("hasty/learned.json", "measured/unpooled/summary.csv", "simulated/figures")
    said = finished.run("--keep-going", fails=True).splitlines()[-3:]
    assert {line.partition(": damaged ")[0] for line in said} == {
        f"partialpool: results/{path}" for path in damaged
    }
    assert all("delete it and run again" in line for line in said)
    assert not any(page.exists() for page in pages)


def test_fits_that_compile_at_once(own_folder, first_run, tmp_path):
    """Two at once with an empty compile cache: they share the work, and none reads half a file."""
    config = json.loads(json.dumps(CONFIG))
    config["sampler"] |= {"draws": 20, "tune": 20}
    config["studies"] = {
        f"same_{i}": CONFIG["studies"]["measured"] | {"variants": ["hierarchical"]}
        for i in range(2)
    }
    own_folder.configure(config)
    own_folder.tables()
    fits = [f"results/same_{i}/hierarchical/posterior.nc" for i in range(2)]
    said = own_folder.run(*fits, NUMBA_CACHE_DIR=str(tmp_path / "compiled"))
    assert started(said).count("fit") == 2
    logs = [own_folder.folder / f"results/same_{i}/logs/hierarchical_fit.log" for i in range(2)]
    assert not any(" lock" in log.read_text(encoding="utf-8").lower() for log in logs)
