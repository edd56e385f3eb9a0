"""Snakemake adapter of `partialpool.diagnose`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import convergence, diagnose

    block = snakemake.params.study
    tree = files.read_netcdf(snakemake.input.posterior)
    statistics = tree["sample_stats"].to_dataset()
    summary, judged, partly = convergence.of_fit(tree, block["interval"])
    verdict = diagnose.verdict(
        judged, statistics, block["convergence"], diagnose.effort(tree), partly
    )
    files.write_csv(snakemake.output.summary, summary)
    files.write_json(snakemake.output.diagnostics, verdict)
