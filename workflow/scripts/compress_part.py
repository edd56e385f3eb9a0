"""Snakemake adapter of `partialpool.compress`, for one part of a table."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import compress
    from partialpool.learned import Learned
    from partialpool.study import Outcome

    block = snakemake.params.study
    learned = Learned.read(block["formula"], snakemake.input.learned)
    part = int(snakemake.wildcards.part) - 1, block["parts"]
    compressed = compress.table(snakemake.input.table, learned, Outcome.of(block), *part)
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
