"""Snakemake adapter of `partialpool.simulate`."""

from partialpool import files, job

with job.logged(snakemake):
    from types import SimpleNamespace

    from partialpool import simulate

    table, truth = simulate.simulate(SimpleNamespace(**snakemake.params.study))
    files.write_csv(snakemake.output.table, table)
    files.write_json(snakemake.output.truth, truth)
