"""Snakemake adapter of `partialpool.answers.predict` and `partialpool.answers.group_estimates`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    import pandas as pd

    from partialpool.answers import group_estimates, predict, prediction_grid, predictor
    from partialpool.compress import compressed_file
    from partialpool.design.transforms import FittedTransforms
    from partialpool.model import families
    from partialpool.study.outcome import Outcome
    from partialpool.table import table_summary

    block = snakemake.params.study
    outcome = Outcome.of(block)
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    subset = pd.read_parquet(snakemake.input.subset)
    if snakemake.input.rows:
        rows = pd.read_parquet(snakemake.input.rows[0])
    else:
        groups = table_summary.read_groups(snakemake.input.groups)
        rows = prediction_grid.grid(subset, learned.design, outcome, groups)
    posterior = predictor.merged_posterior(files.read_netcdf(snakemake.input.posterior))
    passed = files.read_json(snakemake.input.diagnostics)["passed"]
    predictions = predict.predict(
        posterior,
        rows,
        learned.design.for_rows(rows),
        outcome,
        variant=snakemake.wildcards.variant,
        passed=passed,
        interval=block["interval"],
        seed=block["seed"],
        prediction_target=block["predict"],
    )
    values = families.columns(subset, outcome)
    estimates = group_estimates.estimates(
        posterior,
        compressed_file.from_dataset(files.read_netcdf(snakemake.input.compressed)),
        variant=snakemake.wildcards.variant,
        passed=passed,
        offset=float(values["offset"].mean()) if "offset" in values else 0.0,
        interval=block["interval"],
    )
    files.write_csv(snakemake.output.predictions, predictions)
    files.write_csv(snakemake.output.groups, estimates)
