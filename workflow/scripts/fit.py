"""Snakemake adapter of `partialpool.fit`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import compress, fit

    block = snakemake.params.study
    tree = fit.fit(
        compress.read(files.read_netcdf(snakemake.input.compressed)),
        block["priors"],
        snakemake.wildcards.variant,
        block["sampler"],
        block["seed"],
        block["group_effects"],
        at_once=snakemake.threads,
    )
    files.write_netcdf(snakemake.output.posterior, tree)
