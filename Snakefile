"""From a table and a formula to pooled, unpooled and hierarchical fits that have been checked.

Studies are blocks of config/config.yaml. A step is a rule, a module of
workflow/scripts/partialpool and a section of the report, all of one name.
"""

import atexit
import sys
import time
from dataclasses import asdict

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from partialpool import code, files, job, priors, progress, reruns, run, study, unfinished
from partialpool.config import read
from partialpool.errors import UserError

STARTED = time.time()
CONFIG = next(iter(workflow.overwrite_configfiles), "config/config.yaml")

try:
    # A job on a cluster reads the Snakefile, too, and takes what its run was started with.
    BEGUN = None if workflow.is_main_process else run.started_with()
    if not BEGUN:
        files.require_yaml(CONFIG)
except UserError as error:
    sys.exit(f"partialpool: {error}")

if BEGUN:
    STRICT, CODE = BEGUN["strict"], BEGUN["code"]
    STUDIES = {name: study.Study(**block) for name, block in BEGUN["studies"].items()}
else:

    configfile: "config/config.yaml"

    try:
        STUDIES = read(config, source=str(CONFIG))
        for name, block in STUDIES.items():
            priors.check(block.priors, f"{CONFIG}: studies.{name}.priors")
            files.require(block.data, f"{CONFIG}: studies.{name}.data")
            files.require(block.new_data, f"{CONFIG}: studies.{name}.new_data")
    except UserError as error:
        sys.exit(f"partialpool: {error}")
    STRICT, CODE = config.get("strict", True), code.hashes()


onstart:
    run.begin(strict=STRICT, code=CODE, studies={n: asdict(s) for n, s in STUDIES.items()})
    unfinished.forget()
    progress.follow(workflow)


onerror:
    # After Snakemake's own account, so that they are the last thing on the screen; what is
    # registered last is written first.
    atexit.register(sys.stderr.write, job.last_words(STARTED))
    atexit.register(sys.stderr.write, unfinished.tell(workflow))


if workflow.is_main_process:
    reruns.by_records()


wildcard_constraints:
    study="[A-Za-z][A-Za-z0-9_-]*",
    variant="|".join(study.VARIANTS),
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
        "results/verdict.ok",
