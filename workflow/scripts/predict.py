"""Snakemake adapter of `partialpool.predict`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import predict
    from partialpool.formula import Formula
    from partialpool.ingest import standard_errors
    from partialpool.study import error_column

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    formula = Formula(block["formula"])
    fitted = formula.design(table)
    rows = (
        pd.read_parquet(snakemake.input.rows[0])
        if snakemake.input.rows
        else predict.grid(table, formula, fitted, error_column(block["sigma"]))
    )
    tree = files.read_netcdf(snakemake.input.posterior)
    predictions = predict.predict(
        tree["posterior"].to_dataset(),
        rows,
        fitted.at(rows),
        variant=snakemake.wildcards.variant,
        passed=files.read_json(snakemake.input.diagnostics)["passed"],
        interval=block["interval"],
        seed=block["seed"],
        standard_errors=standard_errors(rows, block["sigma"]),
    )
    files.write_csv(snakemake.output.predictions, predictions)
