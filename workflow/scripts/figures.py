"""Snakemake adapter of `partialpool.figures`."""

from partialpool import job

with job.logged(snakemake):
    from partialpool import figures

    block = snakemake.params.study
    study = figures.read(
        dict(snakemake.input.items()),
        block["variants"],
        block["interval"],
        own_rows=block["new_data"] is not None,
    )
    figures.draw(study, snakemake.output.figures)
