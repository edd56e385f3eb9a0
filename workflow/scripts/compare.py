"""Snakemake adapter of `partialpool.answers.loo`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    import pandas as pd

    from partialpool.answers import loo, predictor
    from partialpool.compress import compressed_file
    from partialpool.design.transforms import FittedTransforms
    from partialpool.model import families
    from partialpool.table import table_summary

    block = snakemake.params.study
    subset = pd.read_parquet(snakemake.input.subset)
    learned = FittedTransforms.read(block["formula"], snakemake.input.learned)
    design = learned.design.for_rows(subset, response=True)
    data = compressed_file.from_dataset(files.read_netcdf(snakemake.input.compressed))
    values = families.columns(subset, data.outcome)
    alone = loo.only_rows(design, table_summary.read_groups(snakemake.input.groups))
    passed, rows, groups = {}, {}, {}
    for variant, fitted, diagnostics in zip(
        block["variants"], snakemake.input.posteriors, snakemake.input.diagnostics, strict=True
    ):
        posterior = predictor.merged_posterior(files.read_netcdf(fitted))
        passed[variant] = files.read_json(diagnostics)["passed"]
        rows[variant] = loo.by_row(
            posterior, design, data.outcome, values, alone, variant, data.total
        )
        whole = loo.by_group(posterior, data, variant)
        if whole is not None:
            groups[variant] = whole
    files.write_csv(snakemake.output.rows, loo.compare(rows, passed, data.outcome))
    files.write_csv(snakemake.output.groups, loo.compare(groups, passed, data.outcome, "groups"))
