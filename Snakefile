"""From a table and a formula to pooled, unpooled and hierarchical fits that have been checked.

Studies are blocks of config/config.yaml. A step is a rule, a module of
workflow/scripts/partialpool and a section of the report, all of one name.
"""

import sys

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from partialpool import files, priors, study
from partialpool.errors import UserError


configfile: "config/config.yaml"


try:
    STUDIES = study.read(config)
    for name, block in STUDIES.items():
        priors.check(block.priors, f"config/config.yaml: studies.{name}.priors")
        files.require(block.data, f"config/config.yaml: studies.{name}.data")
        files.require(block.new_data, f"config/config.yaml: studies.{name}.new_data")
except UserError as error:
    sys.exit(f"partialpool: {error}")

FITS = [(name, variant) for name, block in STUDIES.items() for variant in block.variants]


wildcard_constraints:
    study="[A-Za-z][A-Za-z0-9_-]*",
    variant="|".join(study.VARIANTS),


include: "workflow/rules/data.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/index.html",
        "results/verdict.json",
