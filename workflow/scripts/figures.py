"""Snakemake adapter of `partialpool.figures`."""

from partialpool import job

with job.logged(snakemake):
    from partialpool import figures

    study = figures.read(dict(snakemake.input.items()), snakemake.params.study)
    figures.draw(study, snakemake.output.figures)
