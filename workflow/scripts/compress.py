"""Snakemake adapter of `partialpool.compress`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compress, families
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    outcome = Outcome.of(block)
    compressed = compress.compress(
        Formula(block["formula"]).design(table), outcome, families.columns(table, outcome)
    )
    files.write_netcdf(snakemake.output.compressed, compressed.to_dataset())
