"""Snakemake adapter of `partialpool.figures.study_figures`."""

from partialpool.run import job

with job.logged(snakemake):
    from partialpool.figures import reader, study_figures

    study = reader.read(dict(snakemake.input.items()), snakemake.params.study)
    study_figures.draw(study, snakemake.output.figures)
