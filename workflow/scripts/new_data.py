"""Snakemake adapter of `partialpool.ingest`, for the rows to predict."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import ingest
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    rows = ingest.ingest_new(
        block["new_data"],
        Formula(block["formula"]),
        Outcome.of(block),
        pd.read_parquet(snakemake.input.table),
        source=block["new_data"],
    )
    ingest.check_contrasts(block["contrasts"], len(rows), block["new_data"])
    files.write_parquet(snakemake.output.rows, rows)
