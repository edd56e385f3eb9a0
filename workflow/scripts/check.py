"""Snakemake adapter of `partialpool.answers.predictive_check`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    import json

    import pandas as pd

    from partialpool.answers import predictive_check, predictor
    from partialpool.compress import compressed_file
    from partialpool.design.transforms import FittedTransforms
    from partialpool.model import families
    from partialpool.model.priors import Priors

    block = snakemake.params.study
    subset = pd.read_parquet(snakemake.input.subset)
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    data = compressed_file.from_dataset(files.read_netcdf(snakemake.input.compressed))
    tree = files.read_netcdf(snakemake.input.posterior)
    predictive = predictive_check.check(
        predictor.merged_posterior(tree),
        learned.design.for_rows(subset, response=True),
        subset.index.to_numpy(),
        data,
        families.columns(subset, data.outcome),
        Priors.from_dict(json.loads(tree.attrs["priors"])),
        snakemake.wildcards.variant,
        seed=block["seed"],
    )
    files.write_netcdf(snakemake.output.predictive, predictive)
