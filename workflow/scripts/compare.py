"""Snakemake adapter of `partialpool.compare`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compare
    from partialpool.compress import Compressed
    from partialpool.formula import Formula
    from partialpool.ingest import standard_errors

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    design = Formula(block["formula"]).design(table)
    data = Compressed.from_dataset(files.read_netcdf(snakemake.input.compressed))
    passed, rows, groups = {}, {}, {}
    for variant, fitted, diagnostics in zip(
        block["variants"], snakemake.input.posteriors, snakemake.input.diagnostics, strict=True
    ):
        posterior = files.read_netcdf(fitted)["posterior"].to_dataset()
        passed[variant] = files.read_json(diagnostics)["passed"]
        rows[variant] = compare.by_row(
            posterior,
            design,
            standard_errors(table, block["sigma"]),
            block["seed"],
        )
        if data.factor:
            groups[variant] = compare.by_group(posterior, data, variant)
    files.write_csv(snakemake.output.rows, compare.compare(rows, passed))
    files.write_csv(snakemake.output.groups, compare.compare(groups, passed))
