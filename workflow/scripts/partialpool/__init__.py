"""Pooled, unpooled and hierarchical fits of grouped data, each checked.

Data goes one way, through rooms, and a module imports only from its own room and those before it:

    base < study < design, model < table < compress < sampler < engine < answers < figures, report

`run`, what a run of the workflow needs besides, is imported by the Snakefile and the scripts alone.
"""

import os

# One thread for linear algebra, set before NumPy is imported: sums in another
# order round differently, and draws must not depend on the number of cores.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
