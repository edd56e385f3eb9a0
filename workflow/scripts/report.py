"""Snakemake adapter of `partialpool.report.study_page`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from pathlib import Path

    from partialpool.report import report_data, study_page

    paths = dict(snakemake.input.items())
    folder = Path(str(snakemake.output.page)).parent
    results = report_data.read(paths, snakemake.params.study)
    templates = Path(snakemake.input.templates[0]).parent
    links = study_page.links(paths, folder)
    files.write_text(
        snakemake.output.page, study_page.page(results, snakemake.input.figures, links, templates)
    )
