"""Fits, and their diagnostics, predictions, predictive checks and comparison."""


rule fit:
    """Draw from the posterior of one variant."""
    input:
        compressed=rules.compress.output.compressed,
    output:
        posterior="results/{study}/{variant}/posterior.nc",
    log:
        "results/{study}/logs/{variant}_fit.log",
    conda:
        "../../environment.yml"
    threads: chains_at_once
    resources:
        **by_attempt(mem_mb=3000, runtime=60),
    params:
        study=lambda w: STUDIES[w.study].params("priors", "sampler", "seed", "group_effects"),
        code=CODE["fit"],
    script:
        "../scripts/fit.py"


rule diagnose:
    """Summarise one fit, and judge whether it has converged."""
    input:
        posterior=rules.fit.output.posterior,
    output:
        summary=report(
            "results/{study}/{variant}/summary.csv",
            category="{study}",
            labels={"what": "summary", "variant": "{variant}"},
        ),
        diagnostics=report(
            "results/{study}/{variant}/diagnostics.json",
            category="{study}",
            labels={"what": "verdict", "variant": "{variant}"},
        ),
    log:
        "results/{study}/logs/{variant}_diagnose.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=3000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params("convergence", "interval"),
        code=CODE["diagnose"],
    script:
        "../scripts/diagnose.py"


rule predict:
    """Predict the configured rows, or a grid over the data's own range; and describe each group."""
    input:
        posterior=rules.fit.output.posterior,
        diagnostics=rules.diagnose.output.diagnostics,
        compressed=rules.compress.output.compressed,
        learned=rules.ingest.output.learned,
        subset=rules.ingest.output.subset,
        groups=rules.ingest.output.groups,
        rows=lambda w: [rules.new_data.output.rows] if STUDIES[w.study].new_data else [],
    output:
        predictions=report(
            "results/{study}/{variant}/predictions.csv",
            category="{study}",
            labels={"what": "predictions", "variant": "{variant}"},
        ),
        groups=report(
            "results/{study}/{variant}/group_estimates.csv",
            category="{study}",
            labels={"what": "groups", "variant": "{variant}"},
        ),
    log:
        "results/{study}/logs/{variant}_predict.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=3000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params(
            "formula", *outcome.OUTCOME, "predict", "interval", "seed"
        ),
        code=CODE["predict"],
    script:
        "../scripts/predict.py"


rule contrasts:
    """Differences between predicted rows, draw by draw."""
    input:
        posterior=rules.fit.output.posterior,
        diagnostics=rules.diagnose.output.diagnostics,
        learned=rules.ingest.output.learned,
        rows=rules.new_data.output.rows,
    output:
        contrasts=report(
            "results/{study}/{variant}/contrasts.csv",
            category="{study}",
            labels={"what": "contrasts", "variant": "{variant}"},
        ),
    log:
        "results/{study}/logs/{variant}_contrasts.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=3000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params(
            "formula", *outcome.OUTCOME, "predict", "contrasts", "interval", "seed"
        ),
        code=CODE["contrasts"],
    script:
        "../scripts/contrasts.py"


rule check:
    """Replicate the data from the prior and from the posterior."""
    input:
        posterior=rules.fit.output.posterior,
        compressed=rules.compress.output.compressed,
        learned=rules.ingest.output.learned,
        subset=rules.ingest.output.subset,
    output:
        predictive="results/{study}/{variant}/predictive.nc",
    log:
        "results/{study}/logs/{variant}_check.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=3000, runtime=5),
    params:
        study=lambda w: STUDIES[w.study].params("formula", "seed"),
        code=CODE["check"],
    script:
        "../scripts/check.py"


rule compare:
    """Compare the variants by leaving out rows, and by leaving out whole groups."""
    input:
        posteriors=of_variants(rules.fit.output.posterior),
        diagnostics=of_variants(rules.diagnose.output.diagnostics),
        compressed=rules.compress.output.compressed,
        learned=rules.ingest.output.learned,
        subset=rules.ingest.output.subset,
        groups=rules.ingest.output.groups,
    output:
        rows=report(
            "results/{study}/comparison.csv",
            category="{study}",
            labels={"what": "comparison, leaving out rows"},
        ),
        groups=report(
            "results/{study}/comparison_groups.csv",
            category="{study}",
            labels={"what": "comparison, leaving out groups"},
        ),
    log:
        "results/{study}/logs/compare.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=4000, runtime=10),
    params:
        study=lambda w: STUDIES[w.study].params("formula", "variants"),
        code=CODE["compare"],
    script:
        "../scripts/compare.py"


rule recover:
    """Compare estimates with the true values of a simulated table."""
    input:
        summaries=of_variants(rules.diagnose.output.summary),
        truth=rules.simulate.output.truth,
    output:
        recovery=report(
            "results/{study}/recovery.csv",
            category="{study}",
            labels={"what": "truth against estimate"},
        ),
    log:
        "results/{study}/logs/recover.log",
    conda:
        "../../environment.yml"
    resources:
        **by_attempt(mem_mb=1000, runtime=10),
    params:
        study=lambda w: STUDIES[w.study].params("variants"),
        code=CODE["recover"],
    script:
        "../scripts/recover.py"
