"""Functions of the rules: resources, threads, and inputs that depend on the config.

The environment is the same for all steps, and named in each: a copy made by `use rule` cannot
have a script of its own, and `snakemake --lint` does not see one environment for the workflow.
"""

from types import SimpleNamespace


def by_attempt(**amounts):
    """Resources that grow with each attempt: what ran out of memory or time once gets more."""

    def growing(amount):
        return lambda wildcards, attempt: amount * attempt

    return {name: growing(amount) for name, amount in amounts.items()}


# Names of the studies whose table is compressed by several jobs, as a pattern that matches them.
SHARED = "|".join(name for name, study in STUDIES.items() if study.parts > 1) or "(?!)"


def fits():
    """All fits, as study and variant, in the order of the config."""
    return [(name, variant) for name, study in STUDIES.items() for variant in study.variants]


def chains_at_once(wildcards):
    """Cores of a fit: one, or more for its chains where there are more cores than fits.

    On a cluster a fit has one, unless --set-threads fit=4 says more.
    """
    if not (workflow.is_main_process and workflow.local_exec):
        return 1
    most = max((study.sampler["chains"] for study in STUDIES.values()), default=1)
    return max(1, min(most, workflow.cores // max(1, len(fits()))))


def table_of(wildcards):
    """A study's table: the simulated one, the file of the config, or the parts in its folder."""
    study = STUDIES[wildcards.study]
    return files.parts(study.data) if study.data else rules.simulate.output.table


def of_variants(pattern):
    """Files of all variants of a study, in the order of the config."""
    return lambda w: expand(pattern, study=w.study, variant=STUDIES[w.study].variants)


def figure_inputs(wildcards):
    """Inputs of a study's figures: the results that a figure shows."""
    found = {
        "learned": rules.ingest.output.learned,
        "subset": rules.ingest.output.subset,
        "groups": rules.ingest.output.groups,
        "compressed": rules.compress.output.compressed,
        "comparison": rules.compare.output.rows,
        "comparison_groups": rules.compare.output.groups,
        "posteriors": of_variants(rules.fit.output.posterior)(wildcards),
        "summaries": of_variants(rules.diagnose.output.summary)(wildcards),
        "diagnostics": of_variants(rules.diagnose.output.diagnostics)(wildcards),
        "predictive": of_variants(rules.check.output.predictive)(wildcards),
        "predictions": of_variants(rules.predict.output.predictions)(wildcards),
        "group_estimates": of_variants(rules.predict.output.groups)(wildcards),
    }
    if STUDIES[wildcards.study].simulate:
        found["recovery"] = rules.recover.output.recovery
    return found


def report_inputs(wildcards):
    """Inputs of a study's report, besides its figures: the results that it shows or links."""
    study, drawn = STUDIES[wildcards.study], figure_inputs(wildcards)
    found = {name: drawn[name] for name in drawn if name not in ("learned", "subset")}
    found["table"] = rules.ingest.output.table
    found["data_report"] = rules.ingest.output.report
    if study.contrasts:
        found["contrasts"] = of_variants(rules.contrasts.output.contrasts)(wildcards)
    if study.new_data:
        found["new_data_report"] = rules.new_data.output.report
    return found


def outputs(name):
    """Every file that is made for a study."""
    study, wildcards = STUDIES[name], SimpleNamespace(study=name)
    shown = figure_inputs(wildcards) | report_inputs(wildcards)
    patterns = [
        path for paths in shown.values() for path in ([paths] if isinstance(paths, str) else paths)
    ]
    # Or what fails here would be forgotten: nobody would miss it in the next run.
    patterns += [*rules.simulate.output] if study.simulate else []
    patterns += [*rules.new_data.output] if study.new_data else []
    return expand([*patterns, rules.figures.output.figures, rules.report.output.page], study=name)
