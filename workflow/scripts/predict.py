"""Snakemake adapter of `partialpool.predict`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import predict
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    outcome = Outcome.of(block)
    table = pd.read_parquet(snakemake.input.table)
    formula = Formula(block["formula"])
    fitted = formula.design(table)
    rows = (
        pd.read_parquet(snakemake.input.rows[0])
        if snakemake.input.rows
        else predict.grid(table, formula, fitted, outcome)
    )
    tree = files.read_netcdf(snakemake.input.posterior)
    predictions = predict.predict(
        tree["posterior"].to_dataset(),
        rows,
        fitted.at(rows),
        outcome,
        variant=snakemake.wildcards.variant,
        passed=files.read_json(snakemake.input.diagnostics)["passed"],
        interval=block["interval"],
        seed=block["seed"],
        whom=block["predict"],
    )
    files.write_csv(snakemake.output.predictions, predictions)
