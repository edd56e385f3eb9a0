"""Snakemake adapter of `partialpool.check`."""

from partialpool import files, job

with job.logged(snakemake):
    import json

    import pandas as pd

    from partialpool import check
    from partialpool.compress import Compressed
    from partialpool.formula import Formula
    from partialpool.ingest import standard_errors
    from partialpool.priors import Priors

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    tree = files.read_netcdf(snakemake.input.posterior)
    predictive = check.check(
        tree["posterior"].to_dataset(),
        Formula(block["formula"]).design(table),
        Compressed.from_dataset(files.read_netcdf(snakemake.input.compressed)).mean,
        Priors.from_dict(json.loads(tree.attrs["priors"])),
        snakemake.wildcards.variant,
        sigma=block["sigma"],
        standard_errors=standard_errors(table, block["sigma"]),
        seed=block["seed"],
    )
    files.write_netcdf(snakemake.output.predictive, predictive)
