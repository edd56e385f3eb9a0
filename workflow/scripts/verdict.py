"""Snakemake adapter of `partialpool.verdict`."""

from partialpool import files

with files.job(snakemake.log):
    from partialpool import verdict

    fits = [tuple(fit) for fit in snakemake.params.fits]
    diagnostics = dict(zip(fits, map(files.read_json, snakemake.input.diagnostics), strict=True))
    collected = verdict.collect(diagnostics)
    if snakemake.params.strict:
        verdict.enforce(collected, snakemake.input.page)
    files.write_json(snakemake.output.verdict, collected)
