"""Snakemake adapter of `partialpool.ingest`, for the rows to predict."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import data_report, ingest
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    formula, fitted = Formula(block["formula"]), pd.read_parquet(snakemake.input.table)
    source = block["new_data"]
    rows = ingest.ingest_new(source, formula, Outcome.of(block), fitted, source=source)
    ingest.check_contrasts(block["contrasts"], len(rows), source)
    files.write_parquet(snakemake.output.rows, rows)
    described = data_report.of_new(formula.design(fitted).at(rows), source)
    files.write_json(snakemake.output.report, described)
