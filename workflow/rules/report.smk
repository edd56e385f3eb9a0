"""Figures and reports, the index of all studies, and the verdict on the run."""

from pathlib import Path


rule figures:
    """Draw all figures of a study."""
    input:
        unpack(figure_inputs),
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
    resources:
        **by_attempt(mem_mb=3000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params(
            "formula", "variants", "interval", "new_data", *outcome.OUTCOME
        ),
        code=CODE["figures"],
    script:
        "../scripts/figures.py"


TEMPLATES = f"{workflow.basedir}/workflow/report"
# A report shows what the study is, all of it; settings are of steps that it does not show.
REPORTED = KEYS


rule report:
    """Write the report of a study, as one HTML file."""
    input:
        unpack(report_inputs),
        figures=rules.figures.output.figures,
        # The first one is in the folder of all.
        templates=[
            *(f"{TEMPLATES}/{name}" for name in ("study.html", "section.html", "macros.html")),
            *(f"{TEMPLATES}/{name}" for name in ("page.html", "page.css")),
            *sorted(map(str, Path(TEMPLATES).glob("sections/*.html"))),
        ],
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
    resources:
        **by_attempt(mem_mb=1000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params(*REPORTED),
        code=CODE["report"],
    script:
        "../scripts/report.py"


rule index:
    """Write the index page: all studies, verdicts first."""
    input:
        pages=lambda w: expand(rules.report.output.page, study=STUDIES),
        diagnostics=lambda w: [
            rules.diagnose.output.diagnostics.format(study=name, variant=variant)
            for name, variant in fits()
        ],
        data_reports=lambda w: expand(rules.ingest.output.report, study=STUDIES),
        templates=[f"{TEMPLATES}/index.html", f"{TEMPLATES}/page.html", f"{TEMPLATES}/page.css"],
    output:
        page=report("results/index.html", category="All studies", labels={"what": "index"}),
        verdict=report("results/verdict.json", category="All studies", labels={"what": "verdict"}),
    log:
        "results/logs/index.log",
    # Seconds of work: never worth a place in a queue.
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=1000, runtime=5),
    params:
        fits=lambda w: fits(),
        studies=lambda w: {n: study.params("formula", "data") for n, study in STUDIES.items()},
        code=CODE["index"],
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
    # Seconds of work: never worth a place in a queue.
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=500, runtime=5),
    params:
        strict=STRICT,
        code=CODE["verdict"],
    script:
        "../scripts/verdict.py"
