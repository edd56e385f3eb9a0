"""Snakemake adapter of `partialpool.ingest`."""

from pathlib import Path

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import ingest, priors
    from partialpool.formula import Formula

    block = snakemake.params.study
    formula = Formula(block["formula"])
    source = block["data"] or f"simulated table of {block['name']}"
    path = block["data"] or snakemake.input.table
    table, report = ingest.ingest(Path(path), formula, block["sigma"], source=source)
    priors.check_keys(
        block["priors"],
        formula.design(table),
        block["sigma"],
        f"config/config.yaml: studies.{block['name']}.priors",
    )
    files.write_parquet(snakemake.output.table, table)
    files.write_json(snakemake.output.report, report)
