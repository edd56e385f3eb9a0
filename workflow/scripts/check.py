"""Snakemake adapter of `partialpool.check`."""

from partialpool import files, job

with job.logged(snakemake):
    import json

    import pandas as pd

    from partialpool import check, compress, families
    from partialpool.formula import Formula
    from partialpool.priors import Priors

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    data = compress.read(files.read_netcdf(snakemake.input.compressed))
    tree = files.read_netcdf(snakemake.input.posterior)
    predictive = check.check(
        tree["posterior"].to_dataset(),
        Formula(block["formula"]).design(table),
        data,
        families.columns(table, data.outcome),
        Priors.from_dict(json.loads(tree.attrs["priors"])),
        snakemake.wildcards.variant,
        seed=block["seed"],
    )
    files.write_netcdf(snakemake.output.predictive, predictive)
