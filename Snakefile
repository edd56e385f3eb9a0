"""From a table and a formula to pooled, unpooled and hierarchical fits that have been checked.

Studies are blocks of config/config.yaml. A step is a rule and a script of one name; the script
calls the modules of workflow/scripts/partialpool that its first line names. They are in rooms:
see the docstring of the package.
"""

import atexit
import sys
from dataclasses import asdict

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from partialpool.base import files, session
from partialpool.base.errors import UserError
from partialpool.model import prior_keys
from partialpool.run import fingerprint, launch, partial_page, progress, reruns
from partialpool.study import outcome, paths
from partialpool.study.study import KEYS, VARIANTS, Study

try:
    # A job on a cluster reads the Snakefile, too, and takes what its run was started with.
    RUN_RECORD = None if workflow.is_main_process else session.started_with()
    if RUN_RECORD:
        STRICT, CODE, CONFIG_LOCATIONS = (
            RUN_RECORD["strict"],
            RUN_RECORD["code"],
            RUN_RECORD["places"],
        )
        STUDIES = {name: Study.from_plain(values) for name, values in RUN_RECORD["studies"].items()}
    else:
        # Not by `configfile:`, which takes the last of two equal keys, and evaluates.
        given = workflow.config_settings
        loaded = launch.load(given.configfiles, given.config, given.replace_workflow_config)
        STUDIES, CONFIG_LOCATIONS, STRICT = loaded.studies, loaded.places, loaded.strict
        CODE = fingerprint.hashes()
        workflow.configfiles = loaded.files  # for Snakemake's own account and report
        config.update(loaded.config)
        paths.require_results({name: study.variants for name, study in STUDIES.items()})
except UserError as error:
    sys.exit(f"partialpool: {error}")


if workflow.is_main_process:
    reruns.by_records()


onstart:
    try:
        paths.require_writable()
    except UserError as error:
        sys.exit(f"partialpool: {error}")
    studies = {name: asdict(study) for name, study in STUDIES.items()}
    session.begin(strict=STRICT, code=CODE, places=CONFIG_LOCATIONS, studies=studies)
    partial_page.remove()
    progress.follow(workflow)


onerror:
    # After Snakemake's own account, so that they are the last thing on the screen; what is
    # registered last is written first.
    atexit.register(sys.stderr.write, progress.last_words(workflow))
    atexit.register(sys.stderr.write, partial_page.write(workflow))


wildcard_constraints:
    study="[A-Za-z][A-Za-z0-9_-]*",
    variant="|".join(VARIANTS),
    part="[0-9]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/report.smk"


if not workflow.is_main_process:
    # A job of a cluster runs its steps itself: one more Snakemake for each would take 2 s.

    localrules:
        simulate,
        ingest,
        new_data,
        compress,
        compress_part,
        compress_merge,
        fit,
        diagnose,
        predict,
        contrasts,
        check,
        compare,
        recover,
        figures,
        report,


rule all:
    default_target: True
    input:
        # All of them, or a deleted one would be missed only by the next change upstream of it.
        lambda w: [path for name in STUDIES for path in outputs(name)],
        "results/index.html",
        "results/verdict.json",
        "results/verdict.ok",
