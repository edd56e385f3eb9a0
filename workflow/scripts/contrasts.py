"""Snakemake adapter of `partialpool.answers.contrasts`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    import pandas as pd

    from partialpool.answers import contrasts, predictor
    from partialpool.design.transforms import FittedTransforms
    from partialpool.study.outcome import Outcome

    block = snakemake.params.study
    rows = pd.read_parquet(snakemake.input.rows)
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    found = contrasts.contrast(
        predictor.merged_posterior(files.read_netcdf(snakemake.input.posterior)),
        rows,
        learned.design.for_rows(rows),
        Outcome.of(block),
        block["contrasts"],
        variant=snakemake.wildcards.variant,
        passed=files.read_json(snakemake.input.diagnostics)["passed"],
        interval=block["interval"],
        seed=block["seed"],
        prediction_target=block["predict"],
    )
    files.write_csv(snakemake.output.contrasts, found)
