"""Snakemake adapter of `partialpool.table.ingest`, for the rows to predict."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.design.transforms import FittedTransforms
    from partialpool.study.outcome import Outcome
    from partialpool.table import data_report, ingest

    block = snakemake.params.study
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    source = block["new_data"]
    rows = ingest.ingest_new(source, learned, Outcome.of(block), source=source)
    ingest.check_contrasts(block["contrasts"], len(rows), source)
    files.write_parquet(snakemake.output.rows, rows)
    files.write_json(
        snakemake.output.report, data_report.report_new_rows(learned.design.for_rows(rows), source)
    )
