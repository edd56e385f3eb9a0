"""A run says how far it is in results/progress.txt; one that does nothing says nothing."""

from running import TABLES

FILE = "results/progress.txt"


def test_what_is_done_what_failed_and_where_its_log_is(own_folder):
    line = {"formula": "y ~ x"}
    studies = {"good": line | {"data": "data/line.csv"}, "bad": line | {"data": "data/bad.csv"}}
    own_folder.configure({"studies": studies})
    text = TABLES["data/line.csv"]
    own_folder.tables({"data/line.csv": text, "data/bad.csv": text.replace("4,3.8", "4,many")})
    wanted = [f"results/{study}/compressed.nc" for study in studies]
    file = own_folder.folder / FILE

    own_folder.run("--dry-run", *wanted)
    assert not file.exists()

    reason = "data/bad.csv: column 'y' must be numbers; row 4 is 'many'"
    said = own_folder.run("--keep-going", *wanted, fails=True)
    written = file.read_text(encoding="utf-8")
    first, studies_done, *rest = written.splitlines()
    assert first.startswith("Ended ") and ": 2 of 4 steps done, 1 failed; in " in first
    assert studies_done == "Studies: 1 of 2 done, 1 failed."
    assert rest == ["", "Failed", f"  ingest  bad  results/bad/logs/ingest.log  {reason}"]

    assert "Job stats:" in said and "rule ingest:" not in said
    assert f"  ingest    bad  failed: {reason}; log: results/bad/logs/ingest.log\n" in said
    assert "[2/4] " in said and said.endswith(f"\npartialpool: {reason}\n")
    [log] = (own_folder.folder / ".snakemake/log").glob("*.log")
    account = log.read_text(encoding="utf-8")
    assert "rule ingest:" in account and "Error in rule ingest:" in account

    assert "Nothing to be done" in own_folder.run(wanted[0])
    assert "rule ingest:" in own_folder.run("--dry-run", *wanted)
    assert file.read_text(encoding="utf-8") == written

    quietly = ("--quiet", "progress", "rules", "--forcerun", "compress", "--", wanted[0])
    assert "compress  good" not in own_folder.run(*quietly)
    assert ": 1 of 1 steps done; in " in file.read_text(encoding="utf-8")
