"""Simulate, check and compress the table of a study."""


rule simulate:
    """Simulate a study's table from known parameter values."""
    output:
        table="results/{study}/simulated.csv",
        truth="results/{study}/truth.json",
    log:
        "results/{study}/logs/simulate.log",
    priority: 100
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=1000, runtime=10),
    params:
        study=lambda w: STUDIES[w.study].params(
            "name", "simulate", "formula", "group_effects", "seed", *outcome.OUTCOME
        ),
        code=CODE["simulate"],
    script:
        "../scripts/simulate.py"


rule ingest:
    """Check the table, and what the config says of it, before anything is sampled."""
    input:
        table=table_of,
    output:
        table="results/{study}/data.parquet",
        report=report(
            "results/{study}/data_report.json",
            category="{study}",
            labels={"what": "data report"},
        ),
        learned="results/{study}/learned.json",
        subset="results/{study}/subset.parquet",
        groups="results/{study}/groups.csv",
    log:
        "results/{study}/logs/ingest.log",
    # All tables are checked before the first fit starts.
    priority: 90
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=4000, runtime=20),
    params:
        study=lambda w: STUDIES[w.study].params(
            "name", "data", "formula", "missing", "key", "group_effects", *outcome.OUTCOME
        )
        | {"priors": prior_keys.supports(STUDIES[w.study].priors)},
        code=CODE["ingest"],
    script:
        "../scripts/ingest.py"


rule new_data:
    """Check the rows to predict, before anything is sampled."""
    input:
        rows=lambda w: files.parts(STUDIES[w.study].new_data),
        learned=rules.ingest.output.learned,
    output:
        rows="results/{study}/new_data.parquet",
        report=report(
            "results/{study}/new_data_report.json",
            category="{study}",
            labels={"what": "data report of the new rows"},
        ),
    log:
        "results/{study}/logs/new_data.log",
    priority: 80
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=2000, runtime=10),
    params:
        study=lambda w: STUDIES[w.study].params(
            "new_data", "formula", "contrasts", *outcome.OUTCOME
        ),
        code=CODE["new_data"],
    script:
        "../scripts/new_data.py"


rule compress:
    """Replace the rows of each group by a triangle, or rows that are alike by one."""
    input:
        table=rules.ingest.output.table,
        learned=rules.ingest.output.learned,
    output:
        compressed="results/{study}/compressed.nc",
    log:
        "results/{study}/logs/compress.log",
    wildcard_constraints:
        study=rf"(?!(?:{SHARED})/)[\w-]+",
    priority: 70
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=4000, runtime=20),
    params:
        study=lambda w: STUDIES[w.study].params("formula", *outcome.OUTCOME),
        code=CODE["compress"],
    script:
        "../scripts/compress.py"


rule compress_part:
    """Compress one part of a table that several jobs share."""
    input:
        table=rules.ingest.output.table,
        learned=rules.ingest.output.learned,
    output:
        compressed=temp("results/{study}/parts/{part}.nc"),
    log:
        "results/{study}/logs/compress_part_{part}.log",
    priority: 70
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=2000, runtime=20),
    params:
        study=lambda w: STUDIES[w.study].params("formula", "parts", *outcome.OUTCOME),
        code=CODE["compress_part"],
    script:
        "../scripts/compress_part.py"


rule compress_merge:
    """Merge compressed parts into what the whole table would be."""
    input:
        parts=lambda w: expand(
            rules.compress_part.output.compressed,
            study=w.study,
            part=range(1, STUDIES[w.study].parts + 1),
        ),
    output:
        compressed=rules.compress.output.compressed,
    log:
        "results/{study}/logs/compress_merge.log",
    wildcard_constraints:
        study=SHARED,
    priority: 70
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=4000, runtime=20),
    params:
        code=CODE["compress_merge"],
    script:
        "../scripts/compress_merge.py"
