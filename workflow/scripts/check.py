"""Snakemake adapter of `partialpool.check`."""

from partialpool import files, job

with job.logged(snakemake):
    import json

    import pandas as pd

    from partialpool import check, compress, draws, families
    from partialpool.learned import Learned
    from partialpool.priors import Priors

    block = snakemake.params.study
    subset = pd.read_parquet(snakemake.input.subset)
    learned = Learned.read(block["formula"], snakemake.input.learned)
    data = compress.read(files.read_netcdf(snakemake.input.compressed))
    tree = files.read_netcdf(snakemake.input.posterior)
    predictive = check.check(
        draws.joint(tree),
        learned.design.at(subset, response=True),
        subset.index.to_numpy(),
        data,
        families.columns(subset, data.outcome),
        Priors.from_dict(json.loads(tree.attrs["priors"])),
        snakemake.wildcards.variant,
        seed=block["seed"],
    )
    files.write_netcdf(snakemake.output.predictive, predictive)
