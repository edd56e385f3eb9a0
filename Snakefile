"""From a table and a formula to pooled, unpooled and hierarchical fits that have been checked.

Studies are blocks of config/config.yaml. A step is a rule, a module of
workflow/scripts/partialpool and a section of the report, all of one name.
"""

import atexit
import sys
import time

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from partialpool import files, priors, study
from partialpool.errors import UserError

STARTED = time.time()
CONFIG = next(iter(workflow.overwrite_configfiles), "config/config.yaml")

try:
    files.require_yaml(CONFIG)
except UserError as error:
    sys.exit(f"partialpool: {error}")


configfile: "config/config.yaml"


try:
    STUDIES = study.read(config, source=str(CONFIG))
    for name, block in STUDIES.items():
        priors.check(block.priors, f"{CONFIG}: studies.{name}.priors")
        files.require(block.data, f"{CONFIG}: studies.{name}.data")
        files.require(block.new_data, f"{CONFIG}: studies.{name}.new_data")
except UserError as error:
    sys.exit(f"partialpool: {error}")

FITS = [(name, variant) for name, block in STUDIES.items() for variant in block.variants]


onerror:
    # After Snakemake's own account, so that it is the last thing on the screen.
    atexit.register(sys.stderr.write, files.last_words(STARTED))


wildcard_constraints:
    study="[A-Za-z][A-Za-z0-9_-]*",
    variant="|".join(study.VARIANTS),


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/index.html",
        "results/verdict.ok",
