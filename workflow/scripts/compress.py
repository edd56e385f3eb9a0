"""Snakemake adapter of `partialpool.compress`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compress
    from partialpool.formula import Formula
    from partialpool.ingest import standard_errors

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    formula = Formula(block["formula"])
    compressed = compress.compress(
        formula.design(table),
        formula.response,
        block["sigma"],
        standard_errors(table, block["sigma"]),
    )
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
