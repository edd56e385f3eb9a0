"""Pictures, pages and the final word."""


rule figures:
    """Draw every picture of a study."""
    input:
        unpack(answers),
    output:
        figures=report(
            directory("results/{study}/figures"),
            patterns=["{name}.svg"],
            category="{study}",
            labels={"what": "figure", "name": "{name}"},
        ),
    log:
        "results/{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        study=lambda w: STUDIES[w.study].block("variants", "interval", "new_data"),
        code=files.code("figures"),
    script:
        "../scripts/figures.py"


TEMPLATES = f"{workflow.basedir}/workflow/report"


rule report:
    """Write one study up, as a page that opens anywhere."""
    input:
        unpack(answers),
        figures=rules.figures.output.figures,
        templates=[f"{TEMPLATES}/study.html", f"{TEMPLATES}/page.html", f"{TEMPLATES}/page.css"],
    output:
        page=report(
            "results/{study}/report.html",
            category="{study}",
            labels={"what": "report"},
        ),
    log:
        "results/{study}/logs/report.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        study=lambda w: STUDIES[w.study].block(*study.Study.__dataclass_fields__),
        code=files.code("report"),
    script:
        "../scripts/report.py"


rule index:
    """Link all studies, the verdicts first."""
    input:
        pages=expand(rules.report.output.page, study=STUDIES),
        diagnostics=[
            rules.diagnose.output.diagnostics.format(study=name, variant=variant)
            for name, variant in FITS
        ],
        data_reports=expand(rules.ingest.output.report, study=STUDIES),
        templates=[f"{TEMPLATES}/index.html", f"{TEMPLATES}/page.html", f"{TEMPLATES}/page.css"],
    output:
        page=report("results/index.html", category="All studies", labels={"what": "index"}),
        verdict=report("results/verdict.json", category="All studies", labels={"what": "verdict"}),
    log:
        "results/logs/index.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        fits=FITS,
        studies={name: block.block("formula", "data") for name, block in STUDIES.items()},
        code=files.code("index"),
    script:
        "../scripts/index.py"


rule verdict:
    """Fail the run if a fit failed and the config is strict, after everything has been written."""
    input:
        verdict=rules.index.output.verdict,
        page=rules.index.output.page,
    output:
        accepted="results/verdict.ok",
    log:
        "results/logs/verdict.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        strict=config.get("strict", True),
        code=files.code("verdict"),
    script:
        "../scripts/verdict.py"
