"""Snakemake adapter of `partialpool.engine.fit`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.compress import compressed_file
    from partialpool.engine import fit

    block = snakemake.params.study
    tree = fit.fit(
        compressed_file.from_dataset(files.read_netcdf(snakemake.input.compressed)),
        block["priors"],
        snakemake.wildcards.variant,
        block["sampler"],
        block["seed"],
        block["group_effects"],
        at_once=snakemake.threads,
    )
    files.write_netcdf(snakemake.output.posterior, tree)
