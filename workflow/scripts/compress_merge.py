"""Snakemake adapter of `partialpool.compress.build`, for parts that have been compressed."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.compress import build, compressed_file

    parts = (
        compressed_file.from_dataset(files.read_netcdf(part)) for part in snakemake.input.parts
    )
    files.write_netcdf(snakemake.output.compressed, build.merge(parts).to_dataset())
