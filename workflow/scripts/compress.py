"""Snakemake adapter of `partialpool.compress`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import compress
    from partialpool.learned import Learned
    from partialpool.study import Outcome

    block = snakemake.params.study
    learned = Learned.read(block["formula"], snakemake.input.learned)
    compressed = compress.table(snakemake.input.table, learned, Outcome.of(block))
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
