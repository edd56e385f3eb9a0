"""Snakemake adapter of `partialpool.predict`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import draws, grid, predict, tally
    from partialpool.learned import Learned
    from partialpool.study import Outcome

    block = snakemake.params.study
    outcome = Outcome.of(block)
    learned = Learned.read(block["formula"], snakemake.input.learned)
    if snakemake.input.rows:
        rows = pd.read_parquet(snakemake.input.rows[0])
    else:
        subset = pd.read_parquet(snakemake.input.subset)
        groups = tally.read_groups(snakemake.input.groups)
        rows = grid.grid(subset, learned.design, outcome, groups)
    predictions = predict.predict(
        draws.joint(files.read_netcdf(snakemake.input.posterior)),
        rows,
        learned.design.at(rows),
        outcome,
        variant=snakemake.wildcards.variant,
        passed=files.read_json(snakemake.input.diagnostics)["passed"],
        interval=block["interval"],
        seed=block["seed"],
        whom=block["predict"],
    )
    files.write_csv(snakemake.output.predictions, predictions)
