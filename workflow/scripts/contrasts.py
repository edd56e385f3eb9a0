"""Snakemake adapter of `partialpool.contrasts`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import contrasts
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    rows = pd.read_parquet(snakemake.input.rows)
    fitted = Formula(block["formula"]).design(pd.read_parquet(snakemake.input.table))
    tree = files.read_netcdf(snakemake.input.posterior)
    found = contrasts.contrast(
        tree["posterior"].to_dataset(),
        rows,
        fitted.at(rows),
        Outcome.of(block),
        block["contrasts"],
        variant=snakemake.wildcards.variant,
        passed=files.read_json(snakemake.input.diagnostics)["passed"],
        interval=block["interval"],
        seed=block["seed"],
        whom=block["predict"],
    )
    files.write_csv(snakemake.output.contrasts, found)
