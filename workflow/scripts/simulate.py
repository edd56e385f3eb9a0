"""Snakemake adapter of `partialpool.table.simulate`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from types import SimpleNamespace

    from partialpool.table import simulate

    table, truth = simulate.simulate(SimpleNamespace(**snakemake.params.study))
    files.write_csv(snakemake.output.table, table)
    files.write_json(snakemake.output.truth, truth)
