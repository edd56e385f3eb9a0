"""Snakemake adapter of `partialpool.recover`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import recover

    truth = files.read_json(snakemake.input.truth)["values"]
    summaries = dict(
        zip(
            snakemake.params.study["variants"],
            map(pd.read_csv, snakemake.input.summaries),
            strict=True,
        )
    )
    files.write_csv(snakemake.output.recovery, recover.recover(truth, summaries))
