"""Snakemake adapter of `partialpool.compare`."""

from partialpool import files, job

with job.logged(snakemake):
    import pandas as pd

    from partialpool import compare, compress, draws, families, tally
    from partialpool.learned import Learned

    block = snakemake.params.study
    subset = pd.read_parquet(snakemake.input.subset)
    learned = Learned.read(block["formula"], snakemake.input.learned)
    design = learned.design.at(subset, response=True)
    data = compress.read(files.read_netcdf(snakemake.input.compressed))
    values = families.columns(subset, data.outcome)
    alone = compare.only_rows(design, tally.read_groups(snakemake.input.groups))
    passed, rows, groups = {}, {}, {}
    for variant, fitted, diagnostics in zip(
        block["variants"], snakemake.input.posteriors, snakemake.input.diagnostics, strict=True
    ):
        posterior = draws.joint(files.read_netcdf(fitted))
        passed[variant] = files.read_json(diagnostics)["passed"]
        rows[variant] = compare.by_row(
            posterior, design, data.outcome, values, alone, variant, data.total
        )
        whole = compare.by_group(posterior, data, variant)
        if whole is not None:
            groups[variant] = whole
    files.write_csv(snakemake.output.rows, compare.compare(rows, passed, data.outcome))
    files.write_csv(
        snakemake.output.groups, compare.compare(groups, passed, data.outcome, "groups")
    )
