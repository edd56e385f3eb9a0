"""Checks and attempts on the page are those of their fit."""

import fake_run_files
from read_html import Tables, says
from reports import VARIANTS

from partialpool.base import files
from partialpool.study.checks import CHECKS


def test_how_fits_were_sampled_and_judged_is_that_of_their_variant(run, run_page):
    paths, _, _ = run
    tables = Tables(run_page)
    for number, variant in enumerate(VARIANTS):
        judged = files.read_json(paths["diagnostics"][number])
        [shown] = tables.below("Convergence", variant)
        for check in judged["checks"]:
            own = CHECKS[check["name"]]
            cells = shown.loc[own.shown.label]
            assert ("✗" in cells["result"]) != check["passed"]
            says(cells["value"], round(check["value"], own.shown.decimals))
            says(cells["limit"], check["threshold"])
            assert cells["worst at"] == check["worst"]
    [shown] = tables.below("Provenance", "Sampling")
    expected = []
    for number, variant in enumerate(VARIANTS):
        tree = files.read_netcdf(paths["posteriors"][number])
        chains = fake_run_files.attribute(tree, "sampler")["chains"]
        for place, attempt in enumerate(fake_run_files.attribute(tree, "attempts"), start=1):
            expected.append((variant, place, chains, attempt))
    for (at, cells), (variant, place, chains, attempt) in zip(
        shown.iterrows(), expected, strict=True
    ):
        assert at == variant and cells["attempt"] == str(place) and cells["chains"] == str(chains)
        for name in ("tune", "draws", "target_accept", "seconds"):
            says(cells[name], attempt[name])
        says(cells["sampling"], attempt["sampling_seconds"])
        failed = [check["worst"] for check in attempt["failed"]]
        assert all(worst in cells["result"] for worst in failed)
        assert (cells["result"] == "passed") == (not failed)
