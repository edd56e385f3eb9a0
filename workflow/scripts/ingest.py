"""Snakemake adapter of `partialpool.ingest`."""

from partialpool import files, job

with job.logged(snakemake):
    from partialpool import ingest, priors
    from partialpool.formula import Formula
    from partialpool.study import Outcome

    block = snakemake.params.study
    formula = Formula(block["formula"])
    outcome = Outcome.of(block)
    table, report = ingest.ingest(
        block["data"] or snakemake.input.table,
        formula,
        outcome,
        missing=block["missing"],
        key=block["key"],
        source=block["data"] or f"simulated table of {block['name']}",
    )
    priors.check_keys(
        block["priors"],
        formula.design(table),
        outcome,
        block["group_effects"],
        f"config/config.yaml: studies.{block['name']}.priors",
    )
    files.write_parquet(snakemake.output.table, table)
    files.write_json(snakemake.output.report, report)
