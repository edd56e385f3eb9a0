"""Snakemake adapter of `partialpool.answers.verdict`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.answers import verdict

    collected = files.read_json(snakemake.input.verdict)
    if snakemake.params.strict:
        verdict.enforce(collected, snakemake.input.page)
    files.write_text(snakemake.output.accepted, "")
