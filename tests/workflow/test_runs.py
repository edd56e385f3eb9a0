"""Whole runs: in a folder of one's own, trusted or not, the same draws, and broken off."""

import json

import numpy as np
import pandas as pd
from running import CONFIG, Run, Workflow, snakemake

from partialpool.base import files

FIT = "results/simulated/hierarchical/posterior.nc"


def test_a_run_leaves_every_file_in_the_users_folder(first_run):
    of_all = {"index.html", "verdict.json", "verdict.ok", "logs", "progress.txt", "records"}
    assert first_run.results("*") == of_all | set(CONFIG["studies"])
    for name, block in CONFIG["studies"].items():
        of_study = {"data.parquet", "data_report.json", "compressed.nc", "comparison.csv"}
        of_study |= {"learned.json", "subset.parquet", "groups.csv"}
        of_study |= {"comparison_groups.csv", "figures", "report.html", "logs"}
        of_study |= {"records"}
        of_study |= (
            {"simulated.csv", "truth.json", "recovery.csv"} if "simulate" in block else set()
        )
        of_study |= {"new_data.parquet", "new_data_report.json"} if "new_data" in block else set()
        variants = set(block.get("variants", ["pooled"]))
        assert first_run.results(f"{name}/*") == {f"{name}/{file}" for file in of_study | variants}
        of_fit = {"posterior.nc", "summary.csv", "diagnostics.json", "predictive.nc"}
        of_fit |= {"predictions.csv", "group_estimates.csv", "records"}
        for variant in variants:
            place = f"{name}/{variant}"
            assert first_run.results(f"{place}/*") == {f"{place}/{file}" for file in of_fit}
    assert {path.name for path in first_run.folder.iterdir()} == {
        *("config", "data", "results", ".snakemake"),
    }
    assert {path.name for path in first_run.repository.iterdir()} == {
        *("Snakefile", "environment.yml", "profiles", "tools", "workflow"),
    }


def test_new_rows_of_known_and_new_groups(first_run):
    found = {
        variant: pd.read_csv(first_run.folder / f"results/measured/{variant}/predictions.csv")
        for variant in ("unpooled", "hierarchical")
    }
    for table in found.values():
        assert list(table["group_status"]) == ["known", "known", "new", "new"]
        assert list(table["site"]) == ["north", "007", "nowhere", "nowhere"]
    assert found["hierarchical"]["mean"].notna().all()
    assert list(found["unpooled"]["mean"].notna()) == [True, True, False, False]
    assert found["unpooled"]["note"][2:].str.startswith("no prediction").all()


def test_a_failed_fit_is_marked_wherever_it_is_used(first_run):
    verdict = first_run.json("verdict.json")
    failed = [fit["study"] for fit in verdict["fits"] if not fit["passed"]]
    assert failed == ["hasty"]
    assert not verdict["passed"]
    for name, passed in (("hasty/pooled", False), ("simulated/pooled", True)):
        study = name.split("/")[0]
        for table in (f"{name}/predictions.csv", f"{study}/comparison.csv"):
            assert set(pd.read_csv(first_run.folder / "results" / table)["fit_passed"]) == {passed}
    estimates = pd.read_csv(first_run.folder / "results/simulated/pooled/group_estimates.csv")
    assert estimates["fit_passed"].all() and estimates["mean"].notna().all()


def test_every_attempt_is_on_record(first_run):
    posterior = files.read_netcdf(first_run.folder / "results/hasty/pooled/posterior.nc")
    first, second = json.loads(posterior.attrs["attempts"])
    assert (first["draws"], second["draws"]) == (10, 20)
    assert (first["tune"], second["tune"]) == (10, 20)
    assert first["target_accept"] < second["target_accept"]
    assert {"ess_bulk", "ess_tail"} <= {check["name"] for check in first["failed"]}
    assert posterior["posterior"].sizes["draw"] == 20


def test_strict_fails_after_everything_is_written(finished):
    finished.configure(CONFIG | {"strict": True})
    pages = [finished.folder / "results" / page for page in ("hasty/report.html", "index.html")]
    for page in pages:
        page.unlink()
    *_, last = finished.run(fails=True).splitlines()
    assert last.startswith("partialpool: 1 of 5 fits failed their checks: hasty/pooled (")
    assert "results/index.html" in last
    assert all(page.exists() for page in pages)


def test_same_seed_same_draws(first_run, own_folder, tmp_path):
    """From another folder, on one core, and compiled anew."""
    own_folder.configure(CONFIG)
    own_folder.tables()
    own_folder.run("--cores", "1", FIT, NUMBA_CACHE_DIR=str(tmp_path / "compiled"))
    assert list((tmp_path / "compiled").iterdir()), "nothing was compiled anew"
    trees = [files.read_netcdf(workflow.folder / FIT) for workflow in (first_run, own_folder)]
    for group in ("posterior", "sample_stats"):
        first, again = (tree[group].to_dataset() for tree in trees)
        assert first.equals(again)


def test_another_seed_other_draws(finished):
    posterior = "results/hasty/pooled/posterior.nc"
    before = files.read_netcdf(finished.folder / posterior)["posterior"]["sigma"].values
    finished.run(posterior, "--config", "seed=8")
    after = files.read_netcdf(finished.folder / posterior)["posterior"]["sigma"].values
    assert before.shape == after.shape
    assert not np.isin(before, after).any()


def test_the_next_run_finishes_what_was_broken_off(finished):
    """A power cut between two outputs of a job, the first of them written."""
    finished.edit(
        "workflow/scripts/ingest.py",
        "    files.write_json(output.report",
        "    import os, signal; os.killpg(0, signal.SIGKILL)\n    files.write_json(output.report",
    )
    tables = "results/hasty/data_report.json"
    finished.run(tables, fails=True)
    assert finished.results("hasty/data*") == {"hasty/data.parquet"}
    finished.edit("workflow/scripts/ingest.py", "os.killpg(0, signal.SIGKILL)", "pass")
    assert "--unlock" in finished.run(tables, fails=True)
    finished.run("--unlock")
    finished.run(tables)
    assert finished.results("hasty/data*") == {"hasty/data.parquet", "hasty/data_report.json"}


def test_a_killed_fit_leaves_no_half_of_a_file(finished):
    """Killed when its draws are on disk under another name."""
    module = "workflow/scripts/partialpool/base/files.py"
    kill = "        path.suffix == '.nc' and os.kill(os.getpid(), 9)\n"
    finished.edit(module, "        os.replace(", f"{kill}        os.replace(")
    posterior = "results/hasty/pooled/posterior.nc"
    finished.run(posterior, "--allowed-rules", "fit", fails=True)
    [left] = finished.results("hasty/pooled/*posterior*")
    assert left.startswith("hasty/pooled/.posterior.nc.")
    finished.edit(module, kill, "")
    finished.run(posterior)
    assert not finished.results("hasty/pooled/.*")
    assert files.read_netcdf(finished.folder / posterior)["posterior"].sizes["chain"] == 2


def test_plain_snakemake_at_the_root(finished):
    """The default profile is found by itself, and the linter has nothing to say."""
    at_root = Workflow(finished.repository, finished.repository)
    at_root.configure(CONFIG)
    at_root.tables()
    planned = Run(snakemake("--dry-run", cwd=at_root.folder)).finish()
    assert planned.startswith("Using workflow specific profile profiles/default ")
    assert "Lints for" not in Run(snakemake("--lint", cwd=at_root.folder)).finish()


def test_snakemakes_own_report(finished):
    finished.run("--report", "report.zip")
    assert (finished.folder / "report.zip").stat().st_size > 100_000
