"""Snakemake adapter of `partialpool.diagnose`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import convergence, diagnose

    block = snakemake.params.study
    tree = files.read_netcdf(snakemake.input.posterior)
    statistics = tree["sample_stats"].to_dataset()
    summary = convergence.summarise(tree["posterior"].to_dataset(), block["interval"])
    verdict = diagnose.verdict(summary, statistics, block["convergence"])
    files.write_csv(snakemake.output.summary, summary)
    files.write_json(snakemake.output.diagnostics, verdict)
