"""Snakemake adapter of `partialpool.answers.diagnose`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.answers import diagnose
    from partialpool.sampler import convergence

    block = snakemake.params.study
    tree = files.read_netcdf(snakemake.input.posterior)
    statistics = tree["sample_stats"].to_dataset()
    summary, judged, partly = convergence.convergence_of(tree, block["interval"])
    verdict = diagnose.verdict(
        judged, statistics, block["convergence"], diagnose.effort(tree), partly
    )
    files.write_csv(snakemake.output.summary, summary)
    files.write_json(snakemake.output.diagnostics, verdict)
