"""Snakemake adapter of `partialpool.report.index`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from pathlib import Path

    from partialpool.answers import verdict
    from partialpool.report import index

    studies = snakemake.params.studies
    fits = [tuple(fit) for fit in snakemake.params.fits]
    diagnostics = dict(zip(fits, map(files.read_json, snakemake.input.diagnostics), strict=True))
    page = index.index(
        studies,
        diagnostics,
        dict(zip(studies, map(files.read_json, snakemake.input.data_reports), strict=True)),
        Path(snakemake.input.templates[0]).parent,
    )
    files.write_text(snakemake.output.page, page)
    files.write_json(snakemake.output.verdict, verdict.collect(diagnostics))
