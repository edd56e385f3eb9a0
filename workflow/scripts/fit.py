"""Snakemake adapter of `partialpool.fit`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import fit
    from partialpool.compress import Compressed

    block = snakemake.params.study
    tree = fit.fit(
        Compressed.from_dataset(files.read_netcdf(snakemake.input.compressed)),
        block["priors"],
        snakemake.wildcards.variant,
        block["sampler"],
        block["seed"],
    )
    files.write_netcdf(snakemake.output.posterior, tree)
