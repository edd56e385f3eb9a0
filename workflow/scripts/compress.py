"""Snakemake adapter of `partialpool.compress`."""

from partialpool import files

with files.job(snakemake.log):
    import pandas as pd

    from partialpool import compress
    from partialpool.formula import Formula
    from partialpool.study import error_column

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    formula = Formula(block["formula"])
    errors = error_column(block["sigma"])
    compressed = compress.compress(
        formula.design(table),
        formula.response,
        block["sigma"],
        table[errors].to_numpy(dtype=float) if errors else None,
    )
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
