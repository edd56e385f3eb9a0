"""Snakemake adapter of `partialpool.compress.build`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.compress import build
    from partialpool.design.transforms import FittedTransforms
    from partialpool.study.outcome import Outcome

    block = snakemake.params.study
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    compressed = build.compress_table(snakemake.input.table, learned, Outcome.of(block))
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
