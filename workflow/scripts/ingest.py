"""Snakemake adapter of `partialpool.table.ingest`."""

from partialpool.base import files
from partialpool.run import job

with job.logged(snakemake):
    from partialpool.base import session
    from partialpool.design.formula import Formula
    from partialpool.model import prior_keys
    from partialpool.study.outcome import Outcome
    from partialpool.table import ingest
    from partialpool.table.reader import TableFile

    block = snakemake.params.study
    outcome, output = Outcome.of(block), snakemake.output
    path = block["data"] or snakemake.input.table
    source = block["data"] or f"simulated table of {block['name']}"
    with files.replacing(output.table) as table:
        found = ingest.ingest(
            path,
            Formula.read(block["formula"], TableFile(path, source).columns()),
            outcome,
            to=table,
            missing=block["missing"],
            key=block["key"],
            source=source,
        )
        prior_keys.check_keys(
            block["priors"],
            found.learned.design,
            outcome,
            block["group_effects"],
            f"{session.place(block['name'])}.priors",
        )
    files.write_json(output.report, found.report)
    files.write_json(output.learned, found.learned.to_dict())
    files.write_parquet(output.subset, found.subset, index=True)
    files.write_csv(output.groups, found.groups)
