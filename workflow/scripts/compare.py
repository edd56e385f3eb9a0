"""Snakemake adapter of `partialpool.compare`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compare, compress, families
    from partialpool.formula import Formula

    block = snakemake.params.study
    table = pd.read_parquet(snakemake.input.table)
    design = Formula(block["formula"]).design(table)
    data = compress.read(files.read_netcdf(snakemake.input.compressed))
    values = families.columns(table, data.outcome)
    passed, rows, groups = {}, {}, {}
    for variant, fitted, diagnostics in zip(
        block["variants"], snakemake.input.posteriors, snakemake.input.diagnostics, strict=True
    ):
        posterior = files.read_netcdf(fitted)["posterior"].to_dataset()
        passed[variant] = files.read_json(diagnostics)["passed"]
        rows[variant] = compare.by_row(posterior, design, data.outcome, values, block["seed"])
        whole = compare.by_group(posterior, data, design, values, variant)
        if whole is not None:
            groups[variant] = whole
    files.write_csv(snakemake.output.rows, compare.compare(rows, passed))
    files.write_csv(snakemake.output.groups, compare.compare(groups, passed))
