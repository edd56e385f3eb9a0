"""Snakemake adapter of `partialpool.report`."""

from partialpool import files, job

with job.logged(snakemake):
    from pathlib import Path

    from partialpool import report

    paths = dict(snakemake.input.items())
    folder = Path(str(snakemake.output.page)).parent
    results = report.read(paths, snakemake.params.study)
    templates = Path(snakemake.input.templates[0]).parent
    links = report.links(paths, folder)
    files.write_text(
        snakemake.output.page, report.page(results, snakemake.input.figures, links, templates)
    )
