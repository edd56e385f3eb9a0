"""Snakemake adapter of `partialpool.ingest`, for the rows to predict."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import ingest
    from partialpool.formula import Formula

    block = snakemake.params.study
    rows = ingest.ingest_new(
        block["new_data"],
        Formula(block["formula"]),
        block["sigma"],
        pd.read_parquet(snakemake.input.table),
        source=block["new_data"],
    )
    files.write_parquet(snakemake.output.rows, rows)
