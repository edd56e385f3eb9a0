"""Snakemake adapter of `partialpool.fit`."""

import os

# The cores of a fit are for its chains. Shared by linear algebra, sums would depend on how many.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from partialpool import files, job  # noqa: E402

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
