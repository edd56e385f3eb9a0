"""Snakemake adapter of `partialpool.verdict`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import verdict

    collected = files.read_json(snakemake.input.verdict)
    if snakemake.params.strict:
        verdict.enforce(collected, snakemake.input.page)
    files.write_text(snakemake.output.accepted, "")
