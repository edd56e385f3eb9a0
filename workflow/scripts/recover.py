"""Snakemake adapter of `partialpool.answers.recover`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    import pandas as pd

    from partialpool.answers import recover

    truth = files.read_json(snakemake.input.truth)["values"]
    summaries = dict(
        zip(
            snakemake.params.study["variants"],
            map(pd.read_csv, snakemake.input.summaries),
            strict=True,
        )
    )
    files.write_csv(snakemake.output.recovery, recover.recover(truth, summaries))
