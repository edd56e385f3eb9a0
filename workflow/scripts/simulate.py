"""Snakemake adapter of `partialpool.table.simulate`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from types import SimpleNamespace

    from partialpool.study.outcome import Outcome
    from partialpool.table import simulate

    block = snakemake.params.study
    study = SimpleNamespace(**block, outcome=Outcome.of(block))
    table, truth = simulate.simulate(study)
    files.write_csv(snakemake.output.table, table)
    files.write_json(snakemake.output.truth, truth)
