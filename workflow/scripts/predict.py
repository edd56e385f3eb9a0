"""Snakemake adapter of `partialpool.predict` and `partialpool.group_estimates`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compress, draws, families, grid, group_estimates, predict, tally
    from partialpool.learned import Learned
    from partialpool.study import Outcome

    block = snakemake.params.study
    outcome = Outcome.of(block)
    learned = Learned.read(block["formula"], snakemake.input.learned)
    subset = pd.read_parquet(snakemake.input.subset)
    if snakemake.input.rows:
        rows = pd.read_parquet(snakemake.input.rows[0])
    else:
        groups = tally.read_groups(snakemake.input.groups)
        rows = grid.grid(subset, learned.design, outcome, groups)
    posterior = draws.joint(files.read_netcdf(snakemake.input.posterior))
    passed = files.read_json(snakemake.input.diagnostics)["passed"]
    predictions = predict.predict(
        posterior,
        rows,
        learned.design.at(rows),
        outcome,
        variant=snakemake.wildcards.variant,
        passed=passed,
        interval=block["interval"],
        seed=block["seed"],
        whom=block["predict"],
    )
    values = families.columns(subset, outcome)
    estimates = group_estimates.estimates(
        posterior,
        compress.read(files.read_netcdf(snakemake.input.compressed)),
        variant=snakemake.wildcards.variant,
        passed=passed,
        offset=float(values["offset"].mean()) if "offset" in values else 0.0,
        interval=block["interval"],
    )
    files.write_csv(snakemake.output.predictions, predictions)
    files.write_csv(snakemake.output.groups, estimates)
