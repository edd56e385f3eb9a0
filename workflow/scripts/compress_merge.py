"""Snakemake adapter of `partialpool.compress`, for parts that have been compressed."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import compress

    parts = (compress.read(files.read_netcdf(part)) for part in snakemake.input.parts)
    files.write_netcdf(snakemake.output.compressed, compress.merge(parts).to_dataset())
